"""Authoritative servers, and the provider that keeps their zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.registries.dns.lookups import Asker, Question, Records
from sim.registries.dns.settings import Settings
from sim.registries.probing import Prober

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


FAILS_OPEN = ("route53",)
"""Providers that give all records where none is healthy."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A new version of the records of a service."""

    service: str
    members: tuple[str, ...]


class Server(Asker):
    """Answers from its zone, which is on its disk: it outlives a crash."""

    def __init__(self, cluster: Cluster, host: str, name: str, services: Sequence[str], settings: Settings) -> None:
        super().__init__(cluster, host, name)
        self.settings = settings
        self.others: list[str] = []
        """Addresses of servers to which changes are passed on."""
        for service in services:
            self.kept[service] = tuple(cluster.instances_of(service))

    def received(self, sender: str, message: Any) -> None:
        if isinstance(message, Question):
            if not self.cluster.is_hidden(message.service):
                members = self.kept[message.service]
                ttl_s = self.settings.ttl_s if members else self.settings.negative_ttl_s
                self.answer(sender, message, Records(members, ttl_s))
        elif isinstance(message, Zone):
            self.kept[message.service] = message.members

    def spread(self, zone: Zone) -> None:
        """Tell the other servers at once (NOTIFY, RFC 1996, and a transfer)."""
        for other in self.others:
            self.tell(other, zone)


class Monitor(Prober):
    """The provider's health checks of one service, and what follows from them for the zone."""

    def __init__(self, cluster: Cluster, server: Server, service: str, settings: Settings) -> None:
        assert settings.health is not None
        name = server.address.partition("/")[2]
        super().__init__(cluster, server.host, f"{name}/{service}", service, settings.health, f"{name}: {service}")
        self.server, self.settings, self.component = server, settings, name

    def knows(self, server: str) -> bool:
        return True

    def started(self) -> None:
        super().started()
        for server in self.servers:
            if server not in self.server.kept[self.service]:
                self.health[server] = 0

    def changed(self, server: str) -> None:
        self.cluster.record(self.component, "healthy" if self.is_in(server) else "unhealthy", server, self.host)
        self.after(self.settings.operator_s, self._edit)

    def _edit(self) -> None:
        """Give the healthy ones; where none is, nothing, or all (Route 53: "considers all to be healthy")."""
        members = tuple(server for server in self.servers if self.is_in(server))
        if not members and self.check.system.partition("@")[0] in FAILS_OPEN:
            members = tuple(self.servers)
        before = self.server.kept[self.service]
        self.server.kept[self.service] = members
        for server in self.servers:
            if (server in members) != (server in before):
                self.cluster.record(self.component, "registered" if server in members else "evicted", server)
        self.server.spread(Zone(self.service, members))
