"""What a run tells its checks. Plain values: a check knows nothing of the machinery that made them.

Times are true times in s. A group is one Raft group (a registry's members), a gossip pool, or one protected resource.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol


class Unknown:
    """The output of an operation whose client never heard of its end."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a client on one key, from its call to its answer.

    kind, input, output:
      register  `read` None → value · `write` value → None · `cas` (expected, new) → bool
      lock      `acquire` Lease → token, or None if it was denied · `renew` Lease → bool (did it still hold the
                lock?) · `release` Lease → bool (did it hold it?)
      tokens    `next` None → token
    A value that was never written is None. An operation without an answer has the output UNKNOWN and returned_s ∞: it
    takes effect at some time after its call, or never.
    """

    client: str
    key: Hashable
    kind: str
    input: Any
    output: Any
    called_s: float
    returned_s: float = math.inf

    def __post_init__(self) -> None:
        assert self.called_s <= self.returned_s, f"answered before it was called: {self}"
        assert (self.output is UNKNOWN) == math.isinf(self.returned_s), f"an answer has a time: {self}"

    def __str__(self) -> str:
        given = "" if self.input is None else f"({self.input})"
        when = f"called {self.called_s:.6g} s"
        if self.output is UNKNOWN:
            return f"{self.kind}{given} by {self.client}, {when}, never answered"
        return f"{self.kind}{given} by {self.client} → {self.output}, {when}, answered {self.returned_s:.6g} s"


@dataclass(frozen=True, slots=True)
class Lease:
    """What a lock is held with. A lease is granted once: its name is never used again."""

    name: str
    ttl_s: float
    """The least true time for which a grant or a renewal holds: on a clock that drifts, less than was declared."""
    since_s: float
    """When its grant was called, or the last renewal before this operation that was answered well."""

    def __str__(self) -> str:
        return self.name


class LogEntry(Protocol):
    """An entry of a replicated log; the first has the index 1."""

    @property
    def index(self) -> int: ...
    @property
    def term(self) -> int: ...
    @property
    def data(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class MemberState:
    """A member of a Raft group after it has taken in a message, a proposal or a tick."""

    time_s: float
    group: str
    member: str
    role: str
    """Only `leader` means something here."""
    term: int
    commit_index: int
    appended: Sequence[LogEntry] = ()
    """What its log got since it was last observed: replaces all from the first of these on."""
    snapshot: tuple[int, int] | None = None
    """(index, term) of a snapshot that has replaced its whole log; comes before `appended`."""
    applied: Sequence[LogEntry] = ()
    """What its state machine took in since it was last observed."""


@dataclass(frozen=True, slots=True)
class MemberRestarted:
    """A member begins again with what its disk holds; also what a group that is old at time 0 begins with."""

    time_s: float
    group: str
    member: str
    term: int
    commit_index: int
    log: Sequence[LogEntry] = ()
    """All entries after the snapshot."""
    snapshot: tuple[int, int] | None = None
    durable_term: int = 0
    """The highest term, and below the last index, of which the disk had confirmed the flush. 0 after a loss of it."""
    durable_index: int = 0
    applied_index: int = 0
    """Where its state machine stands, if that is further than the snapshot."""


@dataclass(frozen=True, slots=True)
class MembershipState:
    """What an observer in a gossip pool believes of a member from now on."""

    time_s: float
    group: str
    observer: str
    member: str
    state: str
    """alive, suspect, dead, left, or forgotten (reaped from the observer's list)."""
    incarnation: int


@dataclass(frozen=True, slots=True)
class ObserverRestarted:
    """An observer in a gossip pool begins anew: it knows nobody."""

    time_s: float
    group: str
    observer: str


@dataclass(frozen=True, slots=True)
class GuardedWrite:
    """A write to a protected resource, with the fencing token that it carried."""

    time_s: float
    group: str
    holder: str
    token: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class Registration:
    """The registry knows an instance of a service from now on. What is known at time 0 is told too."""

    time_s: float
    service: str
    instance: str


@dataclass(frozen=True, slots=True)
class View:
    """A client is told whom to balance over."""

    time_s: float
    client: str
    service: str
    members: Sequence[str]


Event = (
    Operation | MemberState | MemberRestarted | MembershipState | ObserverRestarted | GuardedWrite | Registration | View
)
