"""The safety properties of Raft (Ongaro & Ousterhout 2014, figure 3), held against what members show of themselves.

Each observation costs a time proportional to what is new in it. The checker keeps, for all members together, which
entry precedes which: `(index, term) → (term before, data)`. As long as that never contradicts itself, two logs that
agree in one entry agree in all before it, which is Log Matching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sim.checks.base import SENTENCES_MAX, Check
from sim.checks.events import Event, LogEntry, MemberRestarted, MemberState

KEPT = 100_000
"""Indices behind the newest commit that are still compared. What lies further back is forgotten, so that memory is
bounded."""


@dataclass(slots=True)
class _Member:
    role: str = ""
    term: int = 0
    commit_index: int = 0
    applied: int = 0
    start: int = 0
    """Index of the first of `terms`, minus one: what a snapshot stands for ends there."""
    start_term: int | None = 0
    """Of the entry at `start`; None where it was forgotten."""
    terms: list[int] = field(default_factory=list)

    @property
    def last_index(self) -> int:
        return self.start + len(self.terms)

    def term_at(self, index: int) -> int | None:
        """None where the log does not reach, or is compacted."""
        if index == self.start:
            return self.start_term
        return self.terms[index - self.start - 1] if self.start < index <= self.last_index else None


@dataclass(frozen=True, slots=True)
class _Committed:
    term: int
    data: Any
    in_term: int
    """Of the member that was first seen to have committed it: the leader that did."""


@dataclass(frozen=True, slots=True)
class _Elected:
    member: str
    time_s: float
    last_index: int
    last_term: int


class RaftChecker:
    """One group. Told of every member after every step, and of restarts; keeps a sentence for each violation."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.found: list[str] = []
        self._members: dict[str, _Member] = {}
        self.leaders: dict[int, _Elected] = {}
        """By term: every leader that was seen."""
        self._before: dict[tuple[int, int], tuple[int | None, Any]] = {}
        self._committed: dict[int, _Committed] = {}
        self._floor = 0
        self.commit_index = 0

    def observe(
        self,
        time_s: float,
        member: str,
        role: str,
        term: int,
        commit_index: int,
        appended: Sequence[LogEntry] = (),
        snapshot: tuple[int, int] | None = None,
        applied: Sequence[LogEntry] = (),
    ) -> None:
        """A member after a step; arguments as in `MemberState`."""
        m = self._members.setdefault(member, _Member())
        stays_leader = m.role == role == "leader" and m.term == term
        if snapshot is not None:
            self._install(time_s, member, m, snapshot)
        if appended:
            self._append(time_s, member, m, appended, stays_leader)
        if term < m.term:
            self._tell(time_s, f"{member} went back from term {m.term} to {term}")
        m.role, m.term = role, term
        if role == "leader" and not stays_leader:
            self._elect(time_s, member, m)
        if commit_index != m.commit_index:
            self._commit(time_s, member, m, commit_index)
        for entry in applied:
            self._apply(time_s, member, m, entry)

    def restart(self, event: MemberRestarted) -> None:
        """A member begins again. Its disk holds at least what it had confirmed."""
        old, name = self._members.get(event.member, _Member()), event.member
        m = self._members[name] = _Member(term=event.term)
        if event.term < event.durable_term:
            self._tell(event.time_s, f"{name} restarts in term {event.term}, and had flushed term {event.durable_term}")
        if event.snapshot is not None:
            m.start, m.start_term = event.snapshot
            m.commit_index = m.start
            self.commit_index = max(self.commit_index, m.start)
            self._compare(event.time_s, name, *event.snapshot, "restarts from a snapshot")
        m.applied = max(m.start, event.applied_index)
        self._extend(event.time_s, name, m, event.log)
        lost = min(event.durable_index, old.last_index)
        if m.last_index < lost:
            self._tell(event.time_s, f"{name} restarts with a log up to {m.last_index}, and had flushed up to {lost}")
        if event.commit_index > m.commit_index:
            self._commit(event.time_s, name, m, event.commit_index)

    # Logs -----------------------------------------------------------------------------------------------------------

    def _install(self, time_s: float, name: str, m: _Member, snapshot: tuple[int, int]) -> None:
        index, term = snapshot
        if index > self.commit_index:
            self._tell(time_s, f"{name} installs a snapshot up to index {index}: nobody has committed that")
        if index < m.commit_index:
            self._tell(time_s, f"{name} goes back to a snapshot at index {index} from commit index {m.commit_index}")
        self._compare(time_s, name, index, term, "installs a snapshot")
        m.start, m.start_term, m.terms, m.applied = index, term, [], index

    def _compare(self, time_s: float, name: str, index: int, term: int, what: str) -> None:
        known = self._committed.get(index)
        if known is not None and known.term != term:
            self._tell(time_s, f"{name} {what} at index {index}, term {term}: committed there is term {known.term}")

    def _append(self, time_s: float, name: str, m: _Member, entries: Sequence[LogEntry], stays_leader: bool) -> None:
        first = entries[0].index
        if first > m.last_index + 1:
            self._tell(time_s, f"{name} appends index {first} behind {m.last_index}: a hole in its log")
            return
        if first <= m.last_index and stays_leader:
            self._tell(
                time_s,
                f"Leader Append-Only: {name}, leader of term {m.term}, overwrites its log from index {first} on, "
                f"which reached to {m.last_index}",
            )
        overwritten = [e for e in entries if e.index <= m.commit_index and m.term_at(e.index) not in (None, e.term)]
        if overwritten or entries[-1].index < m.commit_index:
            self._tell(
                time_s,
                f"{name} overwrites its log from index {first} on, and had committed up to index {m.commit_index}",
            )
        del m.terms[max(first - m.start - 1, 0) :]
        self._extend(time_s, name, m, entries)

    def _extend(self, time_s: float, name: str, m: _Member, entries: Sequence[LogEntry]) -> None:
        for entry in entries:
            if entry.index <= m.start:
                continue
            before = m.term_at(m.last_index)
            m.terms.append(entry.term)
            key = entry.index, entry.term
            known = self._before.setdefault(key, (before, entry.data))
            if before is not None and known[0] is not None and known[0] != before:
                self._tell(
                    time_s,
                    f"Log Matching: {name} has index {entry.index} of term {entry.term} behind an entry of term "
                    f"{before}; another log has it behind one of term {known[0]}",
                )
            elif known[1] != entry.data:
                self._tell(
                    time_s,
                    f"Log Matching: index {entry.index} of term {entry.term} is {entry.data!r} in the log of {name}, "
                    f"and {known[1]!r} in another",
                )
            elif before is not None and before > entry.term:
                self._tell(time_s, f"{name} has term {entry.term} at index {entry.index} behind term {before}")

    # Leaders --------------------------------------------------------------------------------------------------------

    def _elect(self, time_s: float, name: str, m: _Member) -> None:
        first = self.leaders.get(m.term)
        if first is not None:
            if first.member != name:
                self._tell(
                    time_s,
                    f"Election Safety: {name} leads in term {m.term}; {first.member} did since {first.time_s:.6g} s",
                )
            return
        self.leaders[m.term] = _Elected(name, time_s, m.last_index, m.term_at(m.last_index) or 0)
        for index in range(self.commit_index, self._floor, -1):
            known = self._committed.get(index)
            if known is None or known.in_term >= m.term:
                continue
            here = m.term_at(index)
            if index > m.last_index or (here is not None and here != known.term):
                self._incomplete(time_s, name, m.term, index, known)
            return

    def _incomplete(self, time_s: float, leader: str, term: int, index: int, known: _Committed) -> None:
        self._tell(
            time_s,
            f"Leader Completeness: {leader}, leader of term {term}, lacks index {index} of term {known.term}, "
            f"which was committed in term {known.in_term}",
        )

    # Commits --------------------------------------------------------------------------------------------------------

    def _commit(self, time_s: float, name: str, m: _Member, commit_index: int) -> None:
        if commit_index < m.commit_index:
            self._tell(time_s, f"{name} takes its commit index back from {m.commit_index} to {commit_index}")
        if commit_index > m.last_index:
            self._tell(time_s, f"{name} commits index {commit_index}, and its log ends at {m.last_index}")
        for index in range(max(m.commit_index, self._floor) + 1, min(commit_index, m.last_index) + 1):
            self._commit_one(time_s, name, m, index)
        m.commit_index = commit_index
        self._forget(m)

    def _commit_one(self, time_s: float, name: str, m: _Member, index: int) -> None:
        term = m.term_at(index)
        if term is None:
            return
        known = self._committed.get(index)
        if known is not None:
            if known.term != term:
                self._tell(
                    time_s,
                    f"State Machine Safety: {name} in term {m.term} commits index {index} of term {term}; committed "
                    f"there is an entry of term {known.term}, since term {known.in_term}",
                )
            return
        known = self._committed[index] = _Committed(term, self._before[index, term][1], m.term)
        self.commit_index = max(self.commit_index, index)
        for later, elected in self.leaders.items():
            if later > m.term and not self._holds(elected, index, term):
                self._incomplete(time_s, elected.member, later, index, known)

    def _holds(self, elected: _Elected, index: int, term: int) -> bool:
        """Did a leader's log, as it was at its election, hold this entry? By the chain of what precedes what."""
        at, of = elected.last_index, elected.last_term
        while at > index:
            before = self._before.get((at, of), (None, None))[0]
            if before is None:
                return True  # compacted before it was observed: not known
            at, of = at - 1, before
        return at == index and of == term

    def _apply(self, time_s: float, name: str, m: _Member, entry: LogEntry) -> None:
        if entry.index != m.applied + 1:
            self._tell(time_s, f"{name} applies index {entry.index} after {m.applied}")
        if entry.index > m.commit_index:
            self._tell(
                time_s,
                f"{name} in term {m.term} applies index {entry.index} beyond its commit index {m.commit_index}",
            )
        known = self._committed.get(entry.index)
        if known is not None and (known.term, known.data) != (entry.term, entry.data):
            self._tell(
                time_s,
                f"State Machine Safety: {name} applies {entry.data!r} of term {entry.term} at index {entry.index}; "
                f"committed there is {known.data!r} of term {known.term}",
            )
        m.applied = entry.index

    # Housekeeping ---------------------------------------------------------------------------------------------------

    def _forget(self, m: _Member) -> None:
        floor = self.commit_index - KEPT
        if floor - self._floor > KEPT:
            for index in range(self._floor + 1, floor + 1):
                self._committed.pop(index, None)
            self._before = {key: value for key, value in self._before.items() if key[0] > floor}
            self._floor = floor
        if m.start < self._floor - KEPT:
            keep = m.commit_index - KEPT
            if keep > m.start:
                m.start_term = m.term_at(keep)
                del m.terms[: keep - m.start]
                m.start = keep

    def _tell(self, time_s: float, sentence: str) -> None:
        if len(self.found) < SENTENCES_MAX:
            self.found.append(f"{self.group} at {time_s:.6g} s: {sentence}")


class RaftCheck(Check):
    """Every Raft group of the run."""

    name: ClassVar[str] = "raft"

    def __init__(self) -> None:
        self.groups: dict[str, RaftChecker] = {}

    def observe(self, event: Event) -> None:
        """Takes `MemberState` and `MemberRestarted`."""
        if isinstance(event, MemberState):
            self._group(event.group).observe(
                event.time_s,
                event.member,
                event.role,
                event.term,
                event.commit_index,
                event.appended,
                event.snapshot,
                event.applied,
            )
        elif isinstance(event, MemberRestarted):
            self._group(event.group).restart(event)

    def _group(self, name: str) -> RaftChecker:
        return self.groups.setdefault(name, RaftChecker(name))

    def violations(self) -> list[str]:
        """By group, each in order of time."""
        return [sentence for group in self.groups.values() for sentence in group.found]
