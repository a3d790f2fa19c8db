"""One Consul server: the catalog over its Raft log, blocking queries, and what the leader does besides.

Source: Consul 1.17, `agent/consul/rpc.go` (forwarding, blocking queries), `leader.go` (reconciliation with Serf),
`session_ttl.go`. A server that is told to stop (SIGTERM) does not leave and hands nothing over: `leave_on_terminate` is
false for servers, and `Server.Shutdown` stops Raft as it is (`Leave` alone transfers the leadership).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sim.engine.cluster import Cluster
from sim.engine.daemons import Answer, Daemon, Timer
from sim.protocols.swim import Record
from sim.registries.consul.calls import Connections
from sim.registries.consul.catalog import (
    Acquire,
    Catalog,
    Command,
    CreateSession,
    DestroySession,
    NodeHealth,
    Status,
)
from sim.registries.consul.messages import (
    Failed,
    Found,
    KeepAlive,
    KeyFound,
    KeyQuery,
    Listed,
    Listing,
    Query,
    RenewSession,
    Write,
    Written,
)
from sim.registries.consul.settings import JITTER_FRACTION, RECONCILE_S, RPC_HOLD_S, SESSION_TTL_MULTIPLIER, Settings
from sim.registries.gossip_member import GossipMember, Pool
from sim.registries.raft_group import Done, RaftGroup
from sim.registries.raft_member import RaftMember, StateMachine

Reply = Callable[[Any], None]


@dataclass(eq=False, slots=True)
class Waiter:
    """A blocking query."""

    query: Query | KeyQuery
    reply: Reply
    timer: Timer


class Server(Daemon, StateMachine):
    """`nodes`: the nodes by the hosts of their agents. `applied(index, command, catalog)` is told of each entry."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        group: RaftGroup,
        pool: Pool,
        settings: Settings,
        nodes: Mapping[str, str],
        applied: Callable[[int, Command, Catalog], None],
    ) -> None:
        super().__init__(cluster, host, group.name)
        self.settings, self.catalog = settings, Catalog()
        self._name, self._nodes, self._applied = group.name, nodes, applied
        self._waiters: list[Waiter] = []
        self._sessions: dict[str, Timer] = {}
        self.gossip = GossipMember(cluster, host, pool, group.hosts, self._learned, leaves=False)
        self.member = RaftMember(cluster, host, group, self, leads=self._leads, deposed=self._deposed)

    def started(self) -> None:
        self._waiters, self._sessions = [], {}
        self._connections = Connections(self)
        self.every(RECONCILE_S, self._reconcile, RECONCILE_S * (self.uniform() if self.now == 0.0 else 1.0))

    # The state machine

    def apply(self, index: int, data: Command) -> Any:
        before = dict(self.catalog.sessions)
        result = self.catalog.apply(index, data, self.clock_s)
        self._applied(index, data, self.catalog)
        if self.member.is_ready:
            self._time_sessions(before)
        for waiter in [waiter for waiter in self._waiters if self._index(waiter.query) > waiter.query.index]:
            self._serve(waiter)
        return result

    def snapshot(self) -> Catalog:
        return self.catalog.snapshot()

    def restore(self, snapshot: Catalog | None) -> None:
        self.catalog = Catalog() if snapshot is None else snapshot.snapshot()

    # Requests

    def asked(self, sender: str, message: Any, reply: Reply) -> None:
        match message:
            case Write(command) if not isinstance(command, Acquire):
                self._write(command, reply)
            case Query(consistency="stale"):
                self._answer(message, reply)
            case Query() | KeyQuery() | Listing() | RenewSession() | Write():
                self._at_leader(message, reply, self.clock_s + RPC_HOLD_S)
            case KeepAlive():
                reply(True)
            case _:
                raise AssertionError(f"{self.address} was asked {message}")

    def _write(self, command: Command, reply: Reply) -> None:
        def then(done: Done) -> None:
            reply(Written(done.result) if done.outcome == "ok" else Failed(f"no leader: {done.outcome}"))

        self.member.propose(command, then, RPC_HOLD_S)

    def _at_leader(self, message: Any, reply: Reply, until_s: float) -> None:
        """Here, where this server leads; else there. While nobody leads it is tried again for a while."""
        leader = self.member.leader
        if leader == self.host and self.member.is_ready:
            self._lead(message, reply)
        elif leader is not None and leader != self.host:
            self._forward(leader, message, reply, until_s)
        else:
            self._try_later(message, reply, until_s)

    def _forward(self, leader: str, message: Any, reply: Reply, until_s: float) -> None:
        def then(answer: Answer) -> None:
            if answer.outcome == "ok":
                reply(answer.message)
            else:
                self._try_later(message, reply, max(until_s, self.clock_s + RPC_HOLD_S / JITTER_FRACTION))

        self._connections.ask(f"{leader}/{self._name}", message, then, getattr(message, "wait_s", 0.0))

    def _try_later(self, message: Any, reply: Reply, until_s: float) -> None:
        if self.clock_s >= until_s:
            reply(Failed("no cluster leader"))
            return
        pause_s = RPC_HOLD_S / JITTER_FRACTION * self.uniform()
        self.after(pause_s, self._at_leader, message, reply, until_s)

    def _lead(self, message: Any, reply: Reply) -> None:
        match message:
            case Query(consistency="consistent"):
                self.member.read(lambda done: self._verified(done, message, reply), RPC_HOLD_S)
            case Query() | KeyQuery():
                self._answer(message, reply)
            case Write(Acquire() as command):
                self._acquire(command, reply)
            case Listing(node):
                reply(Listed(self.catalog.on_node(node)))
            case RenewSession(session):
                self._renew(session, reply)

    def _verified(self, done: Done, query: Query, reply: Reply) -> None:
        if done.outcome == "ok":
            self._answer(query, reply)
        else:
            reply(Failed(f"not the leader: {done.outcome}"))

    def _acquire(self, command: Acquire, reply: Reply) -> None:
        if self.catalog.is_delayed(command.key, self.clock_s):
            reply(Written(None))
        else:
            self._write(command, reply)

    def _index(self, query: Query | KeyQuery) -> int:
        """Of the last change of what it asks for."""
        if isinstance(query, Query):
            return self.catalog.changed(query.service)
        return max(1, self.catalog.key(query.key).changed)

    def _found(self, query: Query | KeyQuery) -> Found | KeyFound:
        if isinstance(query, Query):
            return Found(self._index(query), self.catalog.healthy(query.service))
        return KeyFound(self._index(query), self.catalog.key(query.key).holder)

    def _answer(self, query: Query | KeyQuery, reply: Reply) -> None:
        if self._index(query) > query.index:
            reply(self._found(query))
            return
        wait_s = query.wait_s * (1 + self.uniform() / JITTER_FRACTION)
        waiter = Waiter(query, reply, self.after(wait_s, lambda: self._serve(waiter)))
        self._waiters.append(waiter)

    def _serve(self, waiter: Waiter) -> None:
        waiter.timer.cancel()
        self._waiters.remove(waiter)
        waiter.reply(self._found(waiter.query))

    # The leader

    def _leads(self) -> None:
        """Sessions are timed from now on: nobody knows when they were last renewed."""
        for created in self.catalog.sessions.values():
            self._time(created)
        if self.now > 0.0:
            self._reconcile()

    def _deposed(self) -> None:
        for timer in self._sessions.values():
            timer.cancel()
        self._sessions = {}

    def _learned(self, record: Record) -> None:
        if record.name in self._nodes and record.status in ("alive", "dead", "left"):
            self._see(record.name, {"alive": "passing", "dead": "critical", "left": None}[record.status])

    def _see(self, agent: str, status: Status | None) -> None:
        """What Serf says of an agent becomes its node's health, through the log."""
        node = self._nodes[agent]
        if self.member.is_ready and self.catalog.nodes.get(node) != status:
            self.member.propose(NodeHealth(node, status), lambda _: None, RPC_HOLD_S)

    def _reconcile(self) -> None:
        """Holds the catalog against all that Serf knows; nodes of which it has never heard are removed."""
        if not self.member.is_ready:
            return
        for agent in self._nodes:
            known = self.gossip.member.believes(agent)
            if known is not None and known.status in ("alive", "suspect"):
                self._see(agent, "passing")
            elif agent in self.gossip.member.failed:
                self._see(agent, "critical")
            elif self._nodes[agent] in self.catalog.nodes:
                self._see(agent, None)

    # Sessions

    def _time_sessions(self, before: Mapping[str, CreateSession]) -> None:
        for session in sorted(before.keys() - self.catalog.sessions.keys()):
            timer = self._sessions.pop(session, None)
            if timer is not None:
                timer.cancel()
        for session in sorted(self.catalog.sessions.keys() - before.keys()):
            self._time(self.catalog.sessions[session])

    def _time(self, created: CreateSession) -> None:
        """A session that nobody renews ends after twice its time to live."""
        if created.session in self._sessions:
            self._sessions[created.session].cancel()
        wait_s = created.ttl_s * SESSION_TTL_MULTIPLIER
        self._sessions[created.session] = self.after(wait_s, self._invalidate, created.session)

    def _invalidate(self, session: str) -> None:
        if self.member.is_ready and session in self.catalog.sessions:
            self.member.propose(DestroySession(session), lambda _: None, RPC_HOLD_S)

    def _renew(self, session: str, reply: Reply) -> None:
        created = self.catalog.sessions.get(session)
        if created is not None:
            self._time(created)
        reply(created is not None)
