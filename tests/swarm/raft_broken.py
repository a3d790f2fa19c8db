"""Raft machines with one mistake each, which the swarm has to find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.protocols.raft import Entry, HardState, Log, Message, Raft
from sim.protocols.raft.messages import (
    Append,
    AppendReply,
    Heartbeat,
    VoteRequest,
)


class VotesTwice(Raft):
    """Gives its vote to whoever asks (5.2: at most one candidate a term)."""

    def vote_is_free_for(self, request: VoteRequest) -> bool:
        return True


class ForgetsItsVote(Raft):
    """Has its term on the disk, and not for whom it voted (figure 2)."""

    def recall(self, kept: HardState) -> None:
        super().recall(HardState(kept.term, None))


class VotesForAnyLog(Raft):
    """Votes for candidates with an older log (5.4.1)."""

    def candidate_is_current(self, request: VoteRequest) -> bool:
        return True


class CommitsWithoutMajority(Raft):
    """One replica beside its own is enough, however large the group (5.3)."""

    def quorum_index(self) -> int:
        held = sorted((progress.match for progress in self.progress.values()), reverse=True)
        return min(self.own_index, held[0] if held else self.own_index)


class AcknowledgesBeforeTheDisk(Raft):
    """Tells the leader that it holds entries before they are on its disk (figure 2: persistent state)."""

    def must_wait_for_disk(self, message: Message) -> bool:
        return not isinstance(message, AppendReply) and super().must_wait_for_disk(message)


class TruncatingLog(Log):
    def append_after(self, previous_index: int, entries: Sequence[Entry]) -> int:
        self.replace_from(previous_index + 1, entries)
        self.commit_index = min(self.commit_index, self.last_index)
        return self.last_index

    def require_uncommitted(self, index: int) -> None:
        """It may throw away anything."""


class TruncatesItsLog(Raft):
    """Throws away all that follows the entries of an append, late or not (5.3: only what conflicts)."""

    log_type = TruncatingLog

    def received_append(self, append: Append) -> None:
        self.hear_leader(append.sender)
        if self.log_joins(append):
            last = self.log.append_after(append.previous_index, append.entries)
            self.log.commit_to(min(append.commit_index, last))
            self._reply(append, last)


class SkipsTheConsistencyCheck(Raft):
    """Appends behind whatever it has (5.3)."""

    def log_joins(self, append: Append) -> bool:
        return append.previous_index <= self.log.last_index


class ReadsWithoutQuorum(Raft):
    """Answers reads from its own state, whoever may lead by now (section 8, thesis 6.4)."""

    def may_answer_alone(self) -> bool:
        return True


class ReadsBeforeItsTerm(Raft):
    """Answers reads before it has committed an entry of its term: it may not know the last commits (6.4, step 1)."""

    def has_committed_in_term(self) -> bool:
        return True


class AppliesWhatItHolds(Raft):
    """A follower takes whatever is in its log for committed (5.3)."""

    def received_append(self, append: Append) -> None:
        super().received_append(append)
        self.log.commit_to(self.log.last_index)


class TellsItsCommitIndexToAll(Raft):
    """Heartbeats carry the leader's commit index, whatever the follower's log holds there (figure 2: min)."""

    def send(self, message: Message) -> None:
        if isinstance(message, Heartbeat):
            message = Heartbeat(
                message.sender, message.receiver, message.term, self.commit_index, message.context, message.sent_tick
            )
        super().send(message)


class CountsItselfBeforeTheDisk(Raft):
    """A leader counts its own copy before it is on its disk (thesis 10.2.1)."""

    def append_own(self, entries: Sequence[Entry]) -> None:
        self.own_index = entries[-1].index
        super().append_own(entries)


class KeepsLeases(Raft):
    """A leader takes its lease for good once it has one."""

    def holds_lease(self) -> bool:
        return True


@dataclass(frozen=True)
class Broken:
    """A machine, or a state machine that applies retries again; and dials that put it where its mistake matters."""

    machine: type[Raft] = Raft
    remembers: bool = True
    dials: Mapping[str, Any] = field(default_factory=dict)


ROUGH = {"spares": 0, "calm": 8.0, "clients": 5}
ALONE = {"check_quorum": False, "lease_reads": False}
LEASES = {"check_quorum": True, "lease_reads": True}
STALE = {**ROUGH, "members": 3, "loss": 0.0, "delay": 0.05, "write": 0.02, "faults": ("isolation",)}
BLINK = {**ROUGH, "members": 3, "write": 1.0, "delay": 0.05, "faults": ("ambush", "churn", "crash_of_all", "isolation")}

BROKEN: dict[str, Broken] = {
    "nothing": Broken(),
    "VotesTwice": Broken(VotesTwice, dials=ROUGH),
    "ForgetsItsVote": Broken(ForgetsItsVote),
    "VotesForAnyLog": Broken(VotesForAnyLog, dials=ROUGH),
    "CommitsWithoutMajority": Broken(
        CommitsWithoutMajority, dials={**ROUGH, "members": 7, "faults": ("churn", "isolation")}
    ),
    "AcknowledgesBeforeTheDisk": Broken(AcknowledgesBeforeTheDisk, dials=BLINK),
    "TruncatesItsLog": Broken(TruncatesItsLog, dials={**ROUGH, "delay": 1.0}),
    "SkipsTheConsistencyCheck": Broken(SkipsTheConsistencyCheck, dials=ROUGH),
    "ReadsWithoutQuorum": Broken(ReadsWithoutQuorum, dials={**STALE, **ALONE}),
    "ReadsBeforeItsTerm": Broken(ReadsBeforeItsTerm, dials={**ROUGH, "faults": ("leader_crash", "isolation", "churn")}),
    "AppliesWhatItHolds": Broken(AppliesWhatItHolds, dials=ROUGH),
    "TellsItsCommitIndexToAll": Broken(TellsItsCommitIndexToAll, dials=ROUGH),
    "CountsItselfBeforeTheDisk": Broken(CountsItselfBeforeTheDisk, dials=BLINK),
    "KeepsLeases": Broken(KeepsLeases, dials={**STALE, **LEASES, "drift": 0.01}),
    "AppliesRetriesAgain": Broken(remembers=False, dials=ROUGH),
}
"""By name; `nothing` is the machine as it is."""
