"""What the servers and the clients of a Eureka are told: every time of it, in s; and their messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Members = tuple[str, ...]
"""Names of instances, in the order of the model."""

READ_TIMEOUT_S = 8.0
"""`eurekaServerReadTimeoutSeconds`: of a client's request, over a connection of its pool."""
CLIENT_TRIES = 3
QUARANTINE_SHARE = 0.66
"""`RetryableEurekaHttpClient`: servers that a request tries, and the share of all that may be avoided at once."""
PEER_TIMEOUT_S = 0.2
PEER_RETRY_S = 0.1
BATCH_DELAY_S = 0.5
REPLICATION_EXPIRY_S = 30.0
"""`PeerEurekaNode`, `TaskExecutors`: a batch is sent half a second after its first task; one that meets a failure of
the network is tried again after 0.1 s; a task that is 30 s old is dropped."""
SYNC_TRIES = 5
SYNC_RETRY_S = 30.0
"""`registrySyncRetries`, `registrySyncRetryWaitMs`: how a server that starts copies the registry of a peer."""
REPLICATE_INFO_S = 30.0
"""`instanceInfoReplicationIntervalSeconds`: a registration that failed is tried again after it."""


@dataclass(frozen=True, slots=True)
class Settings:
    renew_s: float
    lease_s: float
    fetch_s: float
    register_after_s: float
    balancer_refresh_s: float
    evict_s: float
    response_cache_s: float | None
    """None: answers are made from the registry itself."""
    self_preservation: bool
    threshold: float
    threshold_update_s: float
    expected_renewal_s: float
    wait_when_empty_s: float
    open_for: int
    """How many clients a server that starts alone and empty expects."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a client tells a server about an instance, or a server its peers."""

    kind: Literal["register", "renew", "cancel"]
    instance: str
    since_s: float = 0.0
    """When a server took it on, for its peers."""


@dataclass(frozen=True, slots=True)
class Replicated:
    """Acts that another server has taken on."""

    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """A client asks for the whole registry."""


@dataclass(frozen=True, slots=True)
class Status:
    """An answer: 200, 404 for an instance that is not known, 503 of a server that is not ready; with the registry."""

    code: int
    members: Members = ()
    unknown: Members = ()
    """Of a batch: instances whose renewals found no lease."""
