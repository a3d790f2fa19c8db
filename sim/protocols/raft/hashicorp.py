"""Where hashicorp/raft differs from etcd: when a member stands, whom it refuses, when a leader gives up.

Source: hashicorp/raft 1.3 to 1.7, raft.go (`runFollower`, `requestVote`, `checkLeaderLease`), util.go
(`randomTimeout`). Not taken over: heartbeats of a random period for each follower; a leader here looks at its lease
with each of its heartbeats, there when it may have run out.
"""

from __future__ import annotations

from sim.protocols.raft.messages import VoteRequest
from sim.protocols.raft.raft import Raft


class HashicorpRaft(Raft):
    """A follower looks at random intervals of one to two timeouts whether its last contact is a timeout old. So it
    stands one to three timeouts after its leader's last word, where etcd's stands after one to two."""

    contact_tick = 0
    led_since_tick = 0

    def note_contact(self) -> None:
        self.contact_tick = self.ticks

    def note_vote(self) -> None:
        self.note_contact()

    def hears_leader(self) -> bool:
        """It knows of a leader until it stands itself (`requestVote`: "rejecting vote request since we have a
        leader")."""
        return self.leader is not None

    def stand_for_election(self) -> None:
        if self.role == "follower" and self.ticks - self.contact_tick < self.config.election_ticks:
            self.restart_timers()
            return
        super().stand_for_election()

    def assert_leadership(self) -> None:
        self.led_since_tick = self.ticks
        super().assert_leadership()

    def send_heartbeats(self) -> None:
        if self.hears_quorum():
            super().send_heartbeats()
        else:
            self.become_follower(self.term, None)

    def hears_quorum(self) -> bool:
        """Of a quorum, each member has answered within the leader lease, or had no time to."""
        since = self.ticks - self.config.quorum_ticks
        heard = {
            member
            for member, progress in self.progress.items()
            if max(progress.acknowledged_tick, self.led_since_tick) >= since
        }
        return self.configuration.has_quorum(heard | {self.id})

    def shields_leader_from(self, request: VoteRequest) -> bool:
        return not request.transfer and request.sender != self.leader and self.hears_leader()
