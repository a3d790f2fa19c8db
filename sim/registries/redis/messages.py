"""What Redis servers, sentinels and clients say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hold:
    """A connection stands: its end is told to whoever opened it, if the machine at the other end lives."""


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class AskInfo:
    pass


@dataclass(frozen=True, slots=True)
class Info:
    """`link_down_ms`: how long a replica has not heard of its primary; 0 while it does."""

    is_primary: bool
    primary: str
    offset: int
    link_down_ms: int = 0


@dataclass(frozen=True, slots=True)
class SlaveOf:
    """Follow a primary; None: be one."""

    primary: str | None


@dataclass(frozen=True, slots=True)
class Put:
    """SET key value PX ttl; with `absent` NX."""

    key: str
    value: str
    ttl_s: float | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """DEL key; with a value only where the key has it (the script of a lock)."""

    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Get:
    key: str


@dataclass(frozen=True, slots=True)
class Scan:
    """Keys that begin with a text."""

    prefix: str


Command = Put | Delete | Get | Scan


@dataclass(frozen=True, slots=True)
class Value:
    """`read_only`: the server is a replica, and takes no writes."""

    done: bool = True
    value: str | None = None
    keys: tuple[str, ...] = ()
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """`expires_s`: on the wall clock; replicas get it as an absolute time, as since 7.0."""

    value: str
    expires_s: float | None


@dataclass(frozen=True, slots=True)
class Sync:
    """A replica asks for all data, or says how far it is in the history `branch`."""

    branch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All data at an offset of a history; of an answer that the replica has it all already, none."""

    branch: str
    offset: int
    data: Mapping[str, Entry] | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """One change, on its way to replicas; None: the key is gone."""

    branch: str
    offset: int
    key: str
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class IsDown:
    """Is the primary down, and (with `candidate`) would you vote for me in this epoch?"""

    primary: str
    epoch: int
    candidate: str | None


@dataclass(frozen=True, slots=True)
class Opinion:
    is_down: bool
    leader: str | None = None
    leader_epoch: int = 0


@dataclass(frozen=True, slots=True)
class Hello:
    """What a sentinel believes."""

    epoch: int
    primary: str
    config_epoch: int


@dataclass(frozen=True, slots=True)
class AskPrimary:
    """A client asks a sentinel where the primary is."""


@dataclass(slots=True)
class Ledger:
    """For records: how far each history was acknowledged to clients, and how much of that is known to be lost."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)

    def lost_beyond(self, branch: str, offset: int) -> int:
        """Writes of a history behind an offset, that were not counted before."""
        known = max(offset, self.counted.get(branch, 0))
        lost = max(0, self.acknowledged.get(branch, 0) - known)
        self.counted[branch] = known + lost
        return lost
