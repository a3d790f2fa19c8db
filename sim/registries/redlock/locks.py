"""Redlock's servers and clients, as they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim.engine.cluster import Cluster
from sim.engine.daemons import Answer, Daemon
from sim.registries.redlock import Redlock
from sim.registries.store import Holding, Locks, Steps, users_of


@dataclass(frozen=True, slots=True)
class SetIfAbsent:
    """SET key value NX PX ttl → whether it was set."""

    key: str
    value: str
    ttl_s: float


@dataclass(frozen=True, slots=True)
class DeleteIfEqual:
    """A script that deletes a key whose value is still this one → whether it did."""

    key: str
    value: str


class Server(Daemon):
    """One Redis. What it holds is gone when it dies."""

    def __init__(self, cluster: Cluster, host: str, locks: Redlocks) -> None:
        super().__init__(cluster, host, locks.name)
        self._locks = locks
        self._wall = cluster.clock(cluster.node_of(host)).wall

    def started(self) -> None:
        self._keys: dict[str, tuple[str, float]] = {}

    def crashed(self) -> None:
        self._keys = {}

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        value, ends_s = self._keys.get(message.key, ("", 0.0))
        if value and ends_s <= self._wall():
            del self._keys[message.key]
            self._locks.lapsed(message.key, value, self.host)
            value = ""
        if isinstance(message, SetIfAbsent):
            if not value:
                self._keys[message.key] = message.value, self._wall() + message.ttl_s
            reply(not value)
        else:
            is_its = value == message.value
            if is_its:
                del self._keys[message.key]
            reply(is_its)


class Redlocks(Locks):
    """The locks of one store; it is its own runtime object."""

    def __init__(self, cluster: Cluster, redlock: Redlock) -> None:
        self.cluster, self.name, self.settings = cluster, redlock.name, redlock.settings
        self.locks = self
        self.addresses = [f"{host}/{self.name}" for host in redlock.servers]
        for host in redlock.servers:
            Server(cluster, host, self)
        users = users_of(self.name, cluster.env.tables.model.services)
        self._clients = {host: Daemon(cluster, host, self.name) for host in users}
        self._tries = self._holders = 0
        self._held: dict[str, tuple[RedlockHolding, set[str]]] = {}
        """For the record: by value, on which servers each lock stands."""

    @property
    def majority(self) -> int:
        return len(self.addresses) // 2 + 1

    def acquire(self, host: str, key: str, lease_s: float, wait_s: float | None) -> Steps:
        client = self._clients[host]
        until_s = float("inf") if wait_s is None else client.clock_s + wait_s
        while True:
            self._tries += 1
            value = f"{host}#{self._tries}"
            begin_s = client.clock_s
            said_yes = []
            try:
                for address in self.addresses:
                    if (yield from self._ask(client, address, SetIfAbsent(key, value, lease_s))):
                        said_yes.append(address)
                valid_s = self.settings.validity_s(lease_s, client.clock_s - begin_s)
                if len(said_yes) >= self.majority and valid_s > 0.0:
                    return self._hold(client, key, value, said_yes)
            except GeneratorExit:
                client.after(0.0, self.give_back, client, key, value)
                raise
            for address in self.addresses:
                yield from self._ask(client, address, DeleteIfEqual(key, value))
            wait = self.settings.retry_delay_s + self.settings.retry_jitter_s * client.uniform()
            if client.clock_s + wait > until_s:
                return None
            event = self.cluster.env.event()
            client.after(wait, event.succeed)
            yield event

    def _hold(self, client: Daemon, key: str, value: str, servers: list[str]) -> RedlockHolding:
        self._holders += 1
        holding = RedlockHolding(client.host, key, self._holders, None, self, client, value)
        self._held[value] = holding, {address.partition("/")[0] for address in servers}
        self.record("acquired", holding)
        return holding

    def _ask(self, client: Daemon, address: str, message: Any) -> Steps:
        """Whether a server said yes in time."""
        event = self.cluster.env.event()
        client.ask(address, message, lambda answer: _succeed(event, answer), self.settings.request_s)
        answer: Answer = yield event
        return answer.outcome == "ok" and answer.message

    def give_back(self, client: Daemon, key: str, value: str) -> None:
        """At all servers, without waiting."""
        if client.is_up:
            for address in self.addresses:
                client.ask(address, DeleteIfEqual(key, value), lambda _: None, self.settings.request_s)

    def released(self, holding: RedlockHolding) -> None:
        """Most servers said that they deleted its keys, or that these were gone."""
        self.record("released" if self._held.pop(holding.value, None) is not None else "lost", holding)

    def lapsed(self, key: str, value: str, server: str) -> None:
        """For the record: a key's time was over on one server. The lock is lost with the majority."""
        if value not in self._held:
            return
        holding, servers = self._held[value]
        servers.discard(server)
        if len(servers) < self.majority:
            del self._held[value]
            self.record("expired", holding)

    def record(self, event: str, holding: RedlockHolding) -> None:
        self.cluster.record(self.name, event, holding.holder, f"{holding.key} {holding.order}")


def _succeed(event: Any, answer: Answer) -> None:
    event.succeed(answer)


class RedlockHolding(Holding):
    """Keys with one value on most servers."""

    __slots__ = ("client", "is_over", "locks", "value")

    def __init__(
        self, holder: str, key: str, order: int, token: None, locks: Redlocks, client: Daemon, value: str
    ) -> None:
        super().__init__(holder, key, order, token)
        self.locks, self.client, self.value = locks, client, value
        self.is_over = False

    def released(self) -> Steps:
        self.is_over = True
        for address in self.locks.addresses:
            yield from self.locks._ask(self.client, address, DeleteIfEqual(self.key, self.value))
        self.locks.released(self)

    def abandon(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.client.after(0.0, self.locks.give_back, self.client, self.key, self.value)
            self.locks.released(self)
