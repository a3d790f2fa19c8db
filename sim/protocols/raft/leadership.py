"""What only a leader decides: who belongs to the group, and who leads next.

Source: Ongaro's thesis, sections 3.10 (transfer), 4.1–4.3 (membership).
"""

from __future__ import annotations

from sim.protocols.raft.membership import Change
from sim.protocols.raft.messages import TimeoutNow
from sim.protocols.raft.replication import Replication
from sim.protocols.raft.state import Entry


class Leadership(Replication):
    """Where we depart: the thesis lets a removed leader hand over first; here, as there in 4.2.2, it commits its own
    removal without counting itself, and steps down."""

    # --- membership --------------------------------------------------------------------------------------------------

    def append_change(self, change: Change) -> bool:
        """Append the configuration that `change` leads to. False if it has to wait or changes nothing."""
        if not self.may_change_members():
            return False
        target = change.applied_to(self.configuration)
        if target == self.configuration:
            return False
        self.append_own([Entry(self.term, self.log.last_index + 1, configuration=target)])
        return True

    def may_change_members(self) -> bool:
        """One change at a time (4.1), none on the way out of joint consensus, and none before the leader has committed
        an entry of its term (the correction of the single-server algorithm: Ongaro, raft-dev, July 2015)."""
        is_settled = self.log.configuration_index <= self.commit_index and not self.configuration.is_joint
        return is_settled and self.has_committed_in_term()

    def has_committed_in_term(self) -> bool:
        return self.log.term_at(self.commit_index) == self.term

    def committed_more(self) -> None:
        super().committed_more()
        if self.log.configuration_index > self.commit_index:
            return
        if self.configuration.is_joint:
            self.append_own([Entry(self.term, self.log.last_index + 1, configuration=self.configuration.left())])
        elif self.id not in self.configuration.voters:
            self.become_follower(self.term, None)

    # --- transfer ----------------------------------------------------------------------------------------------------

    def transfer_leadership(self, to: str) -> bool:
        """Bring `to` up to date, then let it stand at once. False if this cannot be begun.

        Meanwhile no proposals are taken; after a quorum period the leader gives up and goes on leading.
        """
        if not self.is_leader or to == self.id or to not in self.configuration.voters:
            return False
        self.transfer_target = to
        self.election_elapsed = 0
        self._let_stand_or_catch_up(to)
        return True

    def successor(self) -> str | None:
        """Whom a leader that goes would best hand over to: of the voters that it has heard from within an election
        timeout, the one that holds most, and of those the one heard from last. None: there is none."""
        since = self.ticks - self.config.election_ticks
        heard = [
            (progress.match, progress.acknowledged_tick, member)
            for member, progress in self.progress.items()
            if member in self.configuration.voters and (progress.recent_active or progress.acknowledged_tick > since)
        ]
        best = max(heard, key=lambda one: one[:2], default=None)
        return best[2] if best is not None and self.is_leader else None

    def follower_advanced(self, member: str) -> None:
        if self.is_leader and member == self.transfer_target:
            self._let_stand_or_catch_up(member)

    def _let_stand_or_catch_up(self, member: str) -> None:
        if self.progress[member].match == self.log.last_index:
            self.send(TimeoutNow(self.id, member, self.term))
        else:
            self.send_append(member)
