"""The bully election (Garcia-Molina: "Elections in a Distributed Computing System", IEEE ToC 31(1), 1982, §III).

The living process of the highest number leads. It assumes a synchronous system: who does not answer in time is dead.
Where that is not so, it elects wrongly and does not know: on each side of a partition the highest number there leads,
so there are two leaders at once, with no term or quorum to tell them apart (Raft has both).

A pure state machine: the owner tells the time, sends what is in `outbox` (receiver, message) and wakes it at `due_s`.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Literal

Message = Literal["election", "answer", "coordinator"]


class Bully:
    """`answer_timeout_s` must be longer than a message there and back; the coordinator is waited for twice as long."""

    def __init__(self, number: int, members: Iterable[int], answer_timeout_s: float) -> None:
        self.number = number
        self.leader: int | None = None
        self.outbox: list[tuple[int, Message]] = []
        self.due_s = inf
        self._higher = sorted(member for member in members if member > number)
        self._lower = sorted(member for member in members if member < number)
        self._answer_timeout_s = answer_timeout_s
        self._answered = False

    def begin(self, now_s: float) -> None:
        """Holds an election: when it starts, and when it finds the leader silent."""
        self.leader, self._answered = None, False
        if not self._higher:
            self._win()
            return
        self.outbox += [(member, "election") for member in self._higher]
        self.due_s = now_s + self._answer_timeout_s

    def receive(self, sender: int, message: Message, now_s: float) -> None:
        if message == "election":
            self.outbox.append((sender, "answer"))
            if self.due_s == inf:
                self.begin(now_s)
        elif message == "answer":
            if not self._answered and self.due_s < inf:
                self._answered = True
                self.due_s = now_s + 2 * self._answer_timeout_s
        elif sender < self.number:
            self.begin(now_s)
        else:
            self.leader, self.due_s = sender, inf

    def wake(self, now_s: float) -> None:
        """Nobody higher answered: it leads. Or one did, and then fell silent: again."""
        if now_s < self.due_s:
            return
        if self._answered:
            self.begin(now_s)
        else:
            self._win()

    def _win(self) -> None:
        self.leader, self.due_s = self.number, inf
        self.outbox += [(member, "coordinator") for member in self._lower]
