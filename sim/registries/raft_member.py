"""A Raft member as a process on a host: its log on the node's disk, its messages over the simulated network.

Source: etcd 3.5, `server/etcdserver/raft.go` and `v3_server.go` (3.4: `etcdserver/`): what is sent before and after the
write, where proposals wait, how reads are gathered in rounds. Peers talk over streams (TCP).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any

from sim.checks import MemberRestarted, MemberState
from sim.engine.cluster import Cluster
from sim.engine.daemons import Daemon, Timer
from sim.protocols.raft import Entry, Message, Raft, Ready, Stored
from sim.protocols.raft.messages import Append, AppendReply, HeartbeatReply, InstallSnapshot
from sim.registries.raft_group import Done, Proposed, RaftGroup, Then, quorum_time_s
from sim.registries.raft_reads import ReadRounds
from sim.registries.raft_ticks import Ticker

MESSAGE_BYTES = 100.0
ENTRY_BYTES = 256.0
"""An entry, or a snapshot, on the wire and on the disk, where `StateMachine.size_bytes` does not say otherwise."""


class StateMachine(ABC):
    """What a group replicates. The same entries in the same order give the same state and results everywhere."""

    @abstractmethod
    def apply(self, index: int, data: Any) -> Any:
        """Take in a committed entry; the result goes to who proposed it."""

    @abstractmethod
    def snapshot(self) -> Any:
        """All of the state, as a value that later entries do not change."""

    @abstractmethod
    def restore(self, snapshot: Any) -> None:
        """Be what a snapshot says; of None: empty, as a process is that begins."""

    def size_bytes(self, data: Any) -> float:
        """Of an entry's data, or of a snapshot."""
        return ENTRY_BYTES


class RaftMember(Daemon):
    """One member of `group` at `host`, at the address `HOST/GROUP.raft`.

    Other daemons of the same process call `propose` and `read`. `leader_changed(leader, term)` is told whom this member
    follows (a host, or None); `leads()` that it leads and has applied all of earlier terms, `deposed()` that it leads
    no more (a crash is no deposition: the process is gone).
    """

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        group: RaftGroup,
        state_machine: StateMachine,
        leader_changed: Callable[[str | None, int], object] = lambda leader, term: None,
        leads: Callable[[], object] = lambda: None,
        deposed: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(cluster, host, f"{group.name}.raft")
        self.broken_after_s = group.timers.broken_after_s
        self.group, self.state_machine = group, state_machine
        self._leader_changed, self._leads, self._deposed = leader_changed, leads, deposed
        self._has_log = cluster.groups.has(host)
        self.stored = self.kept["raft"] = Stored()
        self._raft: Raft | None = None
        self._is_old = False
        self._forget()
        group.members[host] = self

    @property
    def raft(self) -> Raft:
        assert self._raft is not None, f"{self.address} is down"
        return self._raft

    @property
    def is_leader(self) -> bool:
        """Whether it believes so."""
        return self._raft is not None and self._raft.is_leader

    @property
    def leader(self) -> str | None:
        """The host that it follows, itself where it leads."""
        return None if self._raft is None else self._raft.leader

    @property
    def is_ready(self) -> bool:
        """It leads, and has applied an entry of its term: all that its predecessors committed."""
        return self._is_ready

    @property
    def life(self) -> int:
        return self._at.incarnation

    # Life

    def begin(self) -> None:
        """Read the disk."""
        snapshot = self.stored.snapshot
        self.state_machine.restore(None if snapshot is None else snapshot.data)
        config = self.group.timers.config(self.host, self.group.hosts)
        self._raft = self.group.timers.machine(config, self.stored, lambda n: int(self.uniform() * n))

    def founded(self) -> None:
        """The group is old."""
        self._tell_start()
        self._ticker = Ticker(self.clock_s - self.uniform() * self.group.timers.tick_s, self.group.timers.tick_s)

    def started(self) -> None:
        self.group.found()
        if self._is_old:
            self._forget()
            self.begin()
            self._tell_start()
            self._ticker = Ticker(self.clock_s, self.group.timers.tick_s)
        self._is_old = True
        self.work()

    def crashed(self) -> None:
        if self.is_leader:
            self.group.lost(self)
        self._raft = None

    def _forget(self) -> None:
        self._is_working = self._has_work = False
        self._timer: Timer | None = None
        self._armed_s = inf
        self._numbers = 0
        self._waiting: dict[int, Then] = {}
        self._unproposed: list[Proposed] = []
        self.reads = ReadRounds(self)
        self._role = "follower"
        self._term = 0
        self._follows: str | None = None
        self._is_ready = self._woke = False
        self._heard_s: dict[str, float] = {}
        self._observed_index = 0

    # Clients, in the same process

    def propose(self, data: Any, then: Then, timeout_s: float) -> None:
        """Have `data` committed; `then` is told once it has been applied *here*. While no leader is known it waits;
        what was passed on to a leader that dies is lost, and times out."""
        self._numbers += 1
        number = self._numbers
        self._waiting[number] = then
        self.after(timeout_s, self._end, number, Done("timeout"))
        self._unproposed.append(Proposed(self.host, self.life, number, data))
        self.work()

    def read(self, then: Then, timeout_s: float) -> None:
        """`then` is told once all that had been committed before is applied here (a linearizable read)."""
        self.reads.ask(then, timeout_s)
        self.work()

    def transfer_leadership(self, to: str) -> bool:
        began = self.raft.transfer_leadership(to)
        self.work()
        return began

    def hand_over(self) -> None:
        """A leader that is about to go lets another lead, if one is there."""
        if self.is_leader and (successor := self.raft.successor()) is not None:
            self.transfer_leadership(successor)

    def _end(self, number: int, done: Done) -> None:
        then = self._waiting.pop(number, None)
        if then is not None:
            then(done)

    # Messages, time and the disk

    def received(self, sender: str, message: Message) -> None:
        self._let_time_pass()
        if isinstance(message, (AppendReply, HeartbeatReply)) and message.term == self.raft.term:
            self._heard_s[message.sender] = self.now
        self.raft.step(message)
        self.work()

    def _wake(self) -> None:
        self._armed_s = inf
        self._woke = True
        self._let_time_pass()
        self.work()

    def _let_time_pass(self) -> None:
        self.raft.tick(self._ticker.passed(self.clock_s, self._at.pauses))

    def work(self) -> None:
        """Do all that is ready, up to what has to wait for the disk; what that leads to as well."""
        self._has_work = True
        if self._is_working:
            return
        self._is_working = True
        while self._has_work:
            self._has_work = False
            self._work_once()
        self._is_working = False

    def _work_once(self) -> None:
        if self._unproposed:
            self._propose_waiting()
        if not self.cluster.checks:
            self._send(self.raft.take_messages())
        while (ready := self.raft.ready()) is not None:
            self._send(ready.messages)
            self._apply(ready)
            if ready.must_persist:
                self.flush(self._bytes(ready.entries), partial(self._persisted, ready))
                break
            self._finish(ready)
        self._look()
        self._arm()

    def _propose_waiting(self) -> None:
        waiting, self._unproposed = self._unproposed, []
        for proposed in waiting:
            if proposed.number not in self._waiting:
                continue
            if self.raft.leader is None:
                self._unproposed.append(proposed)
            elif not self.raft.propose(proposed):
                self._end(proposed.number, Done("dropped"))

    def _persisted(self, ready: Ready) -> None:
        self._let_time_pass()
        self._finish(ready)
        self.work()

    def _finish(self, ready: Ready) -> None:
        self.stored.save(ready)
        self._send(ready.messages_after_persist)
        self.raft.advance()
        self._compact()

    def work_at_once(self) -> list[Message]:
        """While the group is being founded: disks take no time."""
        sent: list[Message] = []
        while (ready := self.raft.ready()) is not None:
            self.stored.save(ready)
            self._apply(ready)
            sent += [*ready.messages, *ready.messages_after_persist]
            self.raft.advance()
        return sent

    def _send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            size_bytes = MESSAGE_BYTES
            if isinstance(message, Append):
                size_bytes += self._bytes(message.entries)
            elif isinstance(message, InstallSnapshot):
                size_bytes += self.state_machine.size_bytes(message.snapshot.data)
            self.tell(self.group.address(message.receiver), message, size_bytes)

    def _bytes(self, entries: tuple[Entry, ...]) -> float:
        sizes = (self.state_machine.size_bytes(e.data.data) for e in entries if isinstance(e.data, Proposed))
        return MESSAGE_BYTES + sum(sizes)

    def _compact(self) -> None:
        timers, log = self.group.timers, self.raft.log
        since = 0 if log.snapshot is None else log.snapshot.index
        if log.applied_index - since < timers.snapshot_entries:
            return
        snapshot = self.raft.compact(log.applied_index, self.state_machine.snapshot(), timers.keep_entries)
        save = partial(self.stored.compact, snapshot, timers.keep_entries)
        self.flush(self.state_machine.size_bytes(snapshot.data), save)

    def _arm(self) -> None:
        due_s = self._ticker.due_s(self.raft.ticks_until_due())
        if due_s < self._armed_s:
            if self._timer is not None:
                self._timer.cancel()
            self._armed_s = due_s
            self._timer = self.after(due_s - self.clock_s, self._wake)

    # The state machine

    def _apply(self, ready: Ready) -> None:
        if ready.snapshot is not None:
            self.state_machine.restore(ready.snapshot.data)
        for entry in ready.committed:
            if not isinstance(entry.data, Proposed):
                continue
            result = self.state_machine.apply(entry.index, entry.data.data)
            if (entry.data.member, entry.data.life) == (self.host, self.life):
                self._end(entry.data.number, Done("ok", result, entry.index))
        self.reads.confirmed(ready.read_states)
        self._tell_state(ready)

    # What is told of it

    def _look(self) -> None:
        """Tell of a change of role or leader; for the record, of quorums."""
        raft = self.raft
        if (self._role, self._term, self._follows) != (raft.role, raft.term, raft.leader):
            self._role_changed(raft)
        if raft.is_leader:
            self._look_as_leader(raft)
        self.reads.go_on()

    def _role_changed(self, raft: Raft) -> None:
        led, leads_now = self._role == "leader", raft.is_leader
        was_term, followed = self._term, self._follows
        self._role, self._term, self._follows = raft.role, raft.term, raft.leader
        if led and (not leads_now or was_term != raft.term):
            self.group.record("stepped_down", self.host, was_term)
            self.group.lost(self)
            self._is_ready = False
            self._deposed()
        if leads_now and (not led or was_term != raft.term):
            self._heard_s = {}
            self.group.elected(self, raft.term)
        if self._has_log:
            self._tell_log(raft)
        if raft.leader != followed:
            if raft.leader is not None:
                self.reads.leader_changed()
            self._leader_changed(raft.leader, raft.term)

    def _tell_log(self, raft: Raft) -> None:
        """The kernel replicates what the scenario writes (`sim.kernel.log`): in the terms, and by the leaders, that
        this member knows of."""
        if raft.is_leader:
            self.cluster.groups.leads(self.host, raft.term)
        else:
            self.cluster.groups.follows(self.host, raft.leader, raft.term)

    def _look_as_leader(self, raft: Raft) -> None:
        if not self._is_ready and raft.log.term_at(raft.log.applied_index) == raft.term:
            self._is_ready = True
            self.group.ready(self, raft.term)
            self._leads()
        elif self._is_ready and (self._woke or self.group.is_unwritable):
            self._woke = False
            silent_s = self.now - self.served_until_s
            if silent_s > self.group.timers.election_s:
                self.group.lost(self)
            elif silent_s < self.group.timers.heartbeat_ticks * self.group.timers.tick_s:
                self.group.served(self)

    @property
    def served_until_s(self) -> float:
        """When a quorum had last answered it. For the record."""
        known = self._configuration_at_last()
        return min(quorum_time_s(known, self._heard_s | {self.host: self.now}), self.now)

    def _configuration_at_last(self) -> list[frozenset[str]]:
        if self._raft is None:
            return [frozenset(self.group.hosts)]
        configuration = self._raft.configuration
        return [group for group in (configuration.voters, configuration.outgoing) if group]

    # Safety checks

    def _tell_start(self) -> None:
        if not self.cluster.checks:
            return
        stored, snapshot = self.stored, self.stored.snapshot
        first = 0 if snapshot is None else snapshot.index
        self.cluster.observe(
            MemberRestarted(
                self.now,
                self.group.name,
                self.host,
                stored.hard_state.term,
                self.raft.commit_index,
                [entry for entry in stored.entries if entry.index > first],
                None if snapshot is None else (snapshot.index, snapshot.term),
                stored.hard_state.term,
                self.raft.log.last_index,
                self.raft.log.applied_index,
            )
        )

    def _tell_state(self, ready: Ready) -> None:
        if not self.cluster.checks or not self._is_old:
            return
        raft = self.raft
        self.cluster.observe(
            MemberState(
                self.now,
                self.group.name,
                self.host,
                raft.role,
                raft.term,
                raft.commit_index,
                ready.entries,
                None if ready.snapshot is None else (ready.snapshot.index, ready.snapshot.term),
                ready.committed,
            )
        )
