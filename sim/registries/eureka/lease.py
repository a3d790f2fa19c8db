"""When a Eureka server takes an instance for gone: its lease, its count of renewals, and what they let it evict.

Read in Eureka 1.10: `com.netflix.eureka.lease.Lease`, `AbstractInstanceRegistry` (evict, register, internalCancel,
updateRenewsPerMinThreshold, EvictionTask.getCompensationTimeMs), `PeerAwareInstanceRegistryImpl`
(isLeaseExpirationEnabled, updateRenewalThreshold, openForTraffic) and `MeasuredRate`.
"""

from __future__ import annotations

from dataclasses import dataclass

RATE_S = 60.0
"""Renewals are counted by the minute, and the count that is used is the one of the last full minute."""


@dataclass(slots=True)
class Lease:
    """`updated_s` is when it was registered; at a renewal, the time of it *and a duration*. Since expiry adds the
    duration again, a lease that was renewed once lasts twice as long as the documentation says. On the wall clock."""

    duration_s: float
    updated_s: float

    def renew(self, now_s: float) -> None:
        self.updated_s = now_s + self.duration_s

    def is_expired(self, now_s: float, compensation_s: float = 0.0) -> bool:
        return now_s > self.updated_s + self.duration_s + compensation_s


@dataclass(slots=True)
class Renewals:
    """How many renewals came in the last full minute, and how many have to."""

    expected_interval_s: float
    share: float
    last: int = 0
    current: int = 0
    clients: int = 0
    """Who is expected to renew."""

    def roll(self) -> None:
        """A minute is over."""
        self.last, self.current = self.current, 0

    @property
    def threshold(self) -> int:
        """So many renewals a minute are too few."""
        return int(self.clients * (60.0 / self.expected_interval_s) * self.share)

    @property
    def are_enough(self) -> bool:
        """Else the server takes the network for broken, and keeps all that it knows (self-preservation)."""
        return self.threshold > 0 and self.last > self.threshold

    def joined(self) -> None:
        """A new instance has registered. A server that expects nobody goes on doing so until it counts again."""
        if self.clients > 0:
            self.clients += 1

    def left(self) -> None:
        """An instance was cancelled or evicted."""
        if self.clients > 0:
            self.clients -= 1

    def recount(self, known: int, preserves: bool) -> None:
        """Every quarter of an hour: a fall by more than the share is not believed."""
        if known > self.share * self.clients or not preserves:
            self.clients = known


def eviction_limit(known: int, share: float) -> int:
    """How many leases one round may end."""
    return known - int(known * share)
