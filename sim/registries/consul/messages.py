"""What processes, agents and servers say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim.registries.consul.catalog import Command, Entry
from sim.registries.consul.settings import Consistency


@dataclass(frozen=True, slots=True)
class Query:
    """Who passes? Answered once the service has changed after `index`, after `wait_s` (and up to a sixteenth more) at
    the latest; with an index of 0 at once."""

    service: str
    index: int
    wait_s: float
    consistency: Consistency


@dataclass(frozen=True, slots=True)
class Found:
    index: int
    instances: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyQuery:
    """Which session holds a key? Waits as a Query does."""

    key: str
    index: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class KeyFound:
    index: int
    holder: str | None


@dataclass(frozen=True, slots=True)
class Write:
    command: Command


@dataclass(frozen=True, slots=True)
class Written:
    result: Any


@dataclass(frozen=True, slots=True)
class Listing:
    """What do you know of my node? (An agent, by anti-entropy.)"""

    node: str


@dataclass(frozen=True, slots=True)
class Listed:
    entries: dict[str, Entry]


@dataclass(frozen=True, slots=True)
class RenewSession:
    session: str


@dataclass(frozen=True, slots=True)
class Announce:
    """A process registers with the agent of its node."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Withdraw:
    instance: str


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Are you there? (yamux)"""


@dataclass(frozen=True, slots=True)
class Failed:
    why: str
