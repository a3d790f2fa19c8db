"""What a member keeps: entries, snapshots, the term and the vote; and what it hands to its host to keep.

Source: Ongaro & Ousterhout, "In Search of an Understandable Consensus Algorithm", USENIX ATC 2014, figure 2
("persistent state on all servers"): term, vote and log. As in etcd the commit index is kept beside them, unflushed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sim.protocols.raft.membership import Configuration
from sim.protocols.raft.messages import Message


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the log: `data` for the state machine, or a `configuration`, or neither (a new leader's no-op)."""

    term: int
    index: int
    data: Any = None
    configuration: Configuration | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state machine after the entry `index`, and the configuration at that entry."""

    index: int
    term: int
    configuration: Configuration
    data: Any = None


@dataclass(frozen=True, slots=True)
class HardState:
    """`vote`: for whom this member voted in `term`, or None."""

    term: int = 0
    vote: str | None = None


@dataclass(frozen=True, slots=True)
class ReadState:
    """A read that was asked for as `context` is linearizable once `index` has been applied here."""

    index: int
    context: Any


@dataclass(frozen=True, slots=True)
class Ready:
    """What the host has to do now.

    `messages` may leave at once: what a leader sends goes out while its own disk writes (thesis, section 10.2.1).
    `messages_after_persist` may leave when `hard_state`, `entries` and `snapshot` are on the disk. `committed` may be
    applied at once, after `snapshot` has been. When all is done but the applying, call `Raft.advance`.
    """

    messages: tuple[Message, ...] = ()
    messages_after_persist: tuple[Message, ...] = ()
    hard_state: HardState | None = None
    entries: tuple[Entry, ...] = ()
    snapshot: Snapshot | None = None
    committed: tuple[Entry, ...] = ()
    read_states: tuple[ReadState, ...] = ()

    @property
    def must_persist(self) -> bool:
        return self.hard_state is not None or bool(self.entries) or self.snapshot is not None


@dataclass(slots=True)
class Stored:
    """A member's disk. Change it (`save`, `compact`) only when the write has reached the disk.

    `entries` follow the entry `discarded_index`, of `discarded_term`, the last that a compaction threw away.
    `commit_index` needs no flush of its own: without it a restarted member waits for its leader's word.
    """

    hard_state: HardState = HardState()
    entries: list[Entry] = field(default_factory=list)
    snapshot: Snapshot | None = None
    discarded_index: int = 0
    discarded_term: int = 0
    commit_index: int = 0

    def save(self, ready: Ready) -> None:
        if ready.hard_state is not None:
            self.hard_state = ready.hard_state
        if ready.snapshot is not None:
            self.snapshot = ready.snapshot
            self.entries = []
            self.discarded_index, self.discarded_term = ready.snapshot.index, ready.snapshot.term
        if ready.entries:
            del self.entries[ready.entries[0].index - self.discarded_index - 1 :]
            self.entries.extend(ready.entries)
        if ready.committed:
            self.commit_index = ready.committed[-1].index

    def compact(self, snapshot: Snapshot, keep_entries: int = 0) -> None:
        """As `Raft.compact`, once the entries up to the snapshot have been saved; not if a later one has been."""
        if self.snapshot is not None and self.snapshot.index >= snapshot.index:
            return
        self.snapshot = snapshot
        last = snapshot.index - keep_entries
        if last > self.discarded_index:
            self.discarded_term = self.entries[last - self.discarded_index - 1].term
            del self.entries[: last - self.discarded_index]
            self.discarded_index = last
