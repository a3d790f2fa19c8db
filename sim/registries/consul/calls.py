"""Requests to servers (Consul 1.17: `agent/pool`, `agent/router`, yamux 0.1): a connection on which nothing answers is
given up after a keep-alive and its timeout, with all that waited on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sim.engine.daemons import Answer, Daemon
from sim.registries.consul.messages import Failed, KeepAlive
from sim.registries.consul.settings import JITTER_FRACTION, KEEPALIVE_INTERVAL_S, KEEPALIVE_TIMEOUT_S, RPC_HOLD_S

Then = Callable[[Any], None]
RPC_TIMEOUT_S = 60.0
"""`rpc_client_timeout`, beyond what a blocking query waits."""


class Waiting(NamedTuple):
    to: str
    life: int
    then: Callable[[Answer], None]


class Connections:
    """Of one daemon, in one life."""

    def __init__(self, owner: Daemon) -> None:
        self._owner = owner
        self._open: dict[int, Waiting] = {}
        self._count = 0
        owner.every(KEEPALIVE_INTERVAL_S, self._look, KEEPALIVE_INTERVAL_S * owner.uniform())

    def ask(self, to: str, message: Any, then: Callable[[Answer], None], wait_s: float = 0.0) -> None:
        """`then` gets the answer, or how the connection ended."""
        self._count += 1
        number = self._count
        self._open[number] = Waiting(to, self._life(to), then)
        timeout_s = wait_s * (1 + 1 / JITTER_FRACTION) + RPC_TIMEOUT_S
        self._owner.ask(to, message, lambda answer: self._end(number, answer), timeout_s)

    def _life(self, address: str) -> int:
        """A connection is to one life of a server: the next one resets what it does not know. Looked at when it is
        opened, and else only once an answer has come (`_heard`): as much as TCP tells."""
        return self._owner.cluster.hosts.find(address.partition("/")[0]).incarnation

    def _end(self, number: int, answer: Answer) -> None:
        waiting = self._open.pop(number, None)
        if waiting is not None:
            waiting.then(answer)

    def _look(self) -> None:
        for server in dict.fromkeys(waiting.to for waiting in self._open.values()):
            numbers = [number for number, waiting in self._open.items() if waiting.to == server]
            self._owner.ask(server, KeepAlive(), lambda answer, n=numbers: self._heard(n, answer), KEEPALIVE_TIMEOUT_S)  # type: ignore[misc]

    def _heard(self, numbers: list[int], answer: Answer) -> None:
        for number in numbers:
            waiting = self._open.get(number)
            if waiting is not None and (answer.outcome != "ok" or self._life(waiting.to) != waiting.life):
                self._end(number, Answer("reset"))


class Servers:
    """One of the servers, for as long as it answers; then the next of a list that is shuffled once. What failed is
    tried again elsewhere, after a little, for as long as `RPC_HOLD_S`."""

    def __init__(self, owner: Daemon, addresses: Sequence[str]) -> None:
        self._owner, self._connections = owner, Connections(owner)
        self._addresses = sorted(addresses, key=lambda _: owner.uniform())
        self._turn = 0

    def call(self, message: Any, then: Then, wait_s: float = 0.0, until_s: float | None = None) -> None:
        """`then` gets what a server answered, or Failed."""
        turn = self._turn

        def ended(answer: Answer) -> None:
            if answer.outcome == "ok":
                then(answer.message)
                return
            if turn == self._turn:
                self._turn += 1
            last_s = self._owner.clock_s + RPC_HOLD_S if until_s is None else until_s
            if self._owner.clock_s < last_s:
                pause_s = RPC_HOLD_S / JITTER_FRACTION * self._owner.uniform()
                self._owner.after(pause_s, self.call, message, then, wait_s, last_s)
            else:
                then(Failed(f"no server: {answer.outcome}"))

        self._connections.ask(self._addresses[turn % len(self._addresses)], message, ended, wait_s)
