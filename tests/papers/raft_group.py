"""Raft members driven by hand: one alone, or a group whose messages a test delivers, holds back or loses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from sim.protocols.raft import Change, Config, Configuration, Entry, HardState, Message, Raft, Ready, Stored
from sim.protocols.raft.messages import Heartbeat

THREE = ("a", "b", "c")
FIVE = ("a", "b", "c", "d", "e")

machine: type[Raft] = Raft
"""What the tests run: `test_broken_machines_are_caught` puts broken ones here."""


def numbers(seed: int) -> Callable[[int], int]:
    random = np.random.default_rng(seed)
    return lambda n: int(random.integers(n))


def log_of(terms: Iterable[int]) -> list[Entry]:
    """A log by its terms, as the paper draws it; equal positions with equal terms are equal entries."""
    return [Entry(term, index, f"{index}@{term}") for index, term in enumerate(terms, start=1)]


def stored(terms: Iterable[int] = (), term: int | None = None, vote: str | None = None) -> Stored:
    log = log_of(terms)
    return Stored(HardState(log[-1].term if term is None and log else term or 0, vote), log)


def member(
    disk: Stored | None = None, name: str = "a", members: Sequence[str] = THREE, seed: int = 1, **config: Any
) -> Raft:
    """One member of a group of which the test plays the rest."""
    return machine(Config(name, members, **config), disk or Stored(), numbers(seed))


def settle(one: Raft, disk: Stored | None = None) -> list[Message]:
    """Do all that is ready; what was sent to others, in order."""
    sent: list[Message] = []
    while (ready := one.ready()) is not None:
        if disk is not None:
            disk.save(ready)
        sent += [*ready.messages, *ready.messages_after_persist]
        one.advance()
    return sent


def say(one: Raft, *messages: Message) -> list[Message]:
    """The answers to `messages`."""
    for message in messages:
        one.step(message)
    return settle(one)


def time_out(one: Raft) -> list[Message]:
    """Let its election timeout pass; what it sends then."""
    one.tick(one.ticks_until_due())
    return settle(one)


def shielded(**config: bool) -> Raft:
    """A follower that heard its leader just less than the least election timeout ago."""
    one = member(stored([1]), **config)
    say(one, Heartbeat("b", "a", 1, 0))
    one.tick(one.config.election_ticks - 1)
    return one


def terms_of(one: Raft) -> list[int]:
    return [entry.term for entry in one.log.entries]


class Group:
    """Members with disks, and the messages under way, which nobody delivers unasked."""

    def __init__(
        self, names: Sequence[str] = THREE, disks: dict[str, Stored] | None = None, seed: int = 1, **config: Any
    ):
        self.names = tuple(names)
        self.config = config
        self.seed = seed
        self.disks = {name: (disks or {}).get(name, Stored()) for name in names}
        self.members: dict[str, Raft] = {}
        self.applied: dict[str, list[Any]] = {}
        self.reads: dict[str, dict[Any, int]] = {name: {} for name in names}
        self.wire: list[Message] = []
        self.cut: set[str] = set()
        for name in names:
            self.start(name)

    def __getitem__(self, name: str) -> Raft:
        return self.members[name]

    def start(self, name: str, voters: Sequence[str] | None = None) -> None:
        """Start it, or start it again with what its disk holds."""
        seed = self.seed * 100 + len(self.applied) + (ord(name[0]) << 8)
        config = Config(name, voters or self.names, **self.config)
        self.members[name] = machine(config, self.disks.setdefault(name, Stored()), numbers(seed))
        self.applied[name] = []
        self.reads.setdefault(name, {})

    def crash(self, name: str) -> None:
        del self.members[name]

    def work(self, name: str) -> None:
        one = self.members[name]
        while (ready := one.ready()) is not None:
            self._do(name, ready)
            one.advance()

    def _do(self, name: str, ready: Ready) -> None:
        self.disks[name].save(ready)
        self.wire += [*ready.messages, *ready.messages_after_persist]
        if ready.snapshot is not None:
            self.applied[name] = list(ready.snapshot.data)
        self.applied[name] += [entry.data for entry in ready.committed if entry.data is not None]
        self.reads[name] |= {read.context: read.index for read in ready.read_states}

    def deliver(self, wanted: Callable[[Message], bool] = lambda message: True) -> None:
        """Deliver what is wanted until nothing of it is under way; what it causes is delivered too, the rest is lost.

        Members in `cut` hear nobody and nobody hears them.
        """
        for name in list(self.members):
            self.work(name)
        while self.wire:
            message = self.wire.pop(0)
            is_cut = message.sender in self.cut or message.receiver in self.cut
            if message.receiver in self.members and not is_cut and wanted(message):
                self.members[message.receiver].step(message)
                self.work(message.receiver)

    def elect(self, name: str) -> Raft:
        """Let it time out until it leads; others keep still."""
        for _ in range(5):
            if not self[name].is_leader:
                self[name].tick(self[name].ticks_until_due())
                self.deliver()
        assert self[name].is_leader, f"{name} is not elected"
        return self[name]

    def beat(self, name: str) -> None:
        """The leader's next heartbeat, and what it causes."""
        self[name].tick(self[name].ticks_until_due())
        self.deliver()

    def propose(self, name: str, *data: Any) -> None:
        for one in data:
            self[name].propose(one)
        self.deliver()

    def change(self, leader: str, **change: Any) -> bool:
        sets = {key: value if key == "joint" else frozenset(value) for key, value in change.items()}
        return self[leader].propose_change(Change(**sets))

    def leaders(self) -> list[str]:
        return [name for name, one in self.members.items() if one.is_leader]


def voters(*names: str) -> Configuration:
    return Configuration(frozenset(names))
