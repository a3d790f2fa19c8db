"""What a member is told at its start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """Times are ticks of the member's own clock.

    `members` vote, `learners` do not; both count only while the log is empty. A follower that hears of no leader for
    `election_ticks` plus a random 0 … `election_spread_ticks` − 1 (as many as `election_ticks` by default: etcd's
    [E, 2E)) stands for election; a candidate waits `candidate_ticks` plus the spread for its votes (`election_ticks`
    by default; hashicorp/raft has a timeout of its own for it). The spread must be well above the time that one round
    of messages takes, and `heartbeat_ticks` well below `election_ticks` (section 5.6).

    `pre_vote`: ask first whether one would be elected (thesis 9.6). `check_quorum`: a leader steps down when it has
    not heard from a quorum for `quorum_ticks` (`election_ticks` by default), and nobody votes while it hears of a
    leader (6.2, 4.2.3). With `lease_reads` a leader answers reads without asking, for as long as its quorum has
    promised that (6.4.1): right only while clocks run alike; it needs `check_quorum`.
    """

    id: str
    members: Sequence[str]
    learners: Sequence[str] = ()
    election_ticks: int = 10
    election_spread_ticks: int = 0
    candidate_ticks: int = 0
    heartbeat_ticks: int = 1
    quorum_ticks: int = 0
    pre_vote: bool = False
    check_quorum: bool = False
    lease_reads: bool = False
    append_entries_max: int = 1024
    inflight_max: int = 512

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError("members: got none; must name at least one voter")
        both = sorted(set(self.members) & set(self.learners))
        if both:
            raise ValueError(f"learners: {', '.join(both)} is a voter too; must be in one of members, learners")
        for name in ("election_spread_ticks", "candidate_ticks", "quorum_ticks"):
            if not getattr(self, name):
                object.__setattr__(self, name, self.election_ticks)
        for name in ("heartbeat_ticks", "append_entries_max", "inflight_max", "candidate_ticks", "quorum_ticks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: got {getattr(self, name)}; must be at least 1")
        if self.election_ticks <= self.heartbeat_ticks:
            raise ValueError(
                f"election_ticks: got {self.election_ticks}; must be above heartbeat_ticks, {self.heartbeat_ticks}"
            )
        if self.election_spread_ticks < 1:
            raise ValueError(f"election_spread_ticks: got {self.election_spread_ticks}; must be at least 1")
        if self.lease_reads and not self.check_quorum:
            raise ValueError("lease_reads: got true without check_quorum; the lease is what check_quorum promises")
