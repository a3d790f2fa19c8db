"""Raft: a message in, messages out.

Source: Ongaro & Ousterhout, "In Search of an Understandable Consensus Algorithm", USENIX ATC 2014, and Ongaro's thesis
"Consensus: Bridging Theory and Practice", Stanford 2014; the shape (step, tick, ready, advance) is etcd-io/raft's.
Each part of the machine says where it departs from them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.protocols.raft.config import Config
from sim.protocols.raft.membership import Change
from sim.protocols.raft.messages import (
    FROM_LEADER,
    Append,
    AppendReply,
    Heartbeat,
    HeartbeatReply,
    InstallSnapshot,
    Message,
    Propose,
    ReadReply,
    ReadRequest,
    TimeoutNow,
    VoteReply,
    VoteRequest,
    merged,
)
from sim.protocols.raft.reads import Reads
from sim.protocols.raft.state import Entry, HardState, Ready, Stored


class Raft(Reads):
    """One member. Its host calls `tick`, `step` and the wishes (`propose`, `propose_change`, `read_index`,
    `transfer_leadership`), then does what `ready` says and calls `advance`.

    `storage` is read once, at the start. While a `Ready` is being persisted the machine goes on taking messages, but
    hands out the next one only after `advance`: as in etcd, a slow disk holds up even a leader's heartbeats. Appends
    that had to wait for that leave as one (there as many).
    """

    def __init__(self, config: Config, storage: Stored, random: Callable[[int], int]) -> None:
        self.begin_reads()
        super().__init__(config, storage, random)
        self._handed_state = HardState(self.term, self.vote)
        self._handed: Ready | None = None
        self._own_messages: list[Message] = []
        self._receivers: dict[type[Message], Callable[[Any], None]] = {
            VoteRequest: self.received_vote_request,
            VoteReply: self.received_vote_reply,
            Append: self.received_append,
            AppendReply: self.received_append_reply,
            Heartbeat: self.received_heartbeat,
            HeartbeatReply: self.received_heartbeat_reply,
            InstallSnapshot: self.received_snapshot,
            TimeoutNow: self.received_timeout_now,
            Propose: self.received_propose,
            ReadRequest: self.received_read_request,
            ReadReply: self.received_read_reply,
        }

    # --- messages ----------------------------------------------------------------------------------------------------

    def step(self, message: Message) -> None:
        """Take one message of another member."""
        if message.term > self.term and not self.hears_newer_term(message):
            return
        if 0 < message.term < self.term:
            self.refuse_older_term(message)
        else:
            self._receivers[type(message)](message)

    def hears_newer_term(self, message: Message) -> bool:
        """Follow it into its term, whatever the role (5.1). False if the message is to be ignored."""
        if isinstance(message, VoteRequest):
            if self.shields_leader_from(message):
                return False
            if message.pre:
                return True
        if isinstance(message, VoteReply) and message.pre and message.granted:
            return True
        self.become_follower(message.term, message.sender if isinstance(message, FROM_LEADER) else None)
        return True

    def refuse_older_term(self, message: Message) -> None:
        """The answer's term tells the sender that its own is over (5.1)."""
        if isinstance(message, VoteRequest):
            self.send(VoteReply(self.id, message.sender, self.term, granted=False, pre=message.pre))
        elif isinstance(message, FROM_LEADER):
            self.send(AppendReply(self.id, message.sender, self.term, 0, rejected=True))

    # --- wishes ------------------------------------------------------------------------------------------------------

    def propose(self, data: Any) -> bool:
        """Append `data`, here or by the leader. False if it was dropped for sure; True promises nothing."""
        return self._propose(Propose(self.id, self.leader or self.id, 0, data))

    def propose_change(self, change: Change) -> bool:
        """Change the group, here or by the leader. False as in `propose`, or if a change is under way.

        Raises
        ------
        ValueError
            At the leader, for a change that makes no sense: see `Change.applied_to`.
        """
        return self._propose(Propose(self.id, self.leader or self.id, 0, change=change))

    def _propose(self, proposal: Propose) -> bool:
        if self.is_leader:
            return self._append_proposal(proposal)
        if self.leader is None:
            return False
        self.send(proposal)
        return True

    def received_propose(self, proposal: Propose) -> None:
        """Of a follower. One who led a moment ago drops it: etcd passes it on, which may go round for ever."""
        if self.is_leader:
            self._append_proposal(proposal)

    def _append_proposal(self, proposal: Propose) -> bool:
        if self.transfer_target is not None:
            return False
        if proposal.change is not None:
            return self.append_change(proposal.change)
        self.append_own([Entry(self.term, self.log.last_index + 1, proposal.data)])
        return True

    # --- the host's work ---------------------------------------------------------------------------------------------

    def ready(self) -> Ready | None:
        """What the host has to do; None if there is nothing, or if the last one has not been advanced."""
        if self._handed is not None or not self._has_work():
            return None
        state = HardState(self.term, self.vote)
        own = [message for message in self.messages_after_persist if message.receiver == self.id]
        ready = Ready(
            messages=tuple(merged(self.messages)),
            messages_after_persist=tuple(m for m in self.messages_after_persist if m.receiver != self.id),
            hard_state=state if state != self._handed_state else None,
            entries=self.log.between(self.log.handed_index + 1, self.log.last_index),
            snapshot=self.pending_snapshot,
            committed=self.log.between(self.log.applied_index + 1, self.log.commit_index),
            read_states=tuple(self.read_states),
        )
        self._handed, self._handed_state, self._own_messages = ready, state, own
        self.messages, self.messages_after_persist, self.read_states = [], [], []
        self.log.handed_index = self.log.last_index
        self.log.applied_index = self.log.commit_index
        self.pending_snapshot = None
        return ready

    def _has_work(self) -> bool:
        log = self.log
        return bool(
            self.messages
            or self.messages_after_persist
            or self.read_states
            or self.pending_snapshot
            or log.handed_index < log.last_index
            or log.applied_index < log.commit_index
            or self.term != self._handed_state.term
            or self.vote != self._handed_state.vote
        )

    def take_messages(self) -> list[Message]:
        """What may leave where that is all there is to do: nothing has to reach the disk first, nothing is to be
        applied. Empty where there is more, which `ready` tells."""
        log, state = self.log, self._handed_state
        if (
            self._handed is not None
            or log.applied_index < log.commit_index
            or log.handed_index < log.last_index
            or self.term != state.term
            or self.vote != state.vote
            or self.read_states
            or self.pending_snapshot
        ):
            return []
        messages = self.messages + self.messages_after_persist
        for message in messages:
            if isinstance(message, Append) or message.receiver == self.id:
                return []
        self.messages, self.messages_after_persist = [], []
        return messages

    def advance(self) -> None:
        """The last `Ready` is on the disk and its messages have been sent."""
        assert self._handed is not None, "advance without a ready"
        own, self._handed, self._own_messages = self._own_messages, None, []
        for message in own:
            self.step(message)
