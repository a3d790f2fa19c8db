"""What a Kubernetes cluster is told: every time of it, in s; and what its parts tell each other."""

from __future__ import annotations

from dataclasses import dataclass

API = "api"
KUBELET = "kubelet"
POD = "pod"
"""Names of daemons."""
REQUEST_TIMEOUT_S = 10.0
"""Of a kubelet's request to an API server (its lease: a quarter of 40 s)."""
WATCH_IDLE_S, WATCH_DEAD_S = 30.0, 45.0
"""A watch on which nothing came for 30 s is pinged, and given up 15 s later (`http2.Transport` in client-go:
ReadIdleTimeout, PingTimeout)."""
RELIST_FIRST_S, RELIST_MOST_S = 0.8, 30.0
"""A reflector whose watch broke waits so long, then twice as long, and so on, times U(1, 2)."""
LEADER_LEASE_S, LEADER_RETRY_S = 15.0, 2.0
"""Of the controller manager (`--leader-elect-lease-duration`, `--leader-elect-retry-period`)."""
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


@dataclass(frozen=True, slots=True)
class Report:
    """A kubelet's answer to which of its pods are ready."""

    ready: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Renew:
    """A kubelet renews the lease of its node."""

    node: str


@dataclass(frozen=True, slots=True)
class Delete:
    """A pod is to end: it is terminating from now on."""

    instance: str


@dataclass(frozen=True, slots=True)
class Watch:
    """A proxy asks for endpoints that are newer than what it has."""

    version: int


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Ready endpoints by service, all services in one object."""

    version: int
    ready: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Life:
    """What a pod's process tells its kubelet: that it begins, or was asked to end."""

    instance: str
    begins: bool


@dataclass(frozen=True, slots=True)
class Alive:
    """The container runtime looks whether a process is there."""
