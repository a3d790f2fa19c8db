"""Locks as Consul's client library makes them: a key that a session holds.

Source: Consul 1.17, `api/lock.go` and `api/session.go`. A session lives for its TTL and is renewed after each half of
it; the servers end it after twice its TTL, and at once with its node. Who does not get the key waits for it by blocking
queries of 15 s; a key whose session was ended is given to nobody for the lock-delay, which a waiter sees as a refusal
without a holder, and tries again after 5 s. The key's LockIndex is the fencing token. Consul refuses a TTL below
10 s.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

from sim.checks import UNKNOWN, Lease, Operation
from sim.registries.consul.catalog import Acquire, CreateSession, DestroySession, Release
from sim.registries.consul.client import Client
from sim.registries.consul.messages import Failed, KeyFound, KeyQuery, RenewSession, Write, Written
from sim.registries.store import Holding, Locks, Steps

if TYPE_CHECKING:
    from sim.registries.consul.datacenter import Datacenter

LOCK_DELAY_S = 15.0
LOCK_WAIT_S = 15.0
LOCK_RETRY_S = 5.0
RENEW_RETRY_S = 1.0


class ConsulLocks(Locks):
    def __init__(self, datacenter: Datacenter) -> None:
        self.datacenter = datacenter

    def acquire(self, host: str, key: str, lease_s: float, wait_s: float | None) -> Steps:
        done = self.datacenter.cluster.env.event()
        attempt = Attempt(self, self.datacenter.clients[host], key, lease_s, done.succeed)
        try:
            attempt.begin(wait_s)
            return (yield done)
        finally:
            if not done.triggered:
                attempt.give_up()

    def record(self, event: str, holder: str, key: str, token: int) -> None:
        self.datacenter.cluster.record(self.datacenter.consul.name, event, holder, f"{key} {token}")


class Attempt:
    """One process's way to a lock, with a session of its own."""

    def __init__(
        self, locks: ConsulLocks, client: Client, key: str, ttl_s: float, then: Callable[[Any], object]
    ) -> None:
        self.locks, self.client, self.key, self.then = locks, client, key, then
        self.session = client.new_session()
        self.holding: ConsulHolding | None = None
        self.is_over = False
        self._ttl_s = ttl_s
        self._has_session = False
        self._called_s = client.now
        self._renewed_s = client.clock_s

    def begin(self, wait_s: float | None) -> None:
        if wait_s is not None:
            self.client.after(wait_s, self._fail)
        node = self.locks.datacenter.cluster.node_of(self.client.host)
        create = CreateSession(self.session, node, self._ttl_s, LOCK_DELAY_S)
        self.client.request(Write(create), self._created)

    def give_up(self) -> None:
        """Its task was cancelled, or died with its process."""
        self._end(None)
        self.close()

    def close(self) -> None:
        """Destroy the session, if the process lives that made it."""
        self._has_session = False
        if self.client.is_up and self.client.owns(self.session):
            self.client.after(0.0, self.client.request, Write(DestroySession(self.session)), lambda _: None)

    def _created(self, answer: Any) -> None:
        if not isinstance(answer, Written) or not answer.result:
            self._fail()
            return
        self._has_session, self._renewed_s = True, self.client.clock_s
        self.client.after(self._ttl_s / 2, self._renew)
        self._look(0)

    def _renew(self) -> None:
        if self._has_session:
            self.client.request(RenewSession(self.session), self._renewed)

    def _renewed(self, answer: Any) -> None:
        if not self._has_session:
            return
        if answer is True:
            self._renewed_s = self.client.clock_s
            self.client.after(self._ttl_s / 2, self._renew)
        elif answer is False or self.client.clock_s - self._renewed_s > self._ttl_s:
            self._lose()
        else:
            self.client.after(RENEW_RETRY_S, self._renew)

    def _look(self, index: int) -> None:
        """Waits while somebody holds the key."""
        if not self.is_over:
            self.client.request(KeyQuery(self.key, index, LOCK_WAIT_S), self._seen, LOCK_WAIT_S)

    def _seen(self, found: Any) -> None:
        if self.is_over:
            return
        if not isinstance(found, KeyFound):
            self._fail()
        elif found.holder is not None and found.holder != self.session:
            self._look(found.index)
        else:
            self._called_s = self.client.now
            self.client.request(Write(Acquire(self.key, self.session)), self._tried)

    def _tried(self, answer: Any) -> None:
        if self.is_over:
            return
        if not isinstance(answer, Written):
            self._fail()
        elif answer.result is None:
            self.client.request(KeyQuery(self.key, 0, LOCK_WAIT_S), self._refused)
        else:
            token = answer.result
            self.locks.record("acquired", self.client.host, self.key, token)
            self.holding = ConsulHolding(self.client.host, self.key, token, token, self)
            self._end(self.holding)
            self._watch(0)

    def _refused(self, found: Any) -> None:
        if isinstance(found, KeyFound) and found.holder is None:
            self.client.after(LOCK_RETRY_S, self._look, 0)
        else:
            self._seen(found)

    def _watch(self, index: int) -> None:
        """Whether it still has the lock (`monitorLock`)."""
        if self._has_session:
            self.client.request(KeyQuery(self.key, index, LOCK_WAIT_S), self._still, LOCK_WAIT_S)

    def _still(self, found: Any) -> None:
        if not self._has_session:
            return
        if isinstance(found, KeyFound) and found.holder == self.session:
            self._watch(found.index)
        else:
            self._lose()

    def _lose(self) -> None:
        """The holder is told, if it asks; here nothing stops what it does."""
        self._has_session = False
        if self.holding is None:
            self._fail()
        elif not self.holding.is_over:
            self.locks.record("lost", self.client.host, self.key, self.holding.order)

    def _fail(self) -> None:
        if not self.is_over:
            self._end(None)
            self.close()

    def _end(self, holding: ConsulHolding | None) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.observe("acquire", UNKNOWN if holding is None else holding.token, self._called_s)
        self.then(holding)

    def observe(self, kind: str, output: Any, called_s: float) -> None:
        """For the safety checks. A session promises no time: it may end with its node before its TTL."""
        cluster = self.client.cluster
        if cluster.checks:
            key = f"{self.locks.datacenter.consul.name}/{self.key}"
            lease = Lease(self.session, 0.0, called_s)
            returned_s = inf if output is UNKNOWN else self.client.now
            cluster.observe(Operation(self.session, key, kind, lease, output, called_s, returned_s))


def _succeed(event: Any, answer: Any) -> None:
    event.succeed(answer)


class ConsulHolding(Holding):
    """By a session that the key names."""

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
        release = Write(Release(attempt.key, attempt.session))
        attempt.client.request(release, lambda answer: _succeed(done, answer))
        answer = yield done
        attempt.observe("release", UNKNOWN if isinstance(answer, Failed) else answer.result, called_s)
        attempt.close()

    def abandon(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.attempt.close()
