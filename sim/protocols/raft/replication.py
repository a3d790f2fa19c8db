"""Log replication: the leader's appends, the follower's answers, the rule of commitment, snapshots.

Source: Ongaro & Ousterhout 2014, sections 5.3, 5.4.2 and 7; thesis 10.2.1 (the leader writes its disk while its
appends travel, and counts itself only then). Flow control and the repair of lost appends after a heartbeat's answer
are etcd-io/raft's.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.protocols.raft.election import Elections
from sim.protocols.raft.messages import (
    Append,
    AppendReply,
    Heartbeat,
    HeartbeatReply,
    InstallSnapshot,
)
from sim.protocols.raft.progress import Progress
from sim.protocols.raft.state import Entry, Snapshot


class Replication(Elections):
    """Where we depart: an append of an old term is refused with our term, as figure 2 has it (etcd does so only under
    PreVote or CheckQuorum). A snapshot that nobody acknowledged within a quorum period is sent again, where etcd waits
    for its transport's report. Heartbeats do not carry entries (etcd)."""

    # --- the leader: sending -----------------------------------------------------------------------------------------

    def assert_leadership(self) -> None:
        """A no-op of its own term lets a new leader learn what is committed (section 8).

        What it held as a candidate is on its disk: its requests for votes waited for that.
        """
        self.own_index = self.log.last_index
        self.append_own([Entry(self.term, self.log.last_index + 1)])

    def append_own(self, entries: Sequence[Entry]) -> None:
        self.log.replace_from(entries[0].index, entries)
        self.send(AppendReply(self.id, self.id, self.term, self.log.last_index))
        if any(entry.configuration is not None for entry in entries):
            self.track_members(recent_active=True)  # a newcomer has had no chance to say anything
        self.send_appends()

    def send_appends(self) -> None:
        for member in self.progress:
            self.send_append(member)

    def send_append(self, member: str) -> bool:
        """Send what the follower lacks, as far as flow control allows; an empty append tells the commit index."""
        progress = self.progress[member]
        if progress.must_wait:
            return False
        previous = progress.next - 1
        term = self.log.term_at(previous)
        if term is None:
            return self._send_snapshot(member, progress)
        entries = self.log.between(progress.next, previous + self.config.append_entries_max)
        self.send(Append(self.id, member, self.term, previous, term, entries, self.commit_index))
        progress.sent(previous + len(entries), len(entries))
        return True

    def _send_snapshot(self, member: str, progress: Progress) -> bool:
        assert self.log.snapshot is not None, "entries were thrown away without a snapshot"
        self.send(InstallSnapshot(self.id, member, self.term, self.log.snapshot))
        progress.become_snapshot(self.log.snapshot.index)
        return True

    def send_heartbeats(self) -> None:
        for member, progress in self.progress.items():
            commit_index = min(self.commit_index, progress.match)
            self.send(Heartbeat(self.id, member, self.term, commit_index, self.latest_read(), self.ticks))

    def latest_read(self) -> object:
        """The context that a heartbeat carries; reads are another part's business."""
        return None

    # --- the follower ------------------------------------------------------------------------------------------------

    def hear_leader(self, leader: str) -> None:
        """A message of this term's leader: a candidate gives up, a follower starts its timeout anew."""
        assert not self.is_leader, f"two leaders in term {self.term}: {self.id} and {leader}"
        if self.role != "follower":
            self.become_follower(self.term, leader)
        if self.leader != leader:
            self.leader = leader
            self.restart_timers()
        self.note_contact()

    def received_append(self, append: Append) -> None:
        self.hear_leader(append.sender)
        if append.previous_index < self.commit_index:
            self._reply(append, self.commit_index)
        elif self.log_joins(append):
            last = self.log.append_after(append.previous_index, append.entries)
            self.log.commit_to(min(append.commit_index, last))
            self._reply(append, last)
        else:
            hint_index, hint_term = self.log.meeting_point(append.previous_index, append.previous_term)
            refusal = AppendReply(self.id, append.sender, self.term, append.previous_index, True, hint_index, hint_term)
            self.send(refusal)

    def log_joins(self, append: Append) -> bool:
        """The consistency check of section 5.3."""
        return self.log.matches(append.previous_index, append.previous_term)

    def received_heartbeat(self, heartbeat: Heartbeat) -> None:
        self.hear_leader(heartbeat.sender)
        self.log.commit_to(heartbeat.commit_index)
        self.send(HeartbeatReply(self.id, heartbeat.sender, self.term, heartbeat.context, heartbeat.sent_tick))

    def received_snapshot(self, message: InstallSnapshot) -> None:
        self.hear_leader(message.sender)
        snapshot = message.snapshot
        if snapshot.index <= self.commit_index:
            self._reply(message, self.commit_index)
        elif self.log.matches(snapshot.index, snapshot.term):
            self.log.commit_to(snapshot.index)  # all of it is here already: keep what follows (section 7)
            self._reply(message, snapshot.index)
        else:
            self.log.restore(snapshot)
            self.pending_snapshot = snapshot
            self._reply(message, self.log.last_index)

    pending_snapshot: Snapshot | None = None
    """Received, not yet handed to the host."""

    def _reply(self, message: Append | InstallSnapshot, index: int) -> None:
        self.send(AppendReply(self.id, message.sender, self.term, index))

    # --- the leader: answers -----------------------------------------------------------------------------------------

    def received_append_reply(self, reply: AppendReply) -> None:
        if not self.is_leader:
            return
        if reply.sender == self.id:
            self.own_index = max(self.own_index, reply.index)
            self._commit()
            return
        progress = self.progress.get(reply.sender)
        if progress is None:
            return
        progress.recent_active = True
        if reply.rejected:
            self._append_refused(reply, progress)
        else:
            self._append_accepted(reply, progress)

    own_index = 0
    """The last entry on the leader's own disk."""

    def _append_refused(self, reply: AppendReply, progress: Progress) -> None:
        probe, _ = self.log.meeting_point(reply.hint_index, reply.hint_term)
        if progress.reject(reply.index, probe):
            self.send_append(reply.sender)

    def _append_accepted(self, reply: AppendReply, progress: Progress) -> None:
        was_waiting = progress.must_wait
        is_news = progress.acknowledge(reply.index)
        logs_met = progress.state == "probe" and progress.match == reply.index
        if not (is_news or logs_met):
            return
        if logs_met or (progress.state == "snapshot" and progress.match >= progress.pending_snapshot):
            progress.become_replicate()
        if not self._commit() and was_waiting:
            self.send_append(reply.sender)
        self._send_rest(reply.sender)
        self.follower_advanced(reply.sender)

    def _send_rest(self, member: str) -> None:
        while (progress := self.progress.get(member)) and progress.next <= self.log.last_index:
            if not self.send_append(member):
                return

    def follower_advanced(self, member: str) -> None:
        """A follower holds more than before; a transfer of leadership may wait for it."""

    def received_heartbeat_reply(self, reply: HeartbeatReply) -> None:
        progress = self.progress.get(reply.sender)
        if not self.is_leader or progress is None:
            return
        progress.recent_active = True
        progress.acknowledged_tick = max(progress.acknowledged_tick, reply.sent_tick)
        progress.heard()
        if progress.match < self.log.last_index or progress.state == "probe":
            self.send_append(reply.sender)

    # --- commitment --------------------------------------------------------------------------------------------------

    def _commit(self) -> bool:
        index = self.quorum_index()
        if not self.may_commit(index) or not self.log.commit_to(index):
            return False
        self.send_appends()
        self.committed_more()
        return True

    def quorum_index(self) -> int:
        """The last entry that a quorum holds on disk."""
        held = {member: progress.match for member, progress in self.progress.items()}
        held[self.id] = self.own_index
        return self.configuration.index_held(held)

    def may_commit(self, index: int) -> bool:
        """Only entries of the leader's own term are committed by counting; older ones with them (5.4.2, figure 8)."""
        return self.log.term_at(index) == self.term

    def committed_more(self) -> None:
        """The leader's commit index has risen."""

    # --- quorum, snapshots -------------------------------------------------------------------------------------------

    def end_of_quorum_period(self) -> None:
        """Every `quorum_ticks`: CheckQuorum (thesis 6.2), and what has waited too long."""
        self.transfer_target = None
        if self.config.check_quorum and not self.hears_quorum():
            self.become_follower(self.term, None)
            return
        for progress in self.progress.values():
            progress.recent_active = False
            if progress.state == "snapshot":
                progress.become_probe()

    def hears_quorum(self) -> bool:
        active = {member for member, progress in self.progress.items() if progress.recent_active}
        return self.configuration.has_quorum(active | {self.id})

    def compact(self, index: int, data: object, keep_entries: int = 0) -> Snapshot:
        """Let a snapshot of the state machine after entry `index` stand for the log's beginning (section 7).

        The host stores it (`Stored.compact`). `keep_entries` entries before it stay, for followers that lag a little.
        """
        assert index <= self.log.applied_index, f"entry {index} has not been applied yet"
        term = self.log.term_at(index)
        assert term is not None, f"entry {index} is in a snapshot already"
        snapshot = Snapshot(index, term, self.log.configuration_at(index), data)
        self.log.compact(snapshot, keep_entries)
        return snapshot
