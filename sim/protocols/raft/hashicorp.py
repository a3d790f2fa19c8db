"""Where hashicorp/raft differs from etcd in when it stands and whom it shields.

Source: hashicorp/raft 1.3 to 1.7, raft.go (`runFollower`, `requestVote`), util.go (`randomTimeout`). Taken over: the
times of followers. Not taken over: its leader lease, which is here a CheckQuorum at fixed intervals of the same
length, and its heartbeats, of a random period for each follower.
"""

from __future__ import annotations

from sim.protocols.raft.messages import VoteRequest
from sim.protocols.raft.raft import Raft


class HashicorpRaft(Raft):
    """A follower looks at random intervals of one to two timeouts whether its last contact is a timeout old. So it
    stands one to three timeouts after its leader's last word, where etcd's stands after one to two."""

    contact_tick = 0

    def note_contact(self) -> None:
        self.contact_tick = self.ticks

    def hears_leader(self) -> bool:
        """It knows of a leader until it stands itself (`requestVote`: "rejecting vote request since we have a
        leader")."""
        return self.leader is not None

    def stand_for_election(self) -> None:
        if self.role == "follower" and self.ticks - self.contact_tick < self.config.election_ticks:
            self.restart_timers()
            return
        super().stand_for_election()

    def shields_leader_from(self, request: VoteRequest) -> bool:
        return not request.transfer and request.sender != self.leader and self.hears_leader()
