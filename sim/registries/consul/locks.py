"""Locks as Consul's client library makes them: a key that a session holds.

Source: Consul 1.17, `api/lock.go` and `api/session.go`. A session lives for its TTL and is renewed after each half of
it; the servers end it after twice its TTL, and at once with its node. Who does not get the key waits for it by blocking
queries of 15 s; a key whose session was ended is given to nobody for the lock-delay, which a waiter sees as a refusal
without a holder, and tries again after 5 s. The key's LockIndex is the fencing token. Consul refuses a TTL below
10 s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim.checks import UNKNOWN, Lease
from sim.registries.consul.catalog import Acquire, CreateSession, DestroySession, Release
from sim.registries.consul.client import Client
from sim.registries.consul.messages import Failed, KeyFound, KeyQuery, RenewSession, Write, Written
from sim.registries.session_locks import Attempt, SessionLocks

if TYPE_CHECKING:
    from sim.registries.consul.datacenter import Datacenter

LOCK_DELAY_S = 15.0
LOCK_WAIT_S = 15.0
LOCK_RETRY_S = 5.0
RENEW_RETRY_S = 1.0


class ConsulLocks(SessionLocks):
    def __init__(self, datacenter: Datacenter) -> None:
        super().__init__(datacenter.cluster, datacenter.consul.name)
        self.datacenter = datacenter

    def attempt(self, host: str, name: str, lease_s: float) -> ConsulAttempt:
        return ConsulAttempt(self, self.datacenter.clients[host], name, lease_s)


class ConsulAttempt(Attempt):
    """Waits until nobody holds the key, and asks for it."""

    def __init__(self, locks: ConsulLocks, client: Client, name: str, ttl_s: float) -> None:
        super().__init__(locks, client, name)
        self.client = client
        self.session = client.new_session()
        self._node = locks.cluster.node_of(client.host)
        self._ttl_s = ttl_s
        self._has_session = False
        self._renewed_s = client.clock_s

    def open(self) -> None:
        create = CreateSession(self.session, self._node, self._ttl_s, LOCK_DELAY_S)
        self.client.request(Write(create), self._created)

    def close(self) -> None:
        self._has_session = False
        if self.client.is_up and self.client.owns(self.session):
            self.client.after(0.0, self.client.request, Write(DestroySession(self.session)), lambda _: None)

    def release(self, then: Callable[[Any], object]) -> None:
        def answered(answer: Any) -> None:
            then(UNKNOWN if isinstance(answer, Failed) else answer.result)

        self.client.request(Write(Release(self.name, self.session)), answered)

    def lease(self, called_s: float) -> Lease:
        """A session promises no time: it may end with its node before its TTL."""
        return Lease(self.session, 0.0, called_s)

    def lose(self) -> None:
        self._has_session = False
        super().lose()

    def _created(self, answer: Any) -> None:
        if not isinstance(answer, Written) or not answer.result:
            self.fail()
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
            self.lose()
        else:
            self.client.after(RENEW_RETRY_S, self._renew)

    def _look(self, index: int) -> None:
        """Waits while somebody holds the key."""
        if not self.is_over:
            self.client.request(KeyQuery(self.name, index, LOCK_WAIT_S), self._seen, LOCK_WAIT_S)

    def _seen(self, found: Any) -> None:
        if self.is_over:
            return
        if not isinstance(found, KeyFound):
            self.fail()
        elif found.holder is not None and found.holder != self.session:
            self._look(found.index)
        else:
            self.called_s = self.client.now
            self.client.request(Write(Acquire(self.name, self.session)), self._tried)

    def _tried(self, answer: Any) -> None:
        if self.is_over:
            return
        if not isinstance(answer, Written):
            self.fail()
        elif answer.result is None:
            self.client.request(KeyQuery(self.name, 0, LOCK_WAIT_S), self._refused)
        else:
            self.succeed(answer.result)
            self._watch(0)

    def _refused(self, found: Any) -> None:
        if isinstance(found, KeyFound) and found.holder is None:
            self.client.after(LOCK_RETRY_S, self._look, 0)
        else:
            self._seen(found)

    def _watch(self, index: int) -> None:
        """Whether it still has the lock (`monitorLock`)."""
        if self._has_session:
            self.client.request(KeyQuery(self.name, index, LOCK_WAIT_S), self._still, LOCK_WAIT_S)

    def _still(self, found: Any) -> None:
        if not self._has_session:
            return
        if isinstance(found, KeyFound) and found.holder == self.session:
            self._watch(found.index)
        else:
            self.lose()
