"""Locks as etcd's concurrency package makes them: who created its key first has the lock.

Source: `client/v3/concurrency` of 3.5 (`clientv3/concurrency` of 3.4), key.go, mutex.go, session.go. Each acquisition
has a session of its own, a lease that is kept alive; its key is created under the lock's prefix in a transaction that
also tells who was first. Who was not waits until the key before its own is deleted (by its owner, or with its lease),
one after the other, so that an end wakes one waiter only. The key's create revision is the fencing token. The package
offers no more: the holder learns that its session is over (`Session.Done`), if it asks.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

from sim.checks import UNKNOWN, Lease, Operation
from sim.registries.etcd.client import Client, Watched
from sim.registries.etcd.keys import Create, Delete, Event, KeyValue, Result
from sim.registries.etcd.messages import Ranged
from sim.registries.etcd.sessions import Session
from sim.registries.store import Holding, Locks, Steps

if TYPE_CHECKING:
    from sim.registries.etcd.group import Group

PREFIX = "locks"


class EtcdLocks(Locks):
    def __init__(self, group: Group) -> None:
        self.group = group
        self.taken: set[int] = set()
        """Tokens of keys that were first at some time, and that their owners know to have been."""

    def acquire(self, host: str, key: str, lease_s: float, wait_s: float | None) -> Steps:
        done = self.group.cluster.env.event()
        attempt = Attempt(self, self.group.client(host), key, lease_s, done.succeed)
        try:
            attempt.begin(wait_s)
            return (yield done)
        finally:
            if not done.triggered:
                attempt.give_up()

    def ended(self, event: Event, is_over: bool) -> None:
        """A key was deleted. Recorded where somebody had the lock by it."""
        before = event.before
        if before is not None and before.create_revision in self.taken:
            self.taken.discard(before.create_revision)
            self.record("expired" if is_over else "released", before.value, before.key, before.create_revision)

    def record(self, event: str, holder: str, key: str, token: int) -> None:
        name = key.removeprefix(f"{PREFIX}/").partition("/")[0]
        self.group.cluster.record(self.group.etcd.name, event, holder, f"{name} {token}")


class Attempt:
    """One process's way to a lock."""

    def __init__(
        self, locks: EtcdLocks, client: Client, name: str, lease_s: float, then: Callable[[Any], object]
    ) -> None:
        self.locks, self.client, self.name, self.then = locks, client, name, then
        self.session = Session(client, lease_s, self._opened, self._lost, self._kept)
        self.prefix = f"{PREFIX}/{name}/"
        self.key = self.prefix + self.session.lease
        self.token = 0
        self.holding: EtcdHolding | None = None
        self.is_over = False
        self._called_s = client.now
        self._confirmed_s = 0.0
        self._watched: Watched | None = None

    def begin(self, wait_s: float | None) -> None:
        if wait_s is not None:
            self.client.after(wait_s, self._fail)
        self.session.open()

    def give_up(self) -> None:
        """Its task was cancelled, or died with its process."""
        self._end(None)
        self.close()

    def close(self) -> None:
        """End the session, if the process still lives: the key goes with it."""
        if self.client.is_up and self.client.life == self.session.life:
            self.client.after(0.0, self._close)

    def _close(self) -> None:
        self._stop_watching()
        self.session.close()

    def _opened(self, session: Session) -> None:
        self._called_s = self.client.now
        self.client.write(Create(self.key, self.client.host, session.lease, self.prefix), self._created)

    def _created(self, result: Any) -> None:
        if not isinstance(result, Result) or result.key_value is None or result.first is None:
            self._fail()
            return
        self.token = result.key_value.create_revision
        if result.first.key == self.key:
            self._acquire()
        else:
            self._read()

    def _read(self) -> None:
        if not self.is_over:
            self.client.read(self.prefix, self._was_read, is_serializable=False)

    def _was_read(self, answer: Any) -> None:
        if self.is_over:
            return
        if not isinstance(answer, Ranged) or not any(found.key == self.key for found in answer.key_values):
            self._fail()  # no answer, or our own key is gone: the session has expired
            return
        before = [found for found in answer.key_values if found.create_revision < self.token]
        if before:
            self._wait_for(max(before, key=lambda found: found.create_revision), answer.revision)
        else:
            self._acquire()

    def _wait_for(self, before: KeyValue, revision: int) -> None:
        def heard(events: tuple[Event, ...]) -> None:
            if any(event.key == before.key and event.after is None for event in events):
                self._stop_watching()
                self._read()

        self._watched = self.client.watch(before.key, revision + 1, heard)

    def _stop_watching(self) -> None:
        if self._watched is not None:
            self.client.unwatch(self._watched)
            self._watched = None

    def _acquire(self) -> None:
        if self.is_over:
            return
        self.locks.taken.add(self.token)
        self.locks.record("acquired", self.client.host, self.key, self.token)
        self._stop_watching()
        self.holding = EtcdHolding(self.client.host, self.name, self.token, self.token, self)
        self._end(self.holding)

    def _fail(self) -> None:
        if not self.is_over:
            self._end(None)
            self.close()

    def _end(self, holding: EtcdHolding | None) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.observe("acquire", UNKNOWN if holding is None else self.token, self._called_s)
        self.then(holding)

    def _kept(self, asked_s: float) -> None:
        self._confirmed_s = asked_s
        if self.holding is not None and not self.holding.is_over:  # then the lease may well outlive the key
            self.observe("renew", True, asked_s)

    def _lost(self, session: Session) -> None:
        if self.holding is None:
            self._fail()
        elif not self.holding.is_over:
            self.locks.record("lost", self.client.host, self.key, self.token)

    def observe(self, kind: str, output: Any, called_s: float) -> None:
        """Tell the safety checks."""
        cluster, session = self.client.cluster, self.session
        if cluster.checks:
            key = f"{self.locks.group.etcd.name}/{self.name}"
            lease = Lease(session.lease, session.least_s, max(session.asked_s, self._confirmed_s))
            returned_s = inf if output is UNKNOWN else self.client.now
            cluster.observe(Operation(session.lease, key, kind, lease, output, called_s, returned_s))


class EtcdHolding(Holding):
    """By a key that was the first of its lock."""

    __slots__ = ("attempt", "is_over")

    def __init__(self, holder: str, key: str, order: int, token: int, attempt: Attempt) -> None:
        super().__init__(holder, key, order, token)
        self.attempt = attempt
        self.is_over = False

    def released(self) -> Steps:
        attempt = self.attempt
        self.is_over = True
        done = attempt.client.cluster.env.event()
        called_s = attempt.client.now
        attempt.client.write(Delete(attempt.key), done.succeed)
        result = yield done
        attempt.observe("release", result.deleted > 0 if isinstance(result, Result) else UNKNOWN, called_s)
        attempt.close()

    def abandon(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.attempt.close()
