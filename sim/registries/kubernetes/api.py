"""The API servers, the store behind them, and the controllers that run beside them.

Kubernetes 1.31: `pkg/controller/nodelifecycle` (tryUpdateNodeHealth, markPodsNotReady),
`staging/src/k8s.io/endpointslice` (reconcile, terminating pods are not ready), client-go `leaderelection`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.engine.daemons import Daemon
from sim.registries.kubernetes.settings import (
    API,
    LEADER_LEASE_S,
    LEADER_RETRY_S,
    WATCH_IDLE_S,
    Delete,
    Endpoints,
    Renew,
    Report,
    Settings,
    Watch,
)

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


@dataclass(eq=False)
class Store:
    """The etcd behind the API servers, which is taken to be always there and to take no time. Only they reach it."""

    services: Mapping[str, tuple[str, ...]]
    nodes: Mapping[str, str]
    """The node of each pod."""
    ready: dict[str, bool] = field(default_factory=dict)
    terminating: set[str] = field(default_factory=set)
    renewals: dict[str, int] = field(default_factory=dict)
    """How often each node has renewed its lease."""
    leader: tuple[str, int] = ("", 0)
    """Who holds the controllers' lease, and how often it has renewed it."""
    endpoints: Endpoints = field(default_factory=lambda: Endpoints(0, ()))

    def selected(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What the endpoint slices should say."""
        return tuple(
            (service, tuple(pod for pod in pods if self.ready[pod] and pod not in self.terminating))
            for service, pods in self.services.items()
        )


class ApiServer(Daemon):
    """Answers kubelets and proxies from the store; on the leading one the controllers act on each change."""

    def __init__(self, cluster: Cluster, host: str, settings: Settings, store: Store, component: str) -> None:
        super().__init__(cluster, host, API)
        self.settings, self.store, self.component = settings, store, component
        self.peers: tuple[ApiServer, ...] = ()
        self._watches: list[tuple[int, Callable[[Any], None]]] = []
        self._seen: tuple[str, int] = ("", 0)
        self._seen_s = 0.0
        self._is_leader = self._is_batching = False
        self._probed: dict[str, tuple[int, float]] = {}
        """By node: the last renewal that the monitor saw, and the round in which it saw it."""
        self._is_first_life = True

    def started(self) -> None:
        self._watches, self._probed = [], {}
        self._seen, self._seen_s = self.store.leader, self.clock_s
        self._is_leader = self._is_batching = False
        phase = self.uniform() if self._is_first_life else 1.0
        if self._is_first_life and self.store.leader[0] == self.host:
            self._lead(phase)
            self._probed = {node: (0, self.clock_s - self.uniform() * self.settings.lease_s) for node in self._nodes()}
        self._is_first_life = False
        self.every(LEADER_RETRY_S, self._campaign, first_s=phase * LEADER_RETRY_S)

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        match message:
            case Watch(version):
                self._watch(version, reply)
                return
            case Report(ready):
                for pod, is_ready in ready:
                    self._report(pod, is_ready)
            case Renew(node):
                self.store.renewals[node] += 1
            case Delete(pod):
                self.store.terminating.add(pod)
                self.cluster.record(self.component, "deregistered", pod)
                self._changed()
        reply(True)

    def _report(self, pod: str, is_ready: bool) -> None:
        if self.store.ready[pod] != is_ready:
            self.store.ready[pod] = is_ready
            self._changed()
        if is_ready and pod in self.store.terminating:
            self.store.terminating.discard(pod)
            self.cluster.record(self.component, "registered", pod)
            self._changed()

    # Watches

    def _watch(self, version: int, reply: Callable[[Any], None]) -> None:
        if version != self.store.endpoints.version:
            reply(self.store.endpoints)
            return
        entry = version, reply
        self._watches.append(entry)
        self.after(WATCH_IDLE_S, self._pong, entry)

    def _pong(self, entry: tuple[int, Callable[[Any], None]]) -> None:
        if entry in self._watches:
            self._watches.remove(entry)
            entry[1](self.store.endpoints)

    def tell_watchers(self) -> None:
        """The store has new endpoints, and every API server watches the store."""
        watches, self._watches = self._watches, []
        for _, reply in watches:
            reply(self.store.endpoints)

    # Controllers

    def _changed(self) -> None:
        """The endpoint slice controller of the leader hears of a change, whoever took it."""
        leader = next((peer for peer in self.peers if peer.is_up and peer._is_leader), None)
        if leader is not None and not leader._is_batching:
            leader._is_batching = True
            leader.after(self.settings.endpoint_batch_s, leader._reconcile)

    def _reconcile(self) -> None:
        self._is_batching = False
        selected = self.store.selected()
        if self._is_leader and selected != self.store.endpoints.ready:
            self.store.endpoints = Endpoints(self.store.endpoints.version + 1, selected)
            for peer in self.peers:
                if peer.is_up:
                    peer._hear(peer.tell_watchers)

    def _campaign(self) -> None:
        """Hold the lease, or take it when its holder has not renewed it for a whole lease time of this clock."""
        if self._is_leader and self.store.leader[0] == self.host:
            self.store.leader = self.host, self.store.leader[1] + 1
            return
        self._is_leader = False
        if self.store.leader != self._seen:
            self._seen, self._seen_s = self.store.leader, self.clock_s
        elif self.clock_s - self._seen_s >= LEADER_LEASE_S:
            self.store.leader = self.host, self.store.leader[1] + 1
            self.cluster.record(self.component, "elected", self.host)
            self._probed = {}
            self._lead(0.0)
            self._reconcile()

    def _lead(self, phase: float) -> None:
        self._is_leader = True
        self.after(phase * self.settings.monitor_s, self._monitor)

    def _nodes(self) -> list[str]:
        return list(dict.fromkeys(self.store.nodes.values()))

    def _monitor(self) -> None:
        """A node whose lease has not changed since the round that was a grace period ago takes its pods with it. The
        comparison holds at equality: a real round comes a little more than its period after the last."""
        if not self._is_leader:
            return
        self.after(self.settings.monitor_s, self._monitor)
        for node in self._nodes():
            renewals, since_s = self._probed.get(node, (-1, 0.0))
            if self.store.renewals[node] != renewals:
                self._probed[node] = self.store.renewals[node], self.clock_s
            elif self.clock_s - since_s >= self.settings.grace_s - 1e-6:
                self._lose(node)

    def _lose(self, node: str) -> None:
        for pod, at in self.store.nodes.items():
            if at == node and self.store.ready[pod]:
                self.store.ready[pod] = False
                self.cluster.record(self.component, "unhealthy", pod, f"{node} is not ready")
                self._changed()
