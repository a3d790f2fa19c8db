"""A client's connections: one to each member, dialled again when it breaks, and how it finds out that one has.

Source: etcd's clientv3 3.4 and 3.5 over grpc-go: requests and streams go round robin over the connections that are
ready; backoff as in grpc's connection-backoff.md; keep-alives of gRPC are off unless asked for, those of the kernel are
on (`net.Dialer`), answered by the kernel of the other machine, even for a process that stands still.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from sim.engine.daemons import Answer, Daemon, Timer
from sim.registries.etcd.messages import Hello
from sim.registries.etcd.settings import (
    BACKOFF_FACTOR,
    BACKOFF_JITTER,
    BACKOFF_MOST_S,
    BACKOFF_S,
    DIAL_TIMEOUT_S,
    TCP_KEEP_ALIVE_PROBES,
    TCP_KEEP_ALIVE_S,
    Settings,
)

if TYPE_CHECKING:
    from sim.engine.hosts import Host

PROBE_BYTES = 40.0
PING_BYTES = 17.0


class Connection:
    """To one member. `streams` are told when it breaks."""

    def __init__(self, owner: Daemon, address: str, settings: Settings, ready: Callable[[], None]) -> None:
        self.address = address
        self.state: Literal["dialling", "ready", "waiting"] = "waiting"
        self.streams: list[Callable[[], None]] = []
        self._owner, self._settings, self._ready = owner, settings, ready
        self._failures = self._life = self._silent = 0
        self._timers: list[Timer] = []
        self._generation = 0

    @property
    def _peer(self) -> Host:
        return self._owner.cluster.hosts.find(self.address.partition("/")[0])

    def dial(self) -> None:
        self.state = "dialling"
        self._owner.ask(self.address, Hello(), self._dialled, DIAL_TIMEOUT_S, PING_BYTES, PING_BYTES)

    def open(self, phase: float = 0.0) -> None:
        """It is there. `phase` of its periods have passed, as a share."""
        self.state, self._failures, self._silent = "ready", 0, 0
        self._life = self._peer.incarnation
        self._generation += 1
        first_s = TCP_KEEP_ALIVE_S * (1.0 - phase)
        self._timers = [self._owner.every(TCP_KEEP_ALIVE_S, self._probe, first_s)]
        if self._settings.keep_alive_s is not None:
            every_s = self._settings.keep_alive_s
            self._timers.append(self._owner.every(every_s, self._ping, every_s * (1.0 - phase)))
        self._ready()

    def heard(self, answer: Answer) -> None:
        """What became of a request on it. Whether the member is still in the life that it was dialled in is looked at
        only once an answer has come: as much as TCP tells, which resets what another life does not know."""
        is_other_life = answer.outcome == "ok" and self._peer.incarnation != self._life
        if answer.outcome in ("refused", "reset") or is_other_life:
            self.broke()

    def broke(self) -> None:
        """Its streams end; it is dialled again at once."""
        if self.state != "ready":
            return
        for timer in self._timers:
            timer.cancel()
        streams, self.streams = self.streams, []
        self.dial()
        for told in streams:
            told()

    def _dialled(self, answer: Answer) -> None:
        if answer.outcome == "ok":
            self.open()
            return
        self.state = "waiting"
        wait_s = min(BACKOFF_S * BACKOFF_FACTOR**self._failures, BACKOFF_MOST_S)
        self._failures += 1
        self._owner.after(wait_s * (1.0 + BACKOFF_JITTER * (2.0 * self._owner.uniform() - 1.0)), self.dial)

    def _ping(self) -> None:
        """A gRPC keep-alive, which the process answers."""
        generation = self._generation

        def then(answer: Answer) -> None:
            if generation == self._generation and answer.outcome != "ok":
                self.broke()

        self._owner.ask(self.address, Hello(), then, self._settings.keep_alive_timeout_s, PING_BYTES, PING_BYTES)

    def _probe(self) -> None:
        """A TCP keep-alive, which the other machine answers: it knows the connection, or resets it."""
        if self._silent >= TCP_KEEP_ALIVE_PROBES:
            self.broke()
            return
        self._silent += 1
        mail, here, there = self._owner.cluster.mail, self._owner.cluster.hosts.find(self._owner.host), self._peer
        life, generation, lives = self._life, self._generation, here.incarnation

        def arrive() -> None:
            is_known = there.up and there.incarnation == life
            mail.post(there, here, PROBE_BYTES, lambda: here.when_running(lambda: answered(is_known), lives))

        def answered(is_known: bool) -> None:
            if generation != self._generation:
                return
            self._silent = 0
            if not is_known:
                self.broke()

        mail.post(here, there, PROBE_BYTES, arrive)
