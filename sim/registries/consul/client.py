"""A process that uses Consul: it registers with the agent of its node, and follows services by blocking queries.

Source: Consul 1.17, `api/watch/plan.go`: a query that ended is made again at once, with the index of the last; one
that failed after 5 s times the square of the failures in a row, 180 s at most. What it found last stays in force.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sim.engine.cluster import Cluster
from sim.engine.daemons import Answer, Daemon
from sim.registries.consul.calls import Servers, Then
from sim.registries.consul.catalog import Entry
from sim.registries.consul.messages import Announce, Failed, Found, Query, Withdraw
from sim.registries.consul.settings import JITTER_FRACTION, Settings

RETRY_S, RETRY_MOST_S = 5.0, 180.0
REGISTER_TIMEOUT_S = 10.0
AGENT_TIMEOUT_S = 70.0
"""Beyond what a request waits: the agent gives up its servers before."""
REGISTER_RETRY_S = 1.0
"""How a process that could not register tries again is its own affair."""


class Client(Daemon):
    """`agent`: the address of the agent of its node; None: it has none, and asks `servers` themselves."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        name: str,
        settings: Settings,
        agent: str | None,
        servers: Sequence[str],
        entry: Entry | None,
        watched: Sequence[str],
        first_indexes: Callable[[str], int],
    ) -> None:
        super().__init__(cluster, host, f"{name}.client")
        self.settings = settings
        self._agent, self._addresses, self._entry, self._watched = agent, servers, entry, watched
        self._first_indexes = first_indexes

    def started(self) -> None:
        is_old = self.now == 0.0
        if self._agent is None:
            self._servers = Servers(self, self._addresses)
        if self._entry is not None and not is_old:
            self._register()
        self._sessions = 0
        self._failures = dict.fromkeys(self._watched, 0)
        for service in self._watched:
            if is_old:
                self._query(service, self._first_indexes(service), self.settings.wait_s * self.uniform())
            else:
                self._query(service, 0, self.settings.wait_s)

    def stopping(self) -> None:
        if self._entry is not None:
            assert self._agent is not None
            self.ask(self._agent, Withdraw(self.host), lambda _: None, REGISTER_TIMEOUT_S)

    def new_session(self) -> str:
        """A name for a session that nobody has used."""
        self._sessions += 1
        return f"{self._life}{self._sessions}"

    @property
    def _life(self) -> str:
        return f"{self.address}#{self._at.incarnation}."

    def owns(self, session: str) -> bool:
        """Whether this life of the process made it."""
        return session.startswith(self._life)

    def request(self, message: Any, then: Then, wait_s: float = 0.0) -> None:
        """By the agent of its node, if there is one. `then` gets what was answered, or Failed."""
        if self._agent is None:
            self._servers.call(message, then, wait_s)
            return

        def ended(answer: Answer) -> None:
            then(answer.message if answer.outcome == "ok" else Failed(answer.outcome))

        self.ask(self._agent, message, ended, wait_s * (1 + 1 / JITTER_FRACTION) + AGENT_TIMEOUT_S)

    def _register(self) -> None:
        assert self._agent is not None and self._entry is not None

        def then(answer: Answer) -> None:
            if answer.outcome != "ok":
                self.after(REGISTER_RETRY_S, self._register)

        self.ask(self._agent, Announce(self._entry), then, REGISTER_TIMEOUT_S)

    def _query(self, service: str, index: int, wait_s: float) -> None:
        query = Query(service, index, wait_s, self.settings.consistency)
        self.request(query, lambda found: self._found(service, index, found), wait_s)

    def _found(self, service: str, asked: int, found: Any) -> None:
        if not isinstance(found, Found):
            self._failures[service] += 1
            wait_s = min(RETRY_S * self._failures[service] ** 2, RETRY_MOST_S)
            self.after(wait_s, self._query, service, 0, self.settings.wait_s)
            return
        self._failures[service] = 0
        if found.index != asked:
            self.cluster.publish(self.host, service, found.instances)
        self._query(service, found.index if found.index >= asked else 0, self.settings.wait_s)
