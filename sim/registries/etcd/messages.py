"""What clients of etcd and its members say to each other. Every question is answered with one of the answers."""

from __future__ import annotations

from dataclasses import dataclass

from sim.registries.etcd.keys import Command, Event, KeyValue, Result


@dataclass(frozen=True, slots=True)
class Write:
    """→ Result, or Failed."""

    command: Command


@dataclass(frozen=True, slots=True)
class Range:
    """All keys that begin so; `serializable`: as this member knows them, without asking the leader. → Ranged."""

    prefix: str
    serializable: bool = False


@dataclass(frozen=True, slots=True)
class Ranged:
    revision: int
    key_values: tuple[KeyValue, ...]


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """→ KeptAlive, or Failed."""

    lease: str


@dataclass(frozen=True, slots=True)
class KeptAlive:
    """`ttl_s` is 0 where there is no such lease."""

    lease: str
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Renew:
    """A member passes a keep-alive on to the leader. → KeptAlive, or Failed."""

    lease: str


@dataclass(frozen=True, slots=True)
class Watch:
    """Tell me of changes of keys that begin so, from this revision on, as questions `Changed`. → Failed, when the
    member will not any more."""

    number: int
    prefix: str
    revision: int


@dataclass(frozen=True, slots=True)
class Changed:
    """To a watcher. → True; False if nobody there waits for it."""

    number: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """A watcher wants to hear no more."""

    number: int


@dataclass(frozen=True, slots=True)
class Hello:
    """A connection is dialled, or pinged. → True."""


@dataclass(frozen=True, slots=True)
class Failed:
    """`timed out`, `no leader`."""

    why: str


Question = Write | Range | KeepAlive | Renew | Watch | Changed | Hello
Reply = Result | Ranged | KeptAlive | Failed | bool
