"""Elections: standing, asking, voting, counting.

Source: Ongaro & Ousterhout 2014, sections 5.2 and 5.4.1; PreVote: thesis 9.6; the shield of a living leader against
candidates: thesis 4.2.3; standing at the leader's wish: thesis 3.10.
"""

from __future__ import annotations

from sim.protocols.raft.member import Member
from sim.protocols.raft.messages import TimeoutNow, VoteReply, VoteRequest


class Elections(Member):
    """Where we depart: a vote that is denied because of an old term is answered (the paper does, etcd keeps silent);
    one that is denied to shield a leader is not answered (etcd does the same). A candidate that cannot win any more
    waits for its timeout (the paper, 5.2), where etcd makes it a follower and begins the timeout anew."""

    def stand_for_election(self) -> None:
        """The election timeout has passed, or (`received_timeout_now`) the leader asked."""
        if self.config.pre_vote:
            self.become_precandidate()
            self.ask_for_votes(pre=True)
        else:
            self.become_candidate()
            self.ask_for_votes()

    def ask_for_votes(self, pre: bool = False, transfer: bool = False) -> None:
        term = self.term + 1 if pre else self.term
        last_index, last_term = self.log.last_index, self.log.last_term
        for voter in sorted(self.configuration.electorate):
            if voter == self.id:
                self.send(VoteReply(self.id, self.id, term, granted=True, pre=pre))
            else:
                self.send(VoteRequest(self.id, voter, term, last_index, last_term, pre, transfer))

    # --- the voter ---------------------------------------------------------------------------------------------------

    def received_vote_request(self, request: VoteRequest) -> None:
        granted = self.grants(request)
        if granted and not request.pre:
            self.vote = request.sender
            self.note_vote()
        term = request.term if granted else self.term
        self.send(VoteReply(self.id, request.sender, term, granted, request.pre))

    def grants(self, request: VoteRequest) -> bool:
        return self.vote_is_free_for(request) and self.candidate_is_current(request)

    def vote_is_free_for(self, request: VoteRequest) -> bool:
        """One vote a term, first come (5.2). A pre-vote for a later term takes nothing away from anybody."""
        if request.pre and request.term > self.term:
            return True
        return self.vote in (None, request.sender)

    def candidate_is_current(self, request: VoteRequest) -> bool:
        """The candidate's log is at least as up-to-date as the voter's (5.4.1)."""
        return self.log.is_as_current_as(request.last_index, request.last_term)

    def shields_leader_from(self, request: VoteRequest) -> bool:
        """Whether a request is ignored, term and all, because a leader was heard within the minimum election timeout.

        PreVote needs it for pre-votes (9.6), where etcd asks for `check_quorum` too.
        """
        if request.transfer or not (self.config.check_quorum or (self.config.pre_vote and request.pre)):
            return False
        return self.hears_leader()

    # --- the candidate -----------------------------------------------------------------------------------------------

    def received_vote_reply(self, reply: VoteReply) -> None:
        if self.role != ("precandidate" if reply.pre else "candidate"):
            return
        self.votes.setdefault(reply.sender, reply.granted)
        verdict = self.configuration.verdict(self.votes)
        if verdict == "won" and reply.pre:
            self.become_candidate()
            self.ask_for_votes()
        elif verdict == "won":
            self.become_leader()

    def received_timeout_now(self, message: TimeoutNow) -> None:
        """Stand at once and without PreVote: the leader itself lets go (3.10)."""
        if self.role == "follower" and self.may_stand:
            self.become_candidate()
            self.ask_for_votes(transfer=True)
