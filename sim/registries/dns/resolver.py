"""A resolver with a cache (RFC 1034, section 5.3.3), also for answers that there is nothing (RFC 2308)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.registries.dns.lookups import Asker, Question, Records
from sim.registries.dns.settings import Settings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

TRY_S = 2.0
"""For which one server is waited; each is asked twice (CoreDNS 1.11, plugin forward: reads of at most 2 s)."""


class Resolver(Asker):
    """Asks for its clients, and remembers."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        name: str,
        servers: Sequence[str],
        services: Sequence[str],
        settings: Settings,
    ) -> None:
        super().__init__(cluster, host, name)
        self.servers, self.services, self.settings = list(servers), services, settings

    def started(self) -> None:
        """With an empty cache; at time 0 with one that has been in use."""
        super().started()
        self._cache: dict[str, tuple[tuple[str, ...], float]] = {}
        self._waiting: dict[str, list[tuple[str, Question]]] = {}
        for service in self.services if self.now == 0.0 else ():
            left_s = max(self.settings.ttl_s, self.settings.minimum_ttl_s) * self.uniform()
            self._cache[service] = tuple(self.cluster.instances_of(service)), self.clock_s + left_s

    def received(self, sender: str, message: Any) -> None:
        if not isinstance(message, Question):
            super().received(sender, message)
            return
        members, until_s = self._cache.get(message.service, ((), 0.0))
        if until_s > self.clock_s:
            self.answer(sender, message, Records(members, until_s - self.clock_s))
            return
        waiting = self._waiting.setdefault(message.service, [])
        waiting.append((sender, message))
        if len(waiting) == 1:
            self.look_up(
                message.service, self.servers * 2, TRY_S, lambda records: self._heard(message.service, records)
            )

    def _heard(self, service: str, records: Records) -> None:
        if records.members is not None:
            ttl_s = max(records.ttl_s, self.settings.minimum_ttl_s)
            self._cache[service] = records.members, self.clock_s + ttl_s
            records = Records(records.members, ttl_s)
        for sender, question in self._waiting.pop(service, []):
            self.answer(sender, question, records)
