"""What members say to each other.

Source: the RPCs of Ongaro & Ousterhout, figures 2 and 13, as one-way messages (etcd-io/raft does the same), and those
of the thesis for PreVote (9.6), leadership transfer (3.10) and reads (6.4). `term` is the sender's, except that a
pre-vote asks for the term after it and is granted for that term; messages that do not belong to a term (`Propose`,
`ReadRequest`: a client's wish, passed on) have term 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.protocols.raft.membership import Change
    from sim.protocols.raft.state import Entry, Snapshot


@dataclass(frozen=True, slots=True)
class Message:
    sender: str
    receiver: str
    term: int


@dataclass(frozen=True, slots=True)
class VoteRequest(Message):
    """`pre`: would you vote for me? `transfer`: the leader itself asked me to stand, so do not shield it."""

    last_index: int
    last_term: int
    pre: bool = False
    transfer: bool = False


@dataclass(frozen=True, slots=True)
class VoteReply(Message):
    granted: bool
    pre: bool = False


@dataclass(frozen=True, slots=True)
class Append(Message):
    """`entries` follow the entry (`previous_index`, `previous_term`); `commit_index` is the leader's."""

    previous_index: int
    previous_term: int
    entries: tuple[Entry, ...]
    commit_index: int


@dataclass(frozen=True, slots=True)
class AppendReply(Message):
    """Accepted: the log equals the leader's up to `index`. Rejected: nothing is known of `index` (the request's
    `previous_index`), and the logs may meet at the entry (`hint_index`, `hint_term`)."""

    index: int
    rejected: bool = False
    hint_index: int = 0
    hint_term: int = 0


@dataclass(frozen=True, slots=True)
class Heartbeat(Message):
    """`commit_index` is capped at what the receiver is known to hold. `context` (a pending read, or None) and
    `sent_tick` (the leader's count of ticks) come back in the reply."""

    commit_index: int
    context: Any = None
    sent_tick: int = 0


@dataclass(frozen=True, slots=True)
class HeartbeatReply(Message):
    context: Any = None
    sent_tick: int = 0


@dataclass(frozen=True, slots=True)
class InstallSnapshot(Message):
    """The whole snapshot in one message; the paper's chunks (figure 13) are the transport's business."""

    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class TimeoutNow(Message):
    """Stand for election at once (thesis, section 3.10)."""


@dataclass(frozen=True, slots=True)
class Propose(Message):
    """A follower passes a client's wish on to its leader."""

    data: Any = None
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class ReadRequest(Message):
    """A follower asks its leader from which index on a read is linearizable."""

    context: Any


@dataclass(frozen=True, slots=True)
class ReadReply(Message):
    index: int
    context: Any


FROM_LEADER = (Append, Heartbeat, InstallSnapshot)
"""Only the leader of a term sends these: they name it."""

SENT_BY_LEADER = (Append, Heartbeat, InstallSnapshot, TimeoutNow, ReadReply)
"""What a leader says need not wait for the disk."""


def merged(messages: Iterable[Message]) -> list[Message]:
    """The same, with one append in the place of several to one follower that continue each other."""
    kept: list[Message] = []
    newest: dict[str, int] = {}
    for message in messages:
        if isinstance(message, Append):
            place = newest.get(message.receiver)
            before = None if place is None else kept[place]
            if isinstance(before, Append) and before.term == message.term and _follows(message, before):
                entries = before.entries + message.entries
                kept[newest[message.receiver]] = replace(before, entries=entries, commit_index=message.commit_index)
                continue
            newest[message.receiver] = len(kept)
        kept.append(message)
    return kept


def _follows(message: Append, before: Append) -> bool:
    return before.previous_index + len(before.entries) == message.previous_index
