"""What instances and their callers do with Redis: keys that are set again and again, and lists that are read now and
then.

A client asks a sentinel where the primary is (redis.io, Guidelines for Redis clients with support for Sentinel), keeps
to it, and asks again when a command fails or is refused as on a replica. It does not listen for what sentinels publish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sim.engine.daemons import Answer, Daemon
from sim.registries.redis import sentinel, server
from sim.registries.redis.messages import AskPrimary, Command, Delete, Put, Scan, Value
from sim.registries.redis.settings import ClientSettings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

NAME = "redis-client"


def key_of(service: str, instance: str) -> str:
    return f"{service}/{instance}"


class Client(Daemon):
    """What runs in one instance, or in the clients at one source."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        settings: ClientSettings,
        servers: Sequence[str],
        sentinels: Sequence[str],
        service: str | None,
        wanted: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__(cluster, host, NAME)
        self.settings, self.service, self.wanted = settings, service, wanted
        """`service`: what it is registered as, if it is; `wanted`: the instances of each service that it calls."""
        self._servers, self._sentinels = tuple(servers), tuple(sentinels)
        self._primary = servers[0]
        self.refresh_phase_s = settings.refresh_s * self.uniform()
        self._replica = int(self.uniform() * len(self._replicas))
        self._is_first_life, self._is_stopping = True, False

    def started(self) -> None:
        first, self._is_first_life = self._is_first_life, False
        self._is_stopping = False
        if self.service is not None:
            self.every(self.settings.refresh_s, self._refresh, self.refresh_phase_s if first else 0.0)
        if self.wanted:
            self.every(self.settings.poll_s, self._poll, self.settings.poll_s * self.uniform() if first else 0.0)
            if not first:
                for service in self.wanted:
                    self.cluster.publish(self.host, service, ())

    def stopping(self) -> None:
        if self.service is not None:
            self._is_stopping = True
            self._request(Delete(key_of(self.service, self.host)), lambda _: None)

    def _refresh(self) -> None:
        if not self._is_stopping:
            assert self.service is not None
            put = Put(key_of(self.service, self.host), self.host, self.settings.ttl_s)
            self._request(put, lambda _: None)

    def _poll(self) -> None:
        for service, members in self.wanted.items():
            self._request(Scan(f"{service}/"), lambda value, s=service, m=members: self._read(s, m, value))  # type: ignore[misc]

    def _read(self, service: str, members: Sequence[str], value: Value) -> None:
        found = set(value.keys)
        self.cluster.publish(self.host, service, [name for name in members if key_of(service, name) in found])

    def _request(self, command: Command, then: Callable[[Value], None], tries: int = 2) -> None:
        """Once more where a sentinel names another primary."""
        at = self._server(command)

        def ended(answer: Answer) -> None:
            if answer.outcome == "ok" and not answer.message.read_only:
                then(answer.message)
            elif isinstance(command, Scan) and self.settings.read_from == "replica":
                self._leave(at)
            else:
                self._ask_primary(lambda: self._request(command, then, tries - 1) if tries > 1 else None, at)

        self.ask(f"{at}/{server.NAME}", command, ended, self.settings.timeout_s)

    def _server(self, command: Command) -> str:
        if isinstance(command, Scan) and self.settings.read_from == "replica":
            return self._replicas[self._replica]
        return self._primary

    @property
    def _replicas(self) -> list[str]:
        """Those that it reads from: the primary too, where it is alone."""
        return [host for host in self._servers if host != self._primary] or [self._primary]

    def _leave(self, replica: str) -> None:
        """It did not answer. Of several requests that failed there only the first moves on."""
        if replica == self._replicas[self._replica]:
            self._replica = (self._replica + 1) % len(self._replicas)

    def _ask_primary(self, again: Callable[[], object], failed: str, number: int = 0) -> None:
        if number == len(self._sentinels):
            return

        def ended(answer: Answer) -> None:
            if answer.outcome != "ok":
                self._ask_primary(again, failed, number + 1)
            elif answer.message != failed:
                self._primary = answer.message
                again()

        self.ask(f"{self._sentinels[number]}/{sentinel.NAME}", AskPrimary(), ended, self.settings.timeout_s)
