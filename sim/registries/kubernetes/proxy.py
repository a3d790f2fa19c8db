"""kube-proxy: a node's rules for whom its clients reach, which follow the endpoint slices.

Kubernetes 1.31: `pkg/proxy/iptables` (syncProxyRules behind a `BoundedFrequencyRunner`), client-go `reflector`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sim.engine.daemons import Answer
from sim.registries.kubernetes.kubelet import Caller
from sim.registries.kubernetes.messages import Endpoints, Watch
from sim.registries.kubernetes.settings import RELIST_FIRST_S, RELIST_MOST_S, SYNC_BURST, WATCH_DEAD_S, Settings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


class Proxy(Caller):
    """Watches one API server. What it wrote last stands while it hears nothing, and while it is down."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        settings: Settings,
        servers: Sequence[str],
        clients: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__(cluster, host, "proxy", servers)
        self._sync_s, self._clients = settings.proxy_sync_s, clients
        """`clients`: who on this node calls which services."""
        self._known = Endpoints(0, ())
        self._tokens, self._filled_s = float(SYNC_BURST), 0.0
        self._is_due = False
        self._is_first_life = True

    def started(self) -> None:
        self._known = Endpoints(0 if self._is_first_life else -1, ())
        self._is_first_life = self._is_due = False
        self._tokens, self._filled_s = float(SYNC_BURST), self.clock_s
        self._watch(RELIST_FIRST_S)

    def _watch(self, wait_s: float) -> None:
        server = self.server

        def ended(answer: Answer) -> None:
            if answer.outcome == "ok" and answer.message is not None:
                self._heard(answer.message)
                self._watch(RELIST_FIRST_S)
            else:
                self.leave_server(server)
                later_s = min(2.0 * wait_s, RELIST_MOST_S)
                self.after(wait_s * (1.0 + self.uniform()), self._watch, later_s)

        self.ask(server, Watch(self._known.version), ended, WATCH_DEAD_S)

    def _heard(self, endpoints: Endpoints) -> None:
        if endpoints.version != self._known.version:
            self._known = endpoints
            self._run()

    def _run(self) -> None:
        """Write the rules now, or when there is a token again."""
        if self._is_due:
            return
        if self._sync_s > 0.0:
            self._tokens = min(SYNC_BURST, self._tokens + (self.clock_s - self._filled_s) / self._sync_s)
            self._filled_s = self.clock_s
            if self._tokens < 1.0 - 1e-9:
                self._is_due = True
                self.after((1.0 - self._tokens) * self._sync_s, self._run_late)
                return
            self._tokens -= 1.0
        for service, ready in self._known.ready:
            for client in self._clients.get(service, ()):
                self.cluster.publish(client, service, ready)

    def _run_late(self) -> None:
        self._is_due = False
        self._run()
