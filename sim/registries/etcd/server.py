"""One etcd member's services over its Raft log: writes, reads, leases, watches.

Source: etcd 3.4 and 3.5, `server/etcdserver/v3_server.go` (requests, keep-alives that a follower passes on),
`server.go` (promotion of the lessor at the leader's first entry, ends of leases through the log, the leader that hands
over before it stops: `TryTransferLeadershipOnShutdown`; to the most up to date, there to the longest connected),
`mvcc/watchable_store.go` (events leave when the member applies). Departs from it where a watcher is sent the next
events only when it has taken the last: a window of one, so that what is lost is sent again in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim.engine.cluster import Cluster
from sim.engine.daemons import Answer, Daemon
from sim.registries.etcd.keys import Command, Event, Grant, Result, Revoke, Store
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
from sim.registries.etcd.settings import FORWARD_RETRY_S, LEADER_CHECKS, TCP_GIVES_UP_S, Settings
from sim.registries.raft_group import Done, RaftGroup
from sim.registries.raft_member import RaftMember, StateMachine

Reply = Callable[[Any], None]
EVENT_BYTES = 200.0
KEY_BYTES = 200.0


@dataclass(slots=True)
class Watcher:
    address: str
    watch: Watch
    revision: int
    """The next that it is to hear of."""
    is_waiting: bool = False
    """For its word that it took the last events."""


class Server(Daemon, StateMachine):
    """Answers clients and the other members. `kept_alive_ago_s`: how long before time 0 each lease was last kept alive.
    `tell_applied` is told what an entry changed."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        group: RaftGroup,
        settings: Settings,
        kept_alive_ago_s: dict[str, float],
        tell_applied: Callable[[int, Command, tuple[Event, ...]], None],
    ) -> None:
        super().__init__(cluster, host, group.name)
        self.settings = settings
        self._name, self._kept_alive_ago_s, self._tell_applied = group.name, kept_alive_ago_s, tell_applied
        self.store, self.lessor = Store(), Lessor(settings.minimum_ttl_s)
        self._forget()
        self.member = RaftMember(cluster, host, group, self, leads=self._leads, deposed=self._deposed)

    def _forget(self) -> None:
        self._ending: dict[str, list[Callable[[], None]]] = {}
        self._watchers: dict[tuple[str, int], Watcher] = {}
        self._looks_without_leader = 0

    def started(self) -> None:
        self._forget()
        is_old = self.now == 0.0
        self.every(CHECK_EVERY_S, self._end_leases, CHECK_EVERY_S * self.uniform() if is_old else 0.0)
        self.every(self.settings.election_s, self._look_for_leader)

    def stopping(self) -> None:
        self.member.hand_over()

    # The state machine

    def apply(self, index: int, data: Command) -> Result:
        known = len(self.store.history)
        result = self.store.apply(data)
        if isinstance(data, Grant) and not result.error:
            self.lessor.granted(data.lease, data.ttl_s, self.clock_s)
        elif isinstance(data, Revoke):
            self.lessor.revoked(data.lease)
            for again in self._ending.pop(data.lease, ()):
                again()
        self._tell_applied(index, data, tuple(self.store.history[known:]))
        for watcher in list(self._watchers.values()):
            self._feed(watcher)
        return result

    def snapshot(self) -> Store:
        return self.store.copy()

    def restore(self, snapshot: Store | None) -> None:
        self.store = Store() if snapshot is None else snapshot.copy()
        self.lessor = Lessor(self.settings.minimum_ttl_s)
        self.lessor.restore(self.store.leases)
        for watcher in list(self._watchers.values()):
            self._feed(watcher)

    def size_bytes(self, data: Any) -> float:
        return KEY_BYTES * max(len(data.keys), 1) if isinstance(data, Store) else KEY_BYTES

    def _leads(self) -> None:
        """This member leads, and has applied all of earlier terms."""
        is_old = self.now == 0.0
        self.lessor.promote(0.0 if is_old else self.settings.election_s, self.clock_s)
        if is_old:
            for lease, ago_s in self._kept_alive_ago_s.items():
                self.lessor.ends_s[lease] -= ago_s

    def _deposed(self) -> None:
        self.lessor.demote()
        ending, self._ending = self._ending, {}
        for waiting in ending.values():
            for again in waiting:
                again()

    # Questions

    def asked(self, sender: str, message: Any, reply: Reply) -> None:
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
                watcher = Watcher(sender, message, message.revision)
                self._watchers[sender, message.number] = watcher
                self._feed(watcher)
            case Hello():
                reply(True)
            case _:
                raise AssertionError(f"{self.address} was asked {message}")

    def received(self, sender: str, message: Any) -> None:
        assert isinstance(message, Stop), message
        self._watchers.pop((sender, message.number), None)

    def _write(self, command: Command, reply: Reply) -> None:
        def then(done: Done) -> None:
            reply(done.result if done.outcome == "ok" else Failed("timed out"))

        self.member.propose(command, then, self.settings.server_request_s)

    def _range(self, question: Range, reply: Reply) -> None:
        def answer() -> None:
            reply(Ranged(self.store.revision, self.store.range(question.prefix)))

        def then(done: Done) -> None:
            if done.outcome == "ok":
                answer()
            else:
                reply(Failed("leader changed" if done.outcome == "leader changed" else "timed out"))

        if question.serializable:
            answer()
        else:
            self.member.read(then, self.settings.server_request_s)

    # Leases

    def _keep_alive(self, lease: str, reply: Reply, until_s: float) -> None:
        """Here, if this member leads; else at the leader, for as long as a request may take."""
        self._renew(lease, reply, lambda: self._forward(lease, reply, until_s))

    def _renew(self, lease: str, reply: Reply, elsewhere: Callable[[], None]) -> None:
        match self.lessor.renew(lease, self.clock_s):
            case "renewed":
                reply(KeptAlive(lease, self.lessor.ttl_s(lease)))
            case "not found":
                reply(KeptAlive(lease, 0.0))
            case "expired":
                self._ending.setdefault(lease, []).append(lambda: self._renew(lease, reply, elsewhere))
            case "not primary":
                elsewhere()

    def _forward(self, lease: str, reply: Reply, until_s: float) -> None:
        if self._looks_without_leader >= LEADER_CHECKS:
            reply(Failed("no leader"))
            return
        if self.clock_s >= until_s:
            reply(Failed("timed out"))
            return
        leader = self.member.leader
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
            self.member.propose(Revoke(lease, is_over=True), lambda _: None, self.settings.server_request_s)

    def _look_for_leader(self) -> None:
        self._looks_without_leader = self._looks_without_leader + 1 if self.member.leader is None else 0

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
