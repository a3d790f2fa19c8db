"""Locks as etcd's concurrency package makes them: who created its key first has the lock.

Source: `client/v3/concurrency` of 3.5 (`clientv3/concurrency` of 3.4), key.go, mutex.go, session.go. Each acquisition
has a session of its own, a lease that is kept alive; its key is created under the lock's prefix in a transaction that
also tells who was first. Who was not waits until the key before its own is deleted (by its owner, or with its lease),
one after the other, so that an end wakes one waiter only. The key's create revision is the fencing token. The package
offers no more: the holder learns that its session is over (`Session.Done`), if it asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim.checks import UNKNOWN, Lease
from sim.registries.etcd.client import Client, Watched
from sim.registries.etcd.keys import Create, Delete, Event, KeyValue, Result
from sim.registries.etcd.messages import Ranged
from sim.registries.etcd.sessions import Session
from sim.registries.session_locks import Attempt, SessionLocks

if TYPE_CHECKING:
    from sim.registries.etcd.group import Group

PREFIX = "locks"


class EtcdLocks(SessionLocks):
    def __init__(self, group: Group) -> None:
        super().__init__(group.cluster, group.etcd.name)
        self.group = group
        self.taken: set[int] = set()
        """Tokens of keys that were first at some time, and that their owners know to have been."""

    def attempt(self, host: str, name: str, lease_s: float) -> EtcdAttempt:
        return EtcdAttempt(self, self.group.client(host), name, lease_s)

    def ended(self, event: Event, is_over: bool) -> None:
        """A key was deleted. Recorded where somebody had the lock by it."""
        before = event.before
        if before is not None and before.create_revision in self.taken:
            self.taken.discard(before.create_revision)
            name = before.key.removeprefix(f"{PREFIX}/").partition("/")[0]
            self.record("expired" if is_over else "released", before.value, name, before.create_revision)


class EtcdAttempt(Attempt):
    """Creates a key under the lock's prefix, and waits for those before it."""

    def __init__(self, locks: EtcdLocks, client: Client, name: str, lease_s: float) -> None:
        super().__init__(locks, client, name)
        self.locks, self.client = locks, client
        self.session = Session(client, lease_s, self._opened, lambda _: self.lose(), self._kept)
        self.prefix = f"{PREFIX}/{name}/"
        self.key = self.prefix + self.session.lease
        self.token = 0
        self._confirmed_s = 0.0
        self._watched: Watched | None = None

    def open(self) -> None:
        self.session.open()

    def close(self) -> None:
        if self.client.is_up and self.client.life == self.session.life:
            self.client.after(0.0, self._close)

    def release(self, then: Callable[[Any], object]) -> None:
        def answered(result: Any) -> None:
            then(result.deleted > 0 if isinstance(result, Result) else UNKNOWN)

        self.client.write(Delete(self.key), answered)

    def lease(self, called_s: float) -> Lease:
        session = self.session
        return Lease(session.lease, session.least_s, max(session.asked_s, self._confirmed_s))

    def _close(self) -> None:
        self._stop_watching()
        self.session.close()

    def _opened(self, session: Session) -> None:
        self.called_s = self.client.now
        self.client.write(Create(self.key, self.client.host, session.lease, self.prefix), self._created)

    def _created(self, result: Any) -> None:
        if not isinstance(result, Result) or result.key_value is None or result.first is None:
            self.fail()
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
            self.fail()  # no answer, or our own key is gone: the session has expired
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
        self._stop_watching()
        self.succeed(self.token)

    def _kept(self, asked_s: float) -> None:
        self._confirmed_s = asked_s
        if self.holding is not None and not self.holding.is_over:  # then the lease may well outlive the key
            self.observe("renew", True, asked_s)
