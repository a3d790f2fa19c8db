"""Linearizable reads without a write.

Source: Ongaro's thesis, section 6.4 (read index), 6.4.1 (leases); the queue whose members are confirmed together by the
context of a heartbeat is etcd-io/raft's ReadOnlySafe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sim.protocols.raft.leadership import Leadership
from sim.protocols.raft.messages import HeartbeatReply, ReadReply, ReadRequest
from sim.protocols.raft.quorum import majority_index
from sim.protocols.raft.state import ReadState


@dataclass(slots=True)
class PendingRead:
    """Asked at the leader by `member` as `context`, when `index` was committed; `confirmed` by these members."""

    member: str
    context: Any
    index: int
    confirmed: set[str] = field(default_factory=set)


class Reads(Leadership):
    """Where we depart: a lease is counted from when the heartbeats left that a quorum has answered, as the thesis says,
    less one tick, for the members' ticks do not fall together; etcd trusts its last CheckQuorum."""

    def begin_reads(self) -> None:
        self.reads: list[PendingRead] = []
        self.waiting_reads: list[ReadRequest] = []
        self.read_states: list[ReadState] = []

    def read_index(self, context: Any) -> bool:
        """Ask from which index on a read is linearizable; `Ready.read_states` answers with this context, or never.

        `context` must be unique in the group. False if no leader is known: ask again later.
        """
        if self.is_leader:
            self.received_read_request(ReadRequest(self.id, self.id, 0, context))
            return True
        if self.leader is None:
            return False
        self.send(ReadRequest(self.id, self.leader, 0, context))
        return True

    def received_read_request(self, request: ReadRequest) -> None:
        if not self.is_leader:
            return
        if not self.has_committed_in_term():
            self.waiting_reads.append(request)  # it may not yet know what its predecessors committed (6.4, step 1)
        elif self.may_answer_alone():
            self._answer(request.sender, request.context, self.commit_index)
        else:
            self.reads.append(PendingRead(request.sender, request.context, self.commit_index, {self.id}))
            self.send_heartbeats()

    def may_answer_alone(self) -> bool:
        """Whether no other leader can have been elected meanwhile: it is alone, or holds a lease."""
        return self.configuration.has_quorum({self.id}) or (self.config.lease_reads and self.holds_lease())

    def holds_lease(self) -> bool:
        """A quorum will not vote before `election_ticks` after it heard this leader (6.4.1). A leader that asked a
        member to stand has given that promise away."""
        if self.transfer_target is not None:
            return False
        heard = {member: progress.acknowledged_tick for member, progress in self.progress.items()}
        heard[self.id] = self.ticks
        groups = [group for group in (self.configuration.voters, self.configuration.outgoing) if group]
        promised = min(majority_index(group, heard) for group in groups)
        return promised >= 0 and self.ticks < promised + self.config.election_ticks - 1

    def latest_read(self) -> Any:
        return self.reads[-1].context if self.reads else None

    def received_heartbeat_reply(self, reply: HeartbeatReply) -> None:
        super().received_heartbeat_reply(reply)
        if not self.is_leader or reply.context is None:
            return
        position = next((at for at, read in enumerate(self.reads) if read.context == reply.context), None)
        if position is None:
            return
        read = self.reads[position]
        read.confirmed.add(reply.sender)
        if self.configuration.has_quorum(read.confirmed):
            confirmed, self.reads = self.reads[: position + 1], self.reads[position + 1 :]
            for earlier in confirmed:
                self._answer(earlier.member, earlier.context, earlier.index)

    def committed_more(self) -> None:
        waiting, self.waiting_reads = self.waiting_reads, []
        for request in waiting:
            self.received_read_request(request)
        super().committed_more()

    def received_read_reply(self, reply: ReadReply) -> None:
        self.read_states.append(ReadState(reply.index, reply.context))

    def _answer(self, member: str, context: Any, index: int) -> None:
        if member == self.id:
            self.read_states.append(ReadState(index, context))
        else:
            self.send(ReadReply(self.id, member, self.term, index, context))

    def _enter(self, term: int) -> None:
        super()._enter(term)
        self.reads, self.waiting_reads = [], []
