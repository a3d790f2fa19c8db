"""A gossiping member as a process on a host: datagrams and streams over the simulated network, timers on its node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from math import inf
from typing import Any

from sim.checks.events import MembershipState, ObserverRestarted
from sim.engine.cluster import Cluster
from sim.engine.daemons import Answer, Daemon, Timer
from sim.protocols.swim import Config, Member, Packet, Record, everyone
from sim.protocols.swim.messages import PushPullReply, StreamAck

TCP_TIMEOUT_S = 10.0
"""memberlist 0.5, `DefaultLANConfig`."""
RETRY_JOIN_S = 30.0
"""Consul's `retry_interval`: who has found nobody tries again."""


class Pool:
    """Members that gossip with each other: one datacenter. At time 0 all know all."""

    def __init__(self, name: str, members: Sequence[str], config: Config) -> None:
        self.name, self.config, self.members = name, config, tuple(members)

    @cached_property
    def shared(self) -> dict[str, Record]:
        return everyone(self.members)

    def address(self, member: str) -> str:
        return f"{member}/{self.name}"


class GossipMember(Daemon):
    """`learned(record)` is told each change of what this member believes. After a restart it joins by `seeds`.
    `leaves`: says farewell when it is stopped, so that nobody takes it for dead (Consul's clients do, its servers do
    not: `leave_on_terminate`)."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        pool: Pool,
        seeds: Sequence[str] = (),
        learned: Callable[[Record], None] | None = None,
        leaves: bool = True,
    ) -> None:
        super().__init__(cluster, host, pool.name)
        self._pool, self._seeds, self._learned = pool, [seed for seed in seeds if seed != host], learned
        self._leaves = leaves
        self._member: Member | None = None
        self._timer: Timer | None = None
        self._armed_s = inf
        self._is_old = False
        """Whether it has run before: then nobody is known until it has joined."""

    @property
    def member(self) -> Member:
        assert self._member is not None, f"{self.address} is down"
        return self._member

    def started(self) -> None:
        self._armed_s = inf
        if self._is_old:
            self.cluster.observe(ObserverRestarted(self.now, self._pool.name, self.host))
            self._member = Member(self.host, self.clock_s, self.uniform, self._pool.config)
            self._join()
        else:
            self._is_old = True
            pool = self._pool
            self._member = Member(self.host, self.clock_s, self.uniform, pool.config, pool.shared, pool.members)
            self._observe(pool.shared[self.host])
        self._carry()

    def crashed(self) -> None:
        self._member = None

    def stopping(self) -> None:
        if not self._leaves:
            return
        self.member.leave(self.clock_s)
        self._carry()

    def received(self, sender: str, message: Any) -> None:
        self.member.receive(sender.partition("/")[0], message, self.clock_s)
        self._carry()

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        self.member.receive(sender.partition("/")[0], message, self.clock_s)
        self._carry(reply)

    def _join(self) -> None:
        if len(self.member.roster) == 1 and self._seeds:
            self.member.join(self._seeds, self.clock_s)
            self._carry()
            self.after(RETRY_JOIN_S, self._join)

    def _observe(self, record: Record) -> None:
        """For the safety checks."""
        if self.cluster.checks:
            state = MembershipState(
                self.now, self._pool.name, self.host, record.name, record.status, record.incarnation
            )
            self.cluster.observe(state)

    def _exchange(self, to: str, packet: Packet, size_bytes: float) -> None:
        def then(answer: Answer) -> None:
            if answer.outcome == "ok":
                self.received(to, answer.message)

        self.ask(self._pool.address(to), packet, then, TCP_TIMEOUT_S, size_bytes, size_bytes)

    def _wake(self) -> None:
        now_s = max(self.clock_s, self._armed_s)
        self._armed_s = inf
        self.member.wake(now_s)
        self._carry()

    def _carry(self, reply: Callable[[Any], None] | None = None) -> None:
        """Sends what is to be sent, tells what was learned, and arms the timer for what is due next. Each exchange over
        a stream has a connection of its own: its answer goes back on it, by `reply`."""
        member = self.member
        if member.outbox:
            for to, packet, size_bytes, reliable in member.outbox:
                if not reliable:
                    self.send(self._pool.address(to), packet, size_bytes)
                elif reply is not None and isinstance(packet[0], (PushPullReply, StreamAck)):
                    reply(packet)
                else:
                    self._exchange(to, packet, size_bytes)
            member.outbox.clear()
        if member.changes:
            changes = member.changes[:]
            member.changes.clear()
            for record in changes:
                self._observe(record)
                if self._learned is not None:
                    self._learned(record)
        due_s = member.due_s
        if due_s < self._armed_s:
            if self._timer is not None and self._armed_s < inf:
                self._timer.cancel()
            self._armed_s = due_s
            self._timer = self.after(max(0.0, due_s - self.clock_s), self._wake)
