"""A Eureka client: it keeps its instance registered, fetches the registry, and its balancer copies what was fetched.

Read in Eureka 1.10: `DiscoveryClient` (HeartbeatThread, CacheRefreshThread, shutdown), `InstanceInfoReplicator`,
`TimedSupervisorTask`, `RetryableEurekaHttpClient`; Ribbon 2.3 `PollingServerListUpdater`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sim.engine.daemons import Answer, Daemon
from sim.registries.eureka.settings import (
    CLIENT_TRIES,
    QUARANTINE_SHARE,
    READ_TIMEOUT_S,
    REPLICATE_INFO_S,
    Act,
    Fetch,
    Members,
    Settings,
    Status,
)

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

NAME = "eureka-client"


class Transport:
    """Requests to whichever server answers: the one that did last, else the next that is not in quarantine."""

    def __init__(self, client: Client, servers: Sequence[str]) -> None:
        self._client, self._servers = client, tuple(servers)
        self._current: str | None = None
        self._quarantine: set[str] = set()

    def request(self, message: Act | Fetch, then: Callable[[Status | None], None]) -> None:
        """`then` gets the answer, or None where no server gave one."""
        self._try(message, then, None, CLIENT_TRIES)

    def _try(
        self, message: Act | Fetch, then: Callable[[Status | None], None], left: list[str] | None, tries: int
    ) -> None:
        if self._current is None:
            left = self._candidates() if left is None else left
        if tries == 0 or (self._current is None and not left):
            then(None)
            return
        server = self._current or left.pop(0)  # type: ignore[union-attr]

        def ended(answer: Answer) -> None:
            if answer.outcome == "ok" and answer.message.code < 500:
                self._current = server
                then(answer.message)
                return
            self._current = None if self._current == server else self._current
            self._quarantine.add(server)
            self._try(message, then, left, tries - 1)

        self._client.ask(server, message, ended, READ_TIMEOUT_S)

    def _candidates(self) -> list[str]:
        if len(self._quarantine) >= max(1, int(len(self._servers) * QUARANTINE_SHARE)):
            self._quarantine.clear()
        return [server for server in self._servers if server not in self._quarantine]


class Client(Daemon):
    """What runs in one instance, or in the clients at one source."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        settings: Settings,
        servers: Sequence[str],
        registers: bool,
        wanted: Mapping[str, Members],
    ) -> None:
        super().__init__(cluster, host, NAME)
        self.settings, self.registers, self.wanted = settings, registers, wanted
        """`wanted`: the instances of each service that this host calls."""
        self.servers = self._shuffled(servers)
        self.renew_phase_s = settings.renew_s * self.uniform()
        """When it renews for the first time."""
        self.fetched: Members = ()
        self._is_first_life = True
        self._is_stopping = False
        self._transports = Transport(self, self.servers), Transport(self, self.servers)
        """For registrations, for fetches."""

    def started(self) -> None:
        settings, first = self.settings, self._is_first_life
        self._transports = Transport(self, self.servers), Transport(self, self.servers)
        self._is_first_life = self._is_stopping = False
        if self.registers:
            self.after(self.renew_phase_s if first else settings.renew_s, self._renew)
            if not first:
                self.after(settings.register_after_s, self._register)
        if not self.wanted:
            return
        if first:
            self.fetched = tuple(name for names in self.wanted.values() for name in names)
            self.after(settings.fetch_s * self.uniform(), self._fetch)
            self.after(settings.balancer_refresh_s * self.uniform(), self._refresh)
        else:
            self.fetched = ()
            self._show()
            self._fetch()
            self.after(settings.balancer_refresh_s, self._refresh)

    def stopping(self) -> None:
        """It cancels its lease and renews no more."""
        if self.registers:
            self._is_stopping = True
            self._transports[0].request(Act("cancel", self.host), lambda status: None)

    # Registration

    def _register(self) -> None:
        if self._is_stopping:
            return

        def ended(status: Status | None) -> None:
            if status is None:
                self.after(REPLICATE_INFO_S, self._register)

        self._transports[0].request(Act("register", self.host), ended)

    def _renew(self) -> None:
        """The next renewal is due an interval after this one has ended. Who is not known registers."""
        if self._is_stopping:
            return

        def ended(status: Status | None) -> None:
            self.after(self.settings.renew_s, self._renew)
            if status is not None and status.code == 404:
                self._transports[0].request(Act("register", self.host), lambda status: None)

        self._transports[0].request(Act("renew", self.host), ended)

    # Discovery

    def _fetch(self) -> None:
        def ended(status: Status | None) -> None:
            self.after(self.settings.fetch_s, self._fetch)
            if status is not None:
                is_first, self.fetched = not self.fetched, status.members
                if is_first:
                    self._show()

        self._transports[1].request(Fetch(), ended)

    def _refresh(self) -> None:
        self.after(self.settings.balancer_refresh_s, self._refresh)
        self._show()

    def _show(self) -> None:
        for service, names in self.wanted.items():
            self.cluster.publish(self.host, service, [name for name in names if name in self.fetched])

    def _shuffled(self, servers: Sequence[str]) -> tuple[str, ...]:
        """Each client has an order of its own, as `ResolverUtils.randomize` gives it by its address."""
        left = list(servers)
        return tuple(left.pop(int(self.uniform() * len(left))) for _ in servers)
