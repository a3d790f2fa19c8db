"""`redis`: keys that expire unless they are set again, one primary, replicas that follow it, and sentinels.

Writes are acknowledged before a replica has them, so that a failover loses some: `lost_writes` in the log counts them.
A primary that is back in time comes back empty (there is no persistence here), and its replicas follow it in that.

Redis 7.0 and its Sentinel, read in the sources that the modules of this folder name; defaults of `sentinel.conf` and
`sentinel.c`. Redis says nothing about how services are registered in it: a key for each instance with a TTL of 30 s
that is set again every 10 s, and clients that scan for them every 5 s, are this registry's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PlainValidator, WithJsonSchema

from sim.forms.base import Mistake, show
from sim.forms.fields import Count, Duration, choice_reader, choices_schema
from sim.forms.names import Names
from sim.model import Component, Service
from sim.registries.form import RegistryForm, RegistryScope
from sim.registries.limits import Servers, too_short
from sim.registries.redis.settings import ClientSettings, ReadFrom, SentinelSettings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.registries.redis.client import Client
    from sim.registries.redis.messages import Entry

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "7.0": {
        "servers": 3,
        "sentinels": 3,
        "quorum": 2,
        "down_after": 30.0,
        "failover_timeout": 180.0,
        "parallel_syncs": 1,
        "ttl": 30.0,
        "refresh": 10.0,
        "poll": 5.0,
        "timeout": 2.0,
        "read_from": "primary",
    },
}
_PLACES = ("primary", "replica")
ReadFromField = Annotated[ReadFrom, PlainValidator(choice_reader(*_PLACES)), WithJsonSchema(choices_schema(*_PLACES))]


@dataclass(frozen=True)
class Redis(Component):
    """Servers, of which the first is the primary at time 0, sentinels, and clients."""

    servers: tuple[str, ...]
    sentinels: tuple[str, ...]
    registered: tuple[str, ...]
    settings: ClientSettings
    sentinel: SentinelSettings
    name: str = "redis"

    def start(self, cluster: Cluster) -> None:
        from sim.registries.redis import client
        from sim.registries.redis.messages import Ledger
        from sim.registries.redis.running import Running
        from sim.registries.redis.sentinel import Sentinel
        from sim.registries.redis.server import NAME, Server

        members = {service: cluster.instances_of(service) for service in self.registered}
        callers = {service: cluster.clients_of(service) for service in self.registered}
        services = {instance: service for service, names in members.items() for instance in names}
        clients = []
        for host in dict.fromkeys([*services, *(host for names in callers.values() for host in names)]):
            wanted = {service: members[service] for service, names in callers.items() if host in names}
            service = services.get(host)
            made = client.Client(cluster, host, self.settings, self.servers, self.sentinels, service, wanted)
            clients += [made] if service is not None else []
        ledger = Ledger()
        servers = tuple(Server(cluster, host, self.servers[0], self.name, ledger) for host in self.servers)
        replicas = {f"{host}/{NAME}" for host in self.servers[1:]}
        for server in servers:
            server.begin({client.key_of(str(c.service), c.host): self._entry(c) for c in clients}, replicas)
            server.told = lambda event, key: cluster.record(self.name, event, key.partition("/")[2])
        sentinels = tuple(
            Sentinel(cluster, host, self.sentinel, self.servers, self.sentinels, self.name) for host in self.sentinels
        )
        cluster.components[self.name] = Running(servers, sentinels, ledger)

    def _entry(self, one: Client) -> Entry:
        """Set when the instance was last due."""
        from sim.registries.redis.messages import Entry

        return Entry(one.host, one.refresh_phase_s - self.settings.refresh_s + self.settings.ttl_s)


class RedisForm(RegistryForm):
    shape = "a mapping of its keys"
    kind = "redis"
    reads_wall_clocks = True
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    has_leader = True
    uses_disk = True

    servers: Servers | None = Field(None, examples=["3"])
    nodes: Names | None = Field(None, examples=["control"])
    sentinels: Servers | None = Field(None, examples=["3"])
    sentinel_nodes: Names | None = Field(None, examples=["control"])
    quorum: Count | None = Field(None, examples=["2"])
    down_after: Duration | None = Field(None, examples=["30s"])
    failover_timeout: Duration | None = Field(None, examples=["3min"])
    parallel_syncs: Count | None = Field(None, examples=["1"])
    ttl: Duration | None = Field(None, examples=["30s"])
    refresh: Duration | None = Field(None, examples=["10s"])
    poll: Duration | None = Field(None, examples=["5s"])
    timeout: Duration | None = Field(None, examples=["2s"])
    read_from: ReadFromField | None = Field(None, examples=["replica"])

    def contradictions(self) -> Iterator[Mistake]:
        quorum, sentinels = self.setting("quorum"), self.setting("sentinels")
        if quorum > sentinels:
            text = f"got {quorum} of {sentinels} sentinels; must be at most {sentinels}, or nobody is ever found down"
            yield Mistake(("quorum",), text)
        if self.setting("servers") == 1:
            alone = "but there is one server, so nobody follows it; write servers: 3, or remove it"
            if self.read_from == "replica":
                yield Mistake(("read_from",), f"got replica, {alone}")
            if self.parallel_syncs is not None:
                yield Mistake(("parallel_syncs",), f"got {show(self.given['parallel_syncs'])}, {alone}")
        yield from too_short("ttl", self.setting("ttl"), "refresh", self.setting("refresh"))

    def services(self, scope: RegistryScope) -> tuple[Service, ...]:
        servers = scope.servers(self.setting("servers"), self.nodes)
        nodes, key = (self.nodes, "nodes") if self.sentinel_nodes is None else (self.sentinel_nodes, "sentinel_nodes")
        return servers, scope.servers(self.setting("sentinels"), nodes, role="sentinel", key=key)

    def resolve(self, scope: RegistryScope, services: tuple[Service, ...]) -> Component:
        servers, sentinels = services
        settings = ClientSettings(
            ttl_s=self.setting("ttl"),
            refresh_s=self.setting("refresh"),
            poll_s=self.setting("poll"),
            timeout_s=self.setting("timeout"),
            read_from=self.setting("read_from"),
        )
        watching = SentinelSettings(
            quorum=self.setting("quorum"),
            down_after_ms=round(1000 * self.setting("down_after")),
            failover_timeout_ms=round(1000 * self.setting("failover_timeout")),
            parallel_syncs=self.setting("parallel_syncs"),
        )
        names = (tuple(i.name for i in servers.instances), tuple(i.name for i in sentinels.instances))
        return Redis(*names, scope.registered, settings, watching, scope.name)
