"""A process that uses etcd: its requests, its leases, its watches.

Source: etcd's `clientv3` 3.4 and 3.5: `lease.go` (a keep-alive at the first look, every 500 ms, after a third of the
time to live; a lease is given up when it was not confirmed for its whole time), `watch.go` (a broken stream is opened
anew at another member, from the revision after the last that was heard), `retry_interceptor.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sim.engine.cluster import Cluster
from sim.engine.daemons import Answer, Daemon, Timer
from sim.registries.etcd.connections import Connection
from sim.registries.etcd.keys import Event
from sim.registries.etcd.messages import Changed, Failed, KeepAlive, KeptAlive, Range, Stop, Watch, Write
from sim.registries.etcd.settings import (
    DEADLINE_CHECK_S,
    STREAM_RETRY_S,
    TCP_GIVES_UP_S,
    WATCH_RETRY_S,
    Settings,
)

Then = Callable[[Any], object]
"""Gets what a member answered, or Failed."""
FOR_EVER_S = 1e9
AGAIN_S = 0.025
"""Between two tries of a request that no member had taken (`backoffWaitBetween`)."""


@dataclass(slots=True)
class Kept:
    """A lease that is kept alive."""

    next_s: float
    deadline_s: float
    lost: Callable[[], None]
    kept: Callable[[float], None] | None
    """Told of each confirmation: when it was asked for."""


@dataclass(slots=True)
class Watched:
    prefix: str
    revision: int
    """The next to be heard of."""
    heard: Callable[[tuple[Event, ...]], None]
    number: int = 0
    """Of the stream's watch, new each time that it is opened."""


class Client(Daemon):
    """What it does in a life is begun by `begin`, which gets the client and whether this is time 0: then all its
    connections are open, and it is to go on as if it had done so for long."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        name: str,
        members: Sequence[str],
        settings: Settings,
        begin: Callable[[Client, bool], None],
    ) -> None:
        super().__init__(cluster, host, name)
        self.settings = settings
        self._members, self._begin = tuple(members), begin
        self._lives = 0

    def started(self) -> None:
        self._lives += 1
        is_old = self.now == 0.0
        self._leases = self._turn = self._watches = 0
        self._kept: dict[str, Kept] = {}
        self._watched: list[Watched] = []
        self._waiting: list[Callable[[Connection | None], None]] = []
        self._keeps_alive = False
        self._keep_alive_on: Connection | None = None
        self._keep_alive_timer: Timer | None = None
        self._watch_on: Connection | None = None
        self._farewells: list[Callable[[], None]] = []
        self._connections = [Connection(self, member, self.settings, self._ready) for member in self._members]
        self._turn = int(self.uniform() * len(self._members))
        for connection in self._connections:
            if is_old:
                connection.open(self.uniform())
            else:
                connection.dial()
        self.every(DEADLINE_CHECK_S, self._look_at_deadlines, DEADLINE_CHECK_S * (self.uniform() if is_old else 1.0))
        self._begin(self, is_old)

    def stopping(self) -> None:
        for act in self._farewells:
            act()

    def on_stop(self, act: Callable[[], None]) -> None:
        """What to do when the process is told to end."""
        self._farewells.append(act)

    @property
    def life(self) -> int:
        """Which of the process's lives this is."""
        return self._lives

    def new_lease(self) -> str:
        """A name for a lease that nobody has used."""
        self._leases += 1
        return f"{self.address}#{self._lives}.{self._leases}"

    # Requests

    def write(self, command: Any, then: Then) -> None:
        """Once, unless nobody had taken it."""
        self._request(Write(command), then, self.clock_s + self.settings.request_s, is_repeatable=False)

    def read(self, prefix: str, then: Then, is_serializable: bool | None = None) -> None:
        """By the consistency of the settings, or as is said; tried anew while there is time."""
        default = self.settings.reads == "serializable"
        question = Range(prefix, default if is_serializable is None else is_serializable)
        self._request(question, then, self.clock_s + self.settings.request_s, is_repeatable=True)

    def _request(self, message: Any, then: Then, until_s: float, is_repeatable: bool) -> None:
        left_s = until_s - self.clock_s
        if left_s <= 0.0:
            then(Failed("timed out"))
            return

        def go(connection: Connection | None) -> None:
            if connection is None:
                self.after(AGAIN_S, self._request, message, then, until_s, is_repeatable)
                return
            self.ask(connection.address, message, lambda answer: ended(connection, answer), until_s - self.clock_s)

        def ended(connection: Connection, answer: Answer) -> None:
            connection.heard(answer)
            if answer.outcome == "ok" and not (is_repeatable and isinstance(answer.message, Failed)):
                then(answer.message)
            elif answer.outcome in ("ok", "refused") or (answer.outcome == "reset" and is_repeatable):
                self.after(AGAIN_S, self._request, message, then, until_s, is_repeatable)
            else:
                then(Failed("timed out" if answer.outcome == "timeout" else "connection lost"))

        self._with_connection(go)

    def _with_connection(self, go: Callable[[Connection | None], None]) -> None:
        """On the next that is ready; when one is, where all are being dialled; None, where all failed a moment ago."""
        for _ in self._connections:
            self._turn = (self._turn + 1) % len(self._connections)
            if self._connections[self._turn].state == "ready":
                go(self._connections[self._turn])
                return
        if any(connection.state == "dialling" for connection in self._connections):
            self._waiting.append(go)
        else:
            go(None)

    def _ready(self) -> None:
        waiting, self._waiting = self._waiting, []
        for go in waiting:
            self._with_connection(go)

    # Leases

    def keep_alive(
        self,
        lease: str,
        ttl_s: float,
        lost: Callable[[], None],
        confirmed_ago_s: float = 0.0,
        kept: Callable[[float], None] | None = None,
    ) -> None:
        """From now on, until it is `lost`: it has ended, or nobody confirmed it for its whole time."""
        is_old = confirmed_ago_s > 0.0
        next_s = self.clock_s - confirmed_ago_s + (ttl_s / 3.0 if is_old else 0.0)
        self._kept[lease] = Kept(next_s, self.clock_s - confirmed_ago_s + ttl_s, lost, kept)
        if not self._keeps_alive:
            self._keeps_alive = True
            self._open_keep_alives(STREAM_RETRY_S - confirmed_ago_s % STREAM_RETRY_S if is_old else 0.0)

    def forget(self, lease: str) -> None:
        """Keep it alive no more."""
        self._kept.pop(lease, None)

    def _open_keep_alives(self, first_s: float = 0.0) -> None:
        def go(connection: Connection | None) -> None:
            if connection is None:
                self._keep_alive_timer = self.after(STREAM_RETRY_S, self._open_keep_alives)
                return
            self._keep_alive_on = connection
            connection.streams.append(lambda: self._end_keep_alives(connection))
            self._keep_alive_timer = self.every(STREAM_RETRY_S, self._send_keep_alives, first_s)

        self._with_connection(go)

    def _end_keep_alives(self, connection: Connection) -> None:
        """The stream is broken, or its member cannot do its work."""
        if self._keep_alive_on is not connection or self._keep_alive_timer is None:
            return
        self._keep_alive_timer.cancel()
        self._keep_alive_on = None
        self._keep_alive_timer = self.after(STREAM_RETRY_S, self._open_keep_alives)

    def _send_keep_alives(self) -> None:
        connection, asked_s = self._keep_alive_on, self.now
        assert connection is not None

        def ended(answer: Answer) -> None:
            if connection is not self._keep_alive_on:
                return
            connection.heard(answer)
            if answer.outcome == "ok" and isinstance(answer.message, KeptAlive):
                self._confirmed(answer.message, asked_s)
            else:
                self._end_keep_alives(connection)

        for lease, kept in self._kept.items():
            if kept.next_s <= self.clock_s:
                self.ask(connection.address, KeepAlive(lease), ended, TCP_GIVES_UP_S)

    def _confirmed(self, answer: KeptAlive, asked_s: float) -> None:
        kept = self._kept.get(answer.lease)
        if kept is None:
            return
        if answer.ttl_s <= 0.0:
            self._lose(answer.lease)
        else:
            kept.next_s = self.clock_s + answer.ttl_s / 3.0
            kept.deadline_s = self.clock_s + answer.ttl_s
            if kept.kept is not None:
                kept.kept(asked_s)

    def _look_at_deadlines(self) -> None:
        for lease in [lease for lease, kept in self._kept.items() if kept.deadline_s < self.clock_s]:
            self._lose(lease)

    def _lose(self, lease: str) -> None:
        self._kept.pop(lease).lost()

    # Watches

    def watch(self, prefix: str, revision: int, heard: Callable[[tuple[Event, ...]], None]) -> Watched:
        """Hear of changes from a revision on."""
        watched = Watched(prefix, revision, heard)
        self._watched.append(watched)
        if self._watch_on is not None:
            self._open_watch(watched, self._watch_on)
        elif len(self._watched) == 1:
            self._open_watches()
        return watched

    def unwatch(self, watched: Watched) -> None:
        """Hear no more of it."""
        if watched in self._watched:
            self._watched.remove(watched)
            if self._watch_on is not None:
                self.tell(self._watch_on.address, Stop(watched.number))

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        assert isinstance(message, Changed), message
        watched = next((known for known in self._watched if known.number == message.number), None)
        reply(watched is not None)
        if watched is not None:
            watched.revision = message.events[-1].revision + 1
            watched.heard(message.events)

    def _open_watches(self) -> None:
        def go(connection: Connection | None) -> None:
            if connection is None:
                self.after(WATCH_RETRY_S, self._open_watches)
                return
            self._watch_on = connection
            connection.streams.append(lambda: self._end_watches(connection))
            for watched in self._watched:
                self._open_watch(watched, connection)

        self._with_connection(go)

    def _open_watch(self, watched: Watched, connection: Connection) -> None:
        self._watches += 1
        watched.number = self._lives * 1_000_000 + self._watches

        def ended(answer: Answer) -> None:
            if connection is self._watch_on:
                connection.heard(answer)
                self._end_watches(connection)

        self.ask(connection.address, Watch(watched.number, watched.prefix, watched.revision), ended, FOR_EVER_S)

    def _end_watches(self, connection: Connection) -> None:
        if self._watch_on is connection:
            self._watch_on = None
            for watched in self._watched:
                watched.number = 0
            self.after(WATCH_RETRY_S, self._open_watches)
