"""The controller manager beside each API server, of which one acts: the node lifecycle and endpoint slice controllers.

Kubernetes 1.31: `pkg/controller/nodelifecycle` (tryUpdateNodeHealth, markPodsNotReady), `pkg/controller/endpointslice`,
client-go `leaderelection`. They talk to their own API server alone, in no time, and know what it knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.engine.daemons import Daemon, Timer
from sim.registries.kubernetes.api import ApiServer
from sim.registries.kubernetes.messages import Endpoints
from sim.registries.kubernetes.settings import (
    CONFLICT_RETRY_S,
    CONTROLLERS,
    LEADER_DEADLINE_S,
    LEADER_LEASE_S,
    LEADER_RETRY_S,
    Settings,
)
from sim.registries.kubernetes.store import Lead, Lose, Publish
from sim.registries.raft_group import Done

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


class Controllers(Daemon):
    """`acts`: it holds the lease, which it renews through the store. Who has not seen it renewed for a whole lease time
    of its own clock may take it; the holder that has not managed to renew it acts no more a while before that."""

    def __init__(self, cluster: Cluster, host: str, settings: Settings, api: ApiServer, component: str) -> None:
        super().__init__(cluster, host, CONTROLLERS)
        self.settings, self.component, self._api = settings, component, api
        api.changed = self._changed
        self._is_first_life = True
        self._forget()

    def _forget(self) -> None:
        self.acts = self._is_asking = self._is_batching = self._is_publishing = False
        self._seen: Lead | None = None
        self._seen_s = self._renewed_s = self.clock_s
        self._probed: dict[str, tuple[int, float]] = {}
        """By node: the last renewal that the monitor saw, and when it saw it."""
        self._monitoring: Timer | None = None

    def started(self) -> None:
        self._forget()
        first, self._is_first_life = self._is_first_life, False
        phase = self.uniform() if first else 1.0
        if first:
            self._seen = self._api.store.leader
            if self._seen.holder == self.host:
                nodes = self._api.store.renewals
                self._probed = {node: (0, self.clock_s - self.uniform() * self.settings.lease_s) for node in nodes}
                self._act(phase * self.settings.monitor_s)
        self.every(LEADER_RETRY_S, self._campaign, first_s=phase * LEADER_RETRY_S)

    def crashed(self) -> None:
        self.acts = False

    # The lease

    def _campaign(self) -> None:
        leader = self._api.store.leader
        if self.acts:
            self.acts = self.clock_s - self._renewed_s < LEADER_DEADLINE_S
        elif leader != self._seen:
            self._seen, self._seen_s = leader, self.clock_s
        may_have = self.acts or self.clock_s - self._seen_s >= LEADER_LEASE_S
        if may_have and self._api.is_filled and not self._is_asking:
            self._is_asking = True
            self._api.write(Lead(self.host, leader.renewals + 1), self._answered_lease)

    def _answered_lease(self, done: Done) -> None:
        self._is_asking = False
        if done.outcome != "ok":
            return
        if not done.result:
            self.acts = False
            return
        self._renewed_s = self.clock_s
        if not self.acts:
            self.cluster.record(self.component, "controls", self.host)
            self._probed = {}
            self._act(0.0)
            self._changed()

    def _act(self, monitor_s: float) -> None:
        self.acts = True
        if self._monitoring is not None:
            self._monitoring.cancel()
        self._monitoring = self.after(monitor_s, self._monitor)

    # Nodes

    def _monitor(self) -> None:
        """A node whose lease has not changed since the round that was a grace period ago takes its pods with it. The
        comparison holds at equality: a real round comes a little more than its period after the last."""
        if not self.acts:
            return
        self._monitoring = self.after(self.settings.monitor_s, self._monitor)
        for node, renewed in self._api.store.renewals.items():
            renewals, since_s = self._probed.get(node, (-1, 0.0))
            if renewed != renewals:
                self._probed[node] = renewed, self.clock_s
            elif self.clock_s - since_s >= self.settings.grace_s - 1e-6:
                self._lose(node)

    def _lose(self, node: str) -> None:
        store = self._api.store
        if any(store.ready[pod] for pod, at in store.nodes.items() if at == node):
            self._api.write(Lose(node), lambda done: None)

    # Endpoint slices

    def _changed(self) -> None:
        if self.acts and not self._is_batching:
            self._is_batching = True
            self.after(self.settings.endpoint_batch_s, self._reconcile)

    def _reconcile(self) -> None:
        self._is_batching = False
        store = self._api.store
        selected = store.selected()
        if self.acts and not self._is_publishing and selected != store.endpoints.ready:
            self._is_publishing = True
            self._api.write(Publish(Endpoints(store.endpoints.version + 1, selected)), self._published)

    def _published(self, done: Done) -> None:
        self._is_publishing = False
        if done.outcome == "ok":
            self._changed()
        else:
            self.after(CONFLICT_RETRY_S, self._changed)
