"""When leases end: each member's lessor, of which only the leader's (the primary) counts time.

Source: etcd 3.4 and 3.5, `server/lease/lessor.go` (3.4: `lease/lessor.go`) and where `etcdserver` calls it. Times are
of the member's monotonic clock. Absent: checkpoints of remaining times (off by default in both versions), and the
spreading of the ends of more than 1000 leases after a change of leaders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Literal

CHECK_EVERY_S = 0.5
REVOKED_PER_S = 1000
RETRY_AFTER_S = 3.0
"""A lease whose end was asked for and has not come is asked for again after so long (`expiredLeaseRetryInterval`)."""

Renewal = Literal["renewed", "not found", "not primary", "expired"]


def minimum_ttl_s(election_ticks: int, tick_s: float) -> float:
    """The shortest lease that is granted: one and a half elections, in whole seconds, rounded up."""
    return float(ceil(round((3 * election_ticks // 2) * tick_s, 9)))


@dataclass(slots=True)
class Lessor:
    """`ends_s`: by lease, when it ends; infinite at a member that is not primary."""

    minimum_ttl_s: float
    is_primary: bool = False
    ends_s: dict[str, float] = field(default_factory=dict)
    _ttl_s: dict[str, float] = field(default_factory=dict)
    _ask_again_s: dict[str, float] = field(default_factory=dict)

    def granted(self, lease: str, ttl_s: float, now_s: float) -> None:
        """A lease has been committed."""
        self._ttl_s[lease] = max(ttl_s, self.minimum_ttl_s)
        self.ends_s[lease] = now_s + self._ttl_s[lease] if self.is_primary else inf

    def revoked(self, lease: str) -> None:
        """Its end has been committed."""
        for known in (self._ttl_s, self.ends_s, self._ask_again_s):
            known.pop(lease, None)

    def ttl_s(self, lease: str) -> float:
        return self._ttl_s[lease]

    def renew(self, lease: str, now_s: float) -> Renewal:
        """A keep-alive. One that has ended stays so: `expired` until its end is committed."""
        if not self.is_primary:
            return "not primary"
        if lease not in self._ttl_s:
            return "not found"
        if self.ends_s[lease] < now_s:
            return "expired"
        self.ends_s[lease] = now_s + self._ttl_s[lease]
        return "renewed"

    def promote(self, extend_s: float, now_s: float) -> None:
        """This member leads, and has applied all of earlier terms. It does not know when leases were last kept alive,
        so all of them begin anew, and last an election timeout longer."""
        self.is_primary = True
        self._ask_again_s.clear()
        for lease, ttl_s in self._ttl_s.items():
            self.ends_s[lease] = now_s + ttl_s + extend_s

    def demote(self) -> None:
        self.is_primary = False
        self._ask_again_s.clear()
        self.ends_s = dict.fromkeys(self.ends_s, inf)

    def expired(self, now_s: float) -> list[str]:
        """Leases whose end is to be asked for now: those that ended longest ago, as many as one look may take."""
        if not self.is_primary:
            return []
        over = [
            (end_s, lease)
            for lease, end_s in self.ends_s.items()
            if end_s <= now_s and self._ask_again_s.get(lease, 0.0) <= now_s
        ]
        chosen = [lease for _, lease in sorted(over)[: int(REVOKED_PER_S * CHECK_EVERY_S)]]
        for lease in chosen:
            self._ask_again_s[lease] = now_s + RETRY_AFTER_S
        return chosen

    def restore(self, leases: Mapping[str, float]) -> None:
        """Take over what a snapshot says."""
        self._ttl_s = {lease: max(ttl_s, self.minimum_ttl_s) for lease, ttl_s in leases.items()}
        self.ends_s = dict.fromkeys(self._ttl_s, inf)
        self._ask_again_s.clear()
