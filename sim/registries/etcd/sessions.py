"""What processes do with etcd to be found and to find others.

Source: the way that etcd's documentation gives for service discovery (a key under a lease that its owner keeps alive,
a read and then a watch: `clientv3/naming`). What a process does when its lease is gone is its own affair, not etcd's:
here it registers anew, as most libraries do, and tries again after the settings' `retry_s`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sim.registries.etcd.client import Client
from sim.registries.etcd.keys import Event, Grant, Put, Result, Revoke
from sim.registries.etcd.messages import Ranged

PREFIX = "services"


def service_prefix(service: str) -> str:
    return f"{PREFIX}/{service}/"


def service_key(service: str, instance: str) -> str:
    return service_prefix(service) + instance


class Session:
    """A lease that is kept alive: `open` when it is granted, then `lost` at most once. `close` ends it."""

    def __init__(
        self,
        client: Client,
        ttl_s: float,
        opened: Callable[[Session], None],
        lost: Callable[[Session], None],
        kept: Callable[[float], None] | None = None,
    ) -> None:
        self.client, self.lease, self.life = client, client.new_lease(), client.life
        self.is_open = self.is_closed = False
        self.asked_s = client.now
        """When its grant was asked for."""
        self._ttl_s, self._opened, self._lost, self._kept = ttl_s, opened, lost, kept

    @property
    def least_s(self) -> float:
        """How long it lasts at least after a keep-alive."""
        return max(self._ttl_s, self.client.settings.minimum_ttl_s)

    def open(self) -> None:
        self.asked_s = self.client.now
        self.client.write(Grant(self.lease, self._ttl_s), self._granted)

    def resume(self, lease: str, confirmed_ago_s: float) -> None:
        """It was opened long ago."""
        self.lease, self.is_open = lease, True
        self.client.keep_alive(lease, self._ttl_s, self._end, confirmed_ago_s)

    def close(self) -> None:
        """Revoke it; its keys go with it."""
        if self.is_closed:
            return
        self.is_open, self.is_closed = False, True
        self.client.forget(self.lease)
        self.client.write(Revoke(self.lease), lambda _: None)

    def _granted(self, result: Any) -> None:
        if self.is_closed:
            return
        if isinstance(result, Result) and not result.error:
            self.is_open = True
            self.client.keep_alive(self.lease, self._ttl_s, self._end, kept=self._kept)
            self._opened(self)
        else:
            self._end()

    def _end(self) -> None:
        self.is_open = False
        self._lost(self)


class Registration:
    """Keeps a key of an instance there for as long as its process lives."""

    def __init__(self, client: Client, ttl_s: float, key: str) -> None:
        self._client, self._ttl_s, self._key = client, ttl_s, key
        self._session: Session | None = None
        self._is_over = False
        client.on_stop(self._stop)

    def begin(self) -> None:
        if not self._is_over:
            self._session = Session(self._client, self._ttl_s, self._put, self._again)
            self._session.open()

    def resume(self, lease: str, confirmed_ago_s: float) -> None:
        self._session = Session(self._client, self._ttl_s, self._put, self._again)
        self._session.resume(lease, confirmed_ago_s)

    def _put(self, session: Session) -> None:
        def then(result: Any) -> None:
            if not isinstance(result, Result) or result.error:
                self._client.forget(session.lease)
                self._again(session)

        self._client.write(Put(self._key, self._client.host, session.lease), then)

    def _again(self, session: Session) -> None:
        if session is self._session and not self._is_over:
            self._session = None
            self._client.after(self._client.settings.retry_s, self.begin)

    def _stop(self) -> None:
        """The process was told to end: nobody is to find it any more."""
        self._is_over = True
        if self._session is not None:
            self._session.close()


class View:
    """What one client knows of the instances of one service."""

    def __init__(self, client: Client, service: str) -> None:
        self._client, self._service = client, service
        self._prefix = service_prefix(service)
        self._members: set[str] = set()

    def resume(self, members: Sequence[str], revision: int) -> None:
        """It was read long ago, and nothing has changed since."""
        self._members = set(members)
        self._client.watch(self._prefix, revision, self._heard)

    def begin(self) -> None:
        """A new process knows nothing."""
        self._publish()
        self._read()

    def _read(self) -> None:
        self._client.read(self._prefix, self._was_read)

    def _was_read(self, answer: Any) -> None:
        if isinstance(answer, Ranged):
            self._members = {found.value for found in answer.key_values}
            self._publish()
            self._client.watch(self._prefix, answer.revision + 1, self._heard)
        else:
            self._client.after(self._client.settings.retry_s, self._read)

    def _heard(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.after is not None:
                self._members.add(event.after.value)
            elif event.before is not None:
                self._members.discard(event.before.value)
        self._publish()

    def _publish(self) -> None:
        members = sorted(self._members, key=lambda name: (len(name), name))
        self._client.cluster.publish(self._client.host, self._service, members)
