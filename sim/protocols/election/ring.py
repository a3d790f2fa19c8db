"""The ring election (Chang, Roberts: "An improved algorithm for decentralized extrema-finding in circular
configurations of processes", CACM 22(5), 1979).

Each knows only its neighbour. A number travels until it meets a larger one; the largest comes home. It needs every
process alive and every message delivered: a dead neighbour holds the election for ever.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Token(NamedTuple):
    kind: Literal["candidate", "elected"]
    number: int


class RingMember:
    """Numbers must be unique. What is in `outbox` goes to the next member of the ring."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.leader: int | None = None
        self.outbox: list[Token] = []
        self._takes_part = False

    def begin(self) -> None:
        if not self._takes_part:
            self._takes_part = True
            self.outbox.append(Token("candidate", self.number))

    def receive(self, token: Token) -> None:
        if token.kind == "elected":
            self._takes_part = False
            self.leader = token.number
            if token.number != self.number:
                self.outbox.append(token)
        elif token.number == self.number:
            self.outbox.append(Token("elected", self.number))
        elif token.number > self.number:
            self._takes_part = True
            self.outbox.append(token)
        else:
            self.begin()
