"""Clients of a replicated register: through any member, with retries, and with a history of what they saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.checks import UNKNOWN, LinearizableCheck, Operation
from tests.swarm.raft_world import World

KEYS = ("x", "y")
MIXES = (("read", "read", "write", "write", "cas"), ("read",), ("write", "cas"))
TRIES_MAX = 4


class Client:
    """One operation at a time. A retry of a write is the same command; who gives up never learns what came of it."""

    def __init__(
        self, world: World, name: str, members: Sequence[str], patience: float, check: LinearizableCheck
    ) -> None:
        self.world, self.name, self.members, self.patience, self.check = world, name, members, patience, check
        self.number = 0
        self.tries = 0
        self.is_waiting = False
        self.favourite = world.random.choice(members)
        is_first = all(place in members for place in world.places)
        self.kinds = MIXES[0] if is_first else world.random.choice(MIXES)
        self.is_faithful = not is_first and world.random.random() < 0.4
        """It asks its first member for ever. The first client does not, and writes, so that something is committed."""
        self.last_seen: Any = None
        self.answered = 0
        world.places[name] = self.receive
        world.after(world.random.random() * 10.0, self.begin)

    def begin(self) -> None:
        random = self.world.random
        self.number += 1
        self.tries, self.is_waiting, self.called = 0, True, self.world.now
        self.kind, self.key = random.choice(self.kinds), random.choice(KEYS)
        value = f"{self.name}.{self.number}"
        self.input: Any = {"read": None, "write": value, "cas": (self.last_seen, value)}[self.kind]
        self.attempt()

    def attempt(self) -> None:
        self.tries += 1
        if self.tries > 1 and not self.is_faithful:
            self.favourite = self.world.random.choice(self.members)
        wish = self.number, self.kind, self.key, self.input
        self.world.send(self.name, self.favourite, wish)
        self.world.after(self.patience, self.lose_patience, self.number, self.tries)

    def lose_patience(self, number: int, tries: int) -> None:
        if not self.is_waiting or (number, tries) != (self.number, self.tries):
            return
        if self.tries < TRIES_MAX:
            self.attempt()
        else:
            self.end(UNKNOWN)

    def receive(self, sender: str, message: Any) -> None:
        number, answer = message
        if not self.is_waiting or number != self.number:
            return
        if answer == "no":
            self.world.after(1.0 + self.world.random.random(), self.lose_patience, number, self.tries)
            return
        self.answered += 1
        if self.kind == "read":
            self.last_seen = answer
        self.end(answer)

    def end(self, answer: Any) -> None:
        self.is_waiting = False
        self.tell(answer)
        self.world.after(self.world.random.expovariate(1.0), self.begin)

    def tell(self, answer: Any) -> None:
        """For the history; at the end of the run also what is under way."""
        when = () if answer is UNKNOWN else (self.world.now,)
        self.check.observe(Operation(self.name, self.key, self.kind, self.input, answer, self.called, *when))
