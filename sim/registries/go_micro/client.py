"""A go-micro process: it registers again and again, and finds others through a cache of the registry.

go-micro v2 and v5: `server/rpc_server.go` (Start, Register), `registry/cache/cache.go` (get, set, update, run). A cache
that is over is asked for at the next call; here a client is taken to call all the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from sim.engine.daemons import Answer, Daemon, Timer
from sim.registries.go_micro import registry
from sim.registries.go_micro.registry import Deregister, GetService, Register, Watch
from sim.registries.go_micro.settings import Settings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

NAME = "go-micro"
WATCH_JITTER_S = 0.1
WATCH_TRIES = 3
FOREVER_S = 1e8


class Cached:
    """The nodes of one service, and until when each is good."""

    def __init__(self, order: Sequence[str]) -> None:
        self.order = tuple(order)
        self.until: dict[str, float] = {}
        self.list_until = -inf

    def due_s(self, node_times: bool) -> float:
        return min([self.list_until, *self.until.values()]) if node_times else self.list_until

    def fetched(self, nodes: Sequence[str], until_s: float) -> None:
        self.until, self.list_until = dict.fromkeys(nodes, until_s), until_s

    def changed(self, node: str, is_there: bool, until_s: float) -> None:
        """An event renews the list, and the node that it is about."""
        if is_there:
            self.until[node] = until_s
        else:
            self.until.pop(node, None)
        self.list_until = until_s

    @property
    def nodes(self) -> list[str]:
        return [node for node in self.order if node in self.until]


class Client(Daemon):
    """What runs in one instance, or in the clients at one source."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        settings: Settings,
        server: str,
        service: str | None,
        wanted: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__(cluster, host, NAME)
        self.settings, self.service, self.wanted = settings, service, wanted
        """`service`: what it is registered as, if it is; `wanted`: the instances of each service that it calls."""
        self._server = f"{server}/{registry.NAME}"
        self.register_phase_s = settings.interval_s * self.uniform()
        self.caches: dict[str, Cached] = {}
        self._timers: dict[str, Timer] = {}
        self._is_first_life, self._is_stopping = True, False

    def started(self) -> None:
        first, self._is_first_life = self._is_first_life, False
        self._is_stopping = False
        self._timers = {}
        self.caches = {service: Cached(members) for service, members in self.wanted.items()}
        if self.service is not None:
            self.every(self.settings.interval_s, self._register, self.register_phase_s if first else 0.0)
        for service, cache in self.caches.items():
            if first:
                cache.fetched(self.wanted[service], self.clock_s + self.settings.cache_s * self.uniform())
                self._plan(service)
            else:
                self._show(service)
                self._get(service)
        if self.wanted:
            self._watch(0, 0.0 if first else WATCH_JITTER_S)

    def stopping(self) -> None:
        if self.service is not None:
            self._is_stopping = True
            self.ask(self._server, Deregister(self.service, self.host), lambda _: None, self.settings.timeout_s)

    def _register(self) -> None:
        if not self._is_stopping:
            assert self.service is not None
            self.ask(self._server, Register(self.service, self.host), lambda _: None, self.settings.timeout_s)

    # The cache

    def _plan(self, service: str, wait_s: float | None = None) -> None:
        """Ask again when the cache is over."""
        if service in self._timers:
            self._timers[service].cancel()
        due_s = self.caches[service].due_s(self.settings.node_times) - self.clock_s
        self._timers[service] = self.after(due_s if wait_s is None else wait_s, self._get, service)

    def _get(self, service: str) -> None:
        def ended(answer: Answer) -> None:
            if answer.outcome != "ok" or answer.message is None:
                self._plan(service, self.settings.retry_s)
                return
            self.caches[service].fetched(answer.message, self.clock_s + self.settings.cache_s)
            self._plan(service)
            self._show(service)

        self.ask(self._server, GetService(service), ended, self.settings.timeout_s)

    def received(self, sender: str, message: Any) -> None:
        cache = self.caches.get(message.service)
        if cache is not None and cache.list_until > -inf:
            cache.changed(message.node, message.action == "update", self.clock_s + self.settings.cache_s)
            self._plan(message.service)
            self._show(message.service)

    def _show(self, service: str) -> None:
        self.cluster.publish(self.host, service, self.caches[service].nodes)

    # Watching

    def _watch(self, attempt: int, jitter_s: float) -> None:
        """After a failure at once, then after 10 ms, 100 ms, 1 s, and from the beginning; each time a little more."""

        def ended(answer: Answer) -> None:
            wait_s = 10.0**attempt / 1000.0 if attempt else 0.0
            self.after(wait_s, self._watch, attempt + 1 if attempt < WATCH_TRIES else 0, WATCH_JITTER_S)

        self.after(jitter_s * self.uniform(), self.ask, self._server, Watch(), ended, FOREVER_S)
