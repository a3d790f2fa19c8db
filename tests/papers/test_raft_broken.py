"""Machines that are wrong in one way, and the claims of the paper and the thesis that catch them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.protocols.raft import HardState, Raft
from sim.protocols.raft.messages import Append, VoteRequest
from tests.papers import raft_group
from tests.papers import test_raft_ongaro14 as rules
from tests.papers import test_raft_ongaro14_leaders as leaders
from tests.papers import test_raft_ongaro14_safety as safety
from tests.papers import test_raft_ongaro14_thesis as members


class VotesTwice(Raft):
    def vote_is_free_for(self, request: VoteRequest) -> bool:
        return True


class IgnoresLogsInVotes(Raft):
    def candidate_is_current(self, request: VoteRequest) -> bool:
        return True


class CommitsAlone(Raft):
    def quorum_index(self) -> int:
        return self.own_index


class CommitsOldTermsByCounting(Raft):
    def may_commit(self, index: int) -> bool:
        return True


class ForgetsItsVote(Raft):
    def recall(self, kept: HardState) -> None:
        super().recall(HardState(kept.term))


class AnswersBeforeTheDisk(Raft):
    def must_wait_for_disk(self, message: object) -> bool:
        return False


class AnswersReadsAlone(Raft):
    def may_answer_alone(self) -> bool:
        return True


class SkipsTheConsistencyCheck(Raft):
    def log_joins(self, append: Append) -> bool:
        return append.previous_index <= self.log.last_index


class ChangesMembersAtAnyTime(Raft):
    def may_change_members(self) -> bool:
        return True


class ShieldsNobody(Raft):
    def shields_leader_from(self, request: VoteRequest) -> bool:
        return False


class TrustsAnOldLease(Raft):
    def holds_lease(self) -> bool:
        return self.is_leader


BROKEN: list[tuple[type[Raft], Callable[[], None]]] = [
    (VotesTwice, rules.test_5_2_one_vote_a_term_first_come_first_served),
    (VotesTwice, rules.test_5_2_a_candidate_has_given_its_vote_to_itself),
    (IgnoresLogsInVotes, safety.test_5_4_1_a_log_without_a_committed_entry_cannot_win),
    (CommitsAlone, rules.test_5_3_an_acknowledgement_counts_once),
    (CommitsOldTermsByCounting, safety.test_5_4_2_figure_8_entries_of_older_terms_are_not_committed_by_counting),
    (ForgetsItsVote, rules.test_figure_2_the_vote_survives_a_restart),
    (AnswersBeforeTheDisk, rules.test_figure_2_a_vote_is_on_the_disk_before_it_is_given),
    (AnswersBeforeTheDisk, rules.test_figure_2_followers_acknowledge_what_is_on_their_disk),
    (AnswersReadsAlone, safety.test_8_a_deposed_leader_answers_no_read),
    (SkipsTheConsistencyCheck, lambda: rules.test_figure_2_append_2_the_entry_before_must_match(5, 1, False)),
    (ChangesMembersAtAnyTime, members.test_4_1_one_change_at_a_time),
    (ChangesMembersAtAnyTime, members.test_4_1_a_leader_first_commits_an_entry_of_its_term),
    (ShieldsNobody, members.test_4_2_3_a_removed_server_does_not_disturb),
    (ShieldsNobody, leaders.test_9_6_not_while_a_leader_is_heard),
    (TrustsAnOldLease, leaders.test_6_4_1_the_lease_ends_before_a_quorum_may_vote),
]


@pytest.mark.parametrize("broken, claim", BROKEN)
def test_broken_machines_are_caught(broken, claim, monkeypatch) -> None:
    claim()
    monkeypatch.setattr(raft_group, "machine", broken)
    with pytest.raises(AssertionError):
        claim()
