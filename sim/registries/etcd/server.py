"""One etcd member's services over its Raft log: writes, reads, leases, watches.

Source: etcd 3.4 and 3.5, `server/etcdserver/v3_server.go` (requests, keep-alives that a follower passes on),
`server.go` (promotion of the lessor at the leader's first entry, ends of leases through the log),
`mvcc/watchable_store.go` (events leave when the member applies). Departs from it where a watcher is sent the next
events only when it has taken the last: a window of one, so that what is lost is sent again in order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim.engine.cluster import Cluster
from sim.engine.daemons import Answer, Daemon
from sim.registries.etcd.keys import Command, Event, Grant, Revoke, Store
from sim.registries.etcd.lessor import CHECK_EVERY_S, Lessor
from sim.registries.etcd.messages import (
    Changed,
    Failed,
    Hello,
    KeepAlive,
    KeptAlive,
    Range,
    Ranged,
    Renew,
    Stop,
    Watch,
    Write,
)
from sim.registries.etcd.settings import (
    FORWARD_RETRY_S,
    LEADER_CHECKS,
    READ_RETRY_S,
    TCP_GIVES_UP_S,
    Settings,
)

Send = Callable[[Any], None]
EVENT_BYTES = 200.0


class Log(ABC):
    """The Raft log, as one member sees it."""

    @property
    @abstractmethod
    def is_leader(self) -> bool: ...

    @property
    @abstractmethod
    def leader(self) -> str | None:
        """The host of the member that leads, as far as this one knows."""

    @abstractmethod
    def propose(self, data: Any) -> bool:
        """False: it was dropped for sure, for want of a leader."""

    @abstractmethod
    def read_index(self, context: Any) -> bool:
        """False: no leader is known."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A command in the log. `number`: of the request, unique; the member that took it answers when it applies it."""

    number: tuple[str, int, int]
    command: Command


@dataclass(slots=True)
class Watcher:
    address: str
    watch: Watch
    revision: int
    """The next that it is to hear of."""
    end: Send
    is_waiting: bool = False
    """For its word that it took the last events."""


@dataclass(frozen=True, slots=True)
class Primed:
    """What a group that is old at time 0 holds: its store, and how long ago each lease was last kept alive."""

    store: Store
    kept_alive_ago_s: dict[str, float]


class Server(Daemon):
    """Answers clients and the other members. Its log calls `applied`, `read_ready` and `leader_changed`."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        name: str,
        settings: Settings,
        primed: Callable[[], Primed],
        applied: Callable[[int, Command, tuple[Event, ...]], None],
    ) -> None:
        super().__init__(cluster, host, name)
        self.log: Log | None = None
        self.settings = settings
        self._name, self._primed, self._tell_applied = name, primed, applied
        self._lives = 0

    def started(self) -> None:
        self._lives += 1
        primed = self._primed()
        self.store = primed.store.copy()
        self.lessor = Lessor(self.settings.minimum_ttl_s)
        self.lessor.restore(self.store.leases)
        self.applied_index = 0
        self._requests = 0
        self._asked_for: dict[tuple[str, int, int], Send] = {}
        self._held: list[Proposal] = []
        self._reads: dict[tuple[str, int, int], tuple[Range, Send]] = {}
        self._ready_reads: list[tuple[int, Range, Send]] = []
        self._ending: dict[str, list[Callable[[], None]]] = {}
        self._forwarding: dict[tuple[str, int, int], Send] = {}
        self._watchers: dict[tuple[str, int], Watcher] = {}
        self._looks_without_leader = 0
        is_old = self.now == 0.0
        self.every(CHECK_EVERY_S, self._end_leases, CHECK_EVERY_S * self.uniform() if is_old else 0.0)
        self.every(self.settings.election_s, self._look_for_leader)
        if is_old and self._leads:
            self.lessor.promote(0.0, self.clock_s)
            for lease, ago_s in primed.kept_alive_ago_s.items():
                self.lessor.ends_s[lease] -= ago_s

    @property
    def _leads(self) -> bool:
        return self.log is not None and self.log.is_leader

    # What the log says

    def applied(self, index: int, data: Any) -> None:
        """An entry is committed, and all before it have been applied. None: the first of a leader."""
        self.applied_index = index
        if data is None:
            if self._leads:
                self.lessor.promote(self.settings.election_s, self.clock_s)
        else:
            self._apply(index, data)
        self._answer_reads()

    def restored(self, index: int, store: Store) -> None:
        """A snapshot has taken the place of the store."""
        self.applied_index = index
        self.store = store.copy()
        self.lessor.restore(store.leases)
        self._answer_reads()

    def read_ready(self, index: int, context: Any) -> None:
        """A read that was asked for may be answered once `index` has been applied."""
        number, _ = context
        if number in self._reads:
            question, reply = self._reads.pop(number)
            self._ready_reads.append((index, question, reply))
            self._answer_reads()

    def leader_changed(self) -> None:
        """Another member leads than before, or none."""
        if not self._leads and self.lessor.is_primary:
            self.lessor.demote()
            ending, self._ending = self._ending, {}
            for waiting in ending.values():
                for again in waiting:
                    again()
        held, self._held = self._held, []
        for proposal in held:
            self._propose(proposal)

    # Questions

    def asked(self, sender: str, message: Any, reply: Send) -> None:
        match message:
            case Write():
                self._write(message.command, reply)
            case Range():
                self._range(message, reply)
            case KeepAlive():
                self._keep_alive(message.lease, reply, self.clock_s + self.settings.server_request_s)
            case Renew():
                self._renew(message.lease, reply, lambda: reply(Failed("not primary")))
            case Watch():
                watcher = Watcher(sender, message, message.revision, reply)
                self._watchers[sender, message.number] = watcher
                self._feed(watcher)
            case Hello():
                reply(True)
            case _:
                raise AssertionError(f"{self.address} was asked {message}")

    def received(self, sender: str, message: Any) -> None:
        assert isinstance(message, Stop), message
        self._watchers.pop((sender, message.number), None)

    # Writes

    def _number(self) -> tuple[str, int, int]:
        self._requests += 1
        return self.host, self._lives, self._requests

    def _write(self, command: Command, reply: Send) -> None:
        proposal = Proposal(self._number(), command)
        self._asked_for[proposal.number] = reply
        self._propose(proposal)
        self.after(self.settings.server_request_s, self._give_up, self._asked_for, proposal.number)

    def _propose(self, proposal: Proposal) -> None:
        """Now, or as soon as there is a leader."""
        if self.log is None or not self.log.propose(proposal):
            self._held.append(proposal)

    def _give_up(self, waiting: dict[tuple[str, int, int], Any], number: tuple[str, int, int]) -> None:
        found = waiting.pop(number, None)
        if found is not None:
            reply = found[1] if isinstance(found, tuple) else found
            reply(Failed("timed out"))

    def _apply(self, index: int, proposal: Proposal) -> None:
        command = proposal.command
        known = len(self.store.history)
        result = self.store.apply(command)
        self._tell_applied(index, command, tuple(self.store.history[known:]))
        if isinstance(command, Grant) and not result.error:
            self.lessor.granted(command.lease, command.ttl_s, self.clock_s)
        elif isinstance(command, Revoke):
            self.lessor.revoked(command.lease)
            for again in self._ending.pop(command.lease, ()):
                again()
        reply = self._asked_for.pop(proposal.number, None)
        if reply is not None:
            reply(result)
        for watcher in list(self._watchers.values()):
            self._feed(watcher)

    # Reads

    def _range(self, question: Range, reply: Send) -> None:
        if question.serializable:
            self._answer_range(question, reply)
            return
        number = self._number()
        self._reads[number] = question, reply
        self._ask_index(number, 0)
        self.after(self.settings.server_request_s, self._give_up, self._reads, number)

    def _ask_index(self, number: tuple[str, int, int], tries: int) -> None:
        if number in self._reads:
            assert self.log is not None
            self.log.read_index((number, tries))
            self.after(READ_RETRY_S, self._ask_index, number, tries + 1)

    def _answer_reads(self) -> None:
        waiting, self._ready_reads = self._ready_reads, []
        for index, question, reply in waiting:
            if index <= self.applied_index:
                self._answer_range(question, reply)
            else:
                self._ready_reads.append((index, question, reply))

    def _answer_range(self, question: Range, reply: Send) -> None:
        reply(Ranged(self.store.revision, self.store.range(question.prefix)))

    # Leases

    def _keep_alive(self, lease: str, reply: Send, until_s: float) -> None:
        """Here, if this member leads; else at the leader, for as long as a request may take."""
        self._renew(lease, reply, lambda: self._forward(lease, reply, until_s))

    def _renew(self, lease: str, reply: Send, elsewhere: Callable[[], None]) -> None:
        match self.lessor.renew(lease, self.clock_s):
            case "renewed":
                reply(KeptAlive(lease, self.lessor.ttl_s(lease)))
            case "not found":
                reply(KeptAlive(lease, 0.0))
            case "expired":
                self._ending.setdefault(lease, []).append(lambda: self._renew(lease, reply, elsewhere))
            case "not primary":
                elsewhere()

    def _forward(self, lease: str, reply: Send, until_s: float) -> None:
        if self._looks_without_leader >= LEADER_CHECKS:
            reply(Failed("no leader"))
            return
        if self.clock_s >= until_s:
            reply(Failed("timed out"))
            return
        leader = None if self.log is None else self.log.leader
        if leader is None or leader == self.host:
            wait_s = self.settings.election_s if leader is None else FORWARD_RETRY_S
            self.after(wait_s, self._keep_alive, lease, reply, until_s)
            return

        def then(answer: Answer) -> None:
            if answer.outcome == "ok" and isinstance(answer.message, KeptAlive):
                reply(answer.message)
            else:
                self.after(FORWARD_RETRY_S, self._keep_alive, lease, reply, until_s)

        self.ask(f"{leader}/{self._name}", Renew(lease), then, min(until_s - self.clock_s, self.settings.election_s))

    def _end_leases(self) -> None:
        for lease in self.lessor.expired(self.clock_s):
            self._propose(Proposal(self._number(), Revoke(lease, is_over=True)))

    def _look_for_leader(self) -> None:
        has_leader = self.log is not None and self.log.leader is not None
        self._looks_without_leader = 0 if has_leader else self._looks_without_leader + 1

    # Watches

    def _feed(self, watcher: Watcher) -> None:
        """Tell a watcher what has happened since it was last told."""
        if watcher.is_waiting:
            return
        events = self.store.since(watcher.revision, watcher.watch.prefix)
        watcher.revision = max(watcher.revision, self.store.revision + 1)
        if not events:
            return
        watcher.is_waiting = True
        key = watcher.address, watcher.watch.number

        def taken(answer: Answer) -> None:
            watcher.is_waiting = False
            if self._watchers.get(key) is not watcher:
                return
            if answer.outcome == "ok" and answer.message:
                self._feed(watcher)
            else:
                del self._watchers[key]

        changed = Changed(watcher.watch.number, events)
        self.ask(watcher.address, changed, taken, TCP_GIVES_UP_S, EVENT_BYTES * len(events))
