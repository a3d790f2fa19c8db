"""What a Kubernetes cluster is told: every time of it, in s."""

from __future__ import annotations

from dataclasses import dataclass

API = "api"
KUBELET = "kubelet"
POD = "pod"
CONTROLLERS = "controllers"
"""Names of daemons."""
REQUEST_TIMEOUT_S = 10.0
"""Of a kubelet's request to an API server (its lease: a quarter of 40 s)."""
STORE_TIMEOUT_S = 7.0
"""Of an API server's request to its etcd member: `ReqTimeout` of etcd 3.5, 5 s and two election timeouts."""
WATCH_BEHIND_S = 3.0
"""An API server that is asked for later than what it has waits so long (`blockTimeout` of the watch cache), then
refuses ("Too large resource version")."""
CONFLICT_RETRY_S = 1.0
"""The endpoint slice controller tries again after an error (`defaultSyncBackOff`)."""
WATCH_IDLE_S, WATCH_DEAD_S = 30.0, 45.0
"""A watch on which nothing came for 30 s is pinged, and given up 15 s later (`http2.Transport` in client-go:
ReadIdleTimeout, PingTimeout)."""
RELIST_FIRST_S, RELIST_MOST_S = 0.8, 30.0
"""A reflector whose watch broke waits so long, then twice as long, and so on, times U(1, 2)."""
LEADER_LEASE_S, LEADER_DEADLINE_S, LEADER_RETRY_S = 15.0, 10.0, 2.0
"""Of the controller manager (`--leader-elect-lease-duration`, `-renew-deadline`, `-retry-period`)."""
SYNC_BURST = 2
"""kube-proxy may write its rules so often at once before `proxy_sync` holds it up (`BoundedFrequencyRunner`)."""


@dataclass(frozen=True, slots=True)
class Settings:
    period_s: float
    timeout_s: float
    failures: int
    successes: int
    relist_s: float | None
    """None: what dies is not what the container runtime watches."""
    status_sync_s: float
    lease_s: float
    monitor_s: float
    grace_s: float
    endpoint_batch_s: float
    proxy_sync_s: float
