"""The replicated log, in memory: entries from 1, of which a snapshot may have replaced the first ones.

Source: Ongaro & Ousterhout 2014, sections 5.3, 5.4.1 and 7; the search for the point where two logs part by whole
terms is that of section 5.3's last paragraphs in the form of etcd-io/raft 3.5. The log never forgets an entry that it
knows to be committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sim.protocols.raft.membership import Configuration
from sim.protocols.raft.state import Entry, Snapshot, Stored


class Log:
    """`commit_index`: known to be committed. `applied_index`: handed out for applying. `handed_index`: handed out for
    persisting. `discarded_index`: the last entry that compaction threw away."""

    def __init__(self, stored: Stored, bootstrap: Configuration) -> None:
        self.snapshot = stored.snapshot
        self.discarded_index = stored.discarded_index
        self.discarded_term = stored.discarded_term
        self.entries: list[Entry] = list(stored.entries)
        self.applied_index = stored.snapshot.index if stored.snapshot else 0
        self.commit_index = max(self.applied_index, min(stored.commit_index, self.last_index))
        self.handed_index = self.last_index
        base = stored.snapshot.configuration if stored.snapshot else bootstrap
        self._configurations = [(self.applied_index, base)]
        self._learn_configurations(entry for entry in self.entries if entry.index > self.applied_index)

    @property
    def first_index(self) -> int:
        return self.discarded_index + 1

    @property
    def last_index(self) -> int:
        return self.discarded_index + len(self.entries)

    @property
    def last_term(self) -> int:
        return self.entries[-1].term if self.entries else self.discarded_term

    @property
    def configuration(self) -> Configuration:
        """The latest in the log, committed or not (thesis, section 4.1)."""
        return self._configurations[-1][1]

    @property
    def configuration_index(self) -> int:
        """Where `configuration` stands; 0 for the one that the group began with."""
        return self._configurations[-1][0]

    @property
    def committed_configuration(self) -> Configuration:
        return next(known for index, known in reversed(self._configurations) if index <= self.commit_index)

    def term_at(self, index: int) -> int | None:
        """None if the entry is not here: thrown away, or not yet written."""
        if index == self.discarded_index:
            return self.discarded_term
        if self.first_index <= index <= self.last_index:
            return self.entries[index - self.first_index].term
        return None

    def matches(self, index: int, term: int) -> bool:
        return self.term_at(index) == term

    def between(self, first: int, last: int) -> tuple[Entry, ...]:
        """Entries first … last, both included; what is not here is left out."""
        return tuple(self.entries[max(first - self.first_index, 0) : max(last - self.discarded_index, 0)])

    def is_as_current_as(self, last_index: int, last_term: int) -> bool:
        """Whether a log with this last entry is at least as up-to-date as ours (section 5.4.1)."""
        return last_term > self.last_term or (last_term == self.last_term and last_index >= self.last_index)

    def first_conflict(self, entries: Sequence[Entry]) -> int | None:
        """The first of `entries` that is not here with the same term; None if all are."""
        return next((entry.index for entry in entries if not self.matches(entry.index, entry.term)), None)

    def append_after(self, previous_index: int, entries: Sequence[Entry]) -> int:
        """Take a leader's entries, of which the first may be here already. Returns the last index that equals its log.

        Only an entry that conflicts, and what follows it, is thrown away: a message that was delayed must not shorten
        the log.
        """
        conflict = self.first_conflict(entries)
        if conflict is not None:
            self.replace_from(conflict, [entry for entry in entries if entry.index >= conflict])
        return previous_index + len(entries)

    def replace_from(self, index: int, entries: Sequence[Entry]) -> None:
        """Throw away what stands at `index` and after it; then append."""
        self.require_uncommitted(index)
        assert index <= self.last_index + 1, f"a hole before entry {index}: the last here is {self.last_index}"
        del self.entries[index - self.first_index :]
        self.handed_index = min(self.handed_index, index - 1)
        while self.configuration_index >= index:
            self._configurations.pop()
        self.entries.extend(entries)
        self._learn_configurations(entries)

    def require_uncommitted(self, index: int) -> None:
        assert index > self.commit_index, f"entry {index} is committed (up to {self.commit_index}): it stays"

    def commit_to(self, index: int) -> bool:
        """Whether `index` is news; the commit index never goes back, nor beyond the log."""
        index = min(index, self.last_index)
        if index <= self.commit_index:
            return False
        self.commit_index = index
        return True

    def meeting_point(self, index: int, term: int) -> tuple[int, int]:
        """The last entry here at or before `index` whose term is at most `term`: (index, term).

        Two logs that hold (index, term) in common can do so only there or before, for terms never fall along a log.
        One exchange so skips a whole term.
        """
        for here in range(min(index, self.last_index), self.discarded_index - 1, -1):
            term_here = self.term_at(here)
            assert term_here is not None
            if term_here <= term:
                return here, term_here
        return min(index, self.discarded_index - 1), 0  # before what is here: a snapshot is due

    def restore(self, snapshot: Snapshot) -> None:
        """Replace everything by a leader's snapshot (section 7)."""
        assert snapshot.index > self.commit_index, "a snapshot of what is committed here already"
        self.snapshot = snapshot
        self.entries = []
        self.discarded_index, self.discarded_term = snapshot.index, snapshot.term
        self.commit_index = self.applied_index = self.handed_index = snapshot.index
        self._configurations = [(snapshot.index, snapshot.configuration)]

    def compact(self, snapshot: Snapshot, keep_entries: int) -> None:
        """Let `snapshot` stand for all but its last `keep_entries` entries."""
        self.snapshot = snapshot
        last = snapshot.index - keep_entries
        if last <= self.discarded_index:
            return
        term = self.term_at(last)
        assert term is not None
        del self.entries[: last - self.discarded_index]
        self.discarded_index, self.discarded_term = last, term
        while len(self._configurations) > 1 and self._configurations[1][0] <= snapshot.index:
            self._configurations.pop(0)

    def configuration_at(self, index: int) -> Configuration:
        return next(known for at, known in reversed(self._configurations) if at <= index)

    def _learn_configurations(self, entries: Iterable[Entry]) -> None:
        self._configurations += [(e.index, e.configuration) for e in entries if e.configuration is not None]
