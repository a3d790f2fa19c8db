"""The registry process of go-micro: instances with a time to live, and watchers.

go-micro v2 and v5, `registry/memory.go`: a registration that was not renewed is pruned within a second of its end, and
nobody is told, where registries such as etcd tell their watchers; a renewal is no event either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sim.engine.daemons import Daemon
from sim.registries.go_micro.settings import Settings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

NAME = "registry"
PRUNE_S = 1.0


@dataclass(frozen=True, slots=True)
class Register:
    service: str
    node: str


@dataclass(frozen=True, slots=True)
class Deregister:
    service: str
    node: str


@dataclass(frozen=True, slots=True)
class GetService:
    service: str


@dataclass(frozen=True, slots=True)
class Watch:
    """Never answered: its end is the end of the watch."""


@dataclass(frozen=True, slots=True)
class Event:
    action: Literal["update", "delete"]
    service: str
    node: str


class Registry(Daemon):
    """One process, whose memory is all that it has."""

    def __init__(
        self, cluster: Cluster, host: str, settings: Settings, component: str, order: Mapping[str, Sequence[str]]
    ) -> None:
        super().__init__(cluster, host, NAME)
        self.settings, self.component, self.order = settings, component, order
        self.seen: dict[str, dict[str, float]] = {}
        """By service and node, when it registered last."""
        self.first: dict[str, dict[str, float]] = {}
        """At time 0."""
        self._watchers: set[str] = set()
        self._is_first_life = True

    def started(self) -> None:
        first, self._is_first_life = self._is_first_life, False
        self.seen = {service: dict(nodes) for service, nodes in self.first.items()} if first else {}
        self._watchers = set()
        self.every(PRUNE_S, self._prune, PRUNE_S * self.uniform() if first else PRUNE_S)

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        match message:
            case Watch():
                self._watchers.add(sender)
            case GetService(service):
                known = self.seen.get(service)
                reply(None if known is None else tuple(name for name in self.order[service] if name in known))
            case Register(service, node):
                self._register(service, node)
                reply(True)
            case Deregister(service, node):
                if self.seen.get(service, {}).pop(node, None) is not None:
                    self.cluster.record(self.component, "deregistered", node)
                if not self.seen.get(service, True):
                    del self.seen[service]
                self._tell(Event("delete", service, node))
                reply(True)

    def _register(self, service: str, node: str) -> None:
        nodes = self.seen.setdefault(service, {})
        is_new = node not in nodes
        nodes[node] = self.clock_s
        if is_new:
            self.cluster.record(self.component, "registered", node)
            self._tell(Event("update", service, node))

    def _prune(self) -> None:
        for service, nodes in self.seen.items():
            for node in [node for node, seen_s in nodes.items() if self.clock_s - seen_s > self.settings.ttl_s]:
                del nodes[node]
                self.cluster.record(self.component, "expired", node)
                if self.settings.expiry_events:
                    self._tell(Event("delete", service, node))

    def _tell(self, event: Event) -> None:
        for watcher in sorted(self._watchers):
            self.tell(watcher, event)
