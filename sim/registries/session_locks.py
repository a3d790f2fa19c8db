"""Locks that are held by sessions: what stores have in common whose keys end with a session of their owner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import inf
from typing import Any

from sim.checks import UNKNOWN, Lease, Operation
from sim.engine.cluster import Cluster
from sim.engine.daemons import Daemon
from sim.registries.store import Holding, Locks, Steps


class SessionLocks(Locks):
    """`store`: as the log calls it."""

    def __init__(self, cluster: Cluster, store: str) -> None:
        self.cluster, self.store = cluster, store

    @abstractmethod
    def attempt(self, host: str, name: str, lease_s: float) -> Attempt:
        """A process sets out for a lock."""

    def acquire(self, host: str, key: str, lease_s: float, wait_s: float | None) -> Steps:
        attempt = self.attempt(host, key, lease_s)
        try:
            attempt.begin(wait_s)
            return (yield attempt.done)
        finally:
            if not attempt.done.triggered:
                attempt.give_up()

    def record(self, event: str, holder: str, name: str, token: int) -> None:
        self.cluster.record(self.store, event, holder, f"{name} {token}")


class Attempt(ABC):
    """One process's way to the lock `name`, by a session of its own. `done` ends with what it holds, or with None."""

    def __init__(self, locks: SessionLocks, host: Daemon, name: str) -> None:
        self.name = name
        self.done = locks.cluster.env.event()
        self.holding: SessionHolding | None = None
        self.is_over = False
        self.called_s = host.now
        """When what may give it the lock was asked for. For the record."""
        self._locks, self._host = locks, host

    @abstractmethod
    def open(self) -> None:
        """Begin the session."""

    @abstractmethod
    def close(self) -> None:
        """End the session, if the process lives that made it: the key goes with it."""

    @abstractmethod
    def release(self, then: Callable[[Any], object]) -> None:
        """Give the key back. `then` gets whether it had it, or UNKNOWN."""

    @abstractmethod
    def lease(self, called_s: float) -> Lease:
        """What the session promises, for an operation that was called then."""

    def begin(self, wait_s: float | None) -> None:
        if wait_s is not None:
            self._host.after(wait_s, self.fail)
        self.open()

    def succeed(self, token: int) -> None:
        self.record("acquired", token)
        self.holding = SessionHolding(self, token)
        self._end(self.holding)

    def fail(self) -> None:
        if not self.is_over:
            self.give_up()

    def give_up(self) -> None:
        """It took too long, or its task was cancelled, or died with its process."""
        self._end(None)
        self.close()

    def lose(self) -> None:
        """Its session is over. The holder is told, if it asks; nothing stops the steps of a `lock`."""
        if self.holding is None:
            self.fail()
        elif not self.holding.is_over:
            self.record("lost", self.holding.order)
            self.holding.lose()

    def _end(self, holding: SessionHolding | None) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.observe("acquire", UNKNOWN if holding is None else holding.token, self.called_s)
        self.done.succeed(holding)

    def record(self, event: str, token: int) -> None:
        self._locks.record(event, self._host.host, self.name, token)

    def observe(self, kind: str, output: Any, called_s: float) -> None:
        """Tell the safety checks."""
        cluster = self._locks.cluster
        if cluster.checks:
            lease, key = self.lease(called_s), f"{self._locks.store}/{self.name}"
            returned_s = inf if output is UNKNOWN else self._host.now
            cluster.observe(Operation(lease.name, key, kind, lease, output, called_s, returned_s))

    def released(self) -> Steps:
        released, called_s = self._locks.cluster.env.event(), self._host.now
        self.release(released.succeed)
        outcome: Any = UNKNOWN
        try:
            outcome = yield released
        finally:
            self.observe("release", outcome, called_s)  # who dies meanwhile may have given it back
        self.close()


class SessionHolding(Holding):
    """By a key that goes with its session."""

    __slots__ = ("attempt", "is_over")

    def __init__(self, attempt: Attempt, token: int) -> None:
        super().__init__(attempt._host.host, attempt.name, token, token)
        self.attempt = attempt
        self.is_over = False

    def released(self) -> Steps:
        self.is_over = True
        yield from self.attempt.released()

    def abandon(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.attempt.close()
