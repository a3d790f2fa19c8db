"""Ongaro, "Consensus: Bridging Theory and Practice", Stanford 2014: leadership transfer (3.10), membership (4),
CheckQuorum (6.2), reads (6.4), PreVote (9.6) and the leader's parallel write (10.2.1), rule by rule; and broken
machines that these tests and those of the paper catch."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.protocols.raft import Change, Config, Configuration, Entry, HardState, Raft
from sim.protocols.raft.messages import Append, AppendReply, Heartbeat, TimeoutNow, VoteReply, VoteRequest
from tests.papers import raft_group, test_raft_ongaro14
from tests.papers.raft_group import FIVE, THREE, Group, member, say, settle, stored, time_out, voters

# --- 3.10 leadership transfer ----------------------------------------------------------------------------------------


def test_3_10_the_target_stands_at_once_and_wins() -> None:
    group = Group(pre_vote=True, check_quorum=True)
    group.elect("a")
    assert group["a"].transfer_leadership("b")
    group.deliver()
    assert (group.leaders(), group["b"].term) == (["b"], 2)


def test_3_10_first_the_target_is_brought_up_to_date() -> None:
    group = Group()
    group.elect("a")
    group.cut = {"b"}
    group.propose("a", "x")
    group.cut = set()
    group["a"].transfer_leadership("b")
    told = []
    group.deliver(
        lambda message: told.append(group["b"].log.last_index) or True if isinstance(message, TimeoutNow) else True
    )
    assert told == [2]
    assert group.leaders() == ["b"]


def test_3_10_meanwhile_no_proposals_are_taken() -> None:
    group = Group()
    group.elect("a")
    group["a"].transfer_leadership("b")
    assert not group["a"].propose("x")


def test_3_10_a_transfer_that_fails_is_given_up_after_an_election_timeout() -> None:
    group = Group()
    group.elect("a")
    group.cut = {"b"}
    group["a"].transfer_leadership("b")
    group.deliver()
    assert not group["a"].propose("x")
    group["a"].tick(group["a"].config.election_ticks)
    group.deliver()
    assert group["a"].is_leader
    assert group["a"].propose("x")


@pytest.mark.parametrize("to", ["a", "unknown"])
def test_3_10_only_another_voter_can_be_the_target(to: str) -> None:
    group = Group()
    group.elect("a")
    assert not group["a"].transfer_leadership(to)
    assert not group["b"].transfer_leadership("c")


# --- 4.1 one server at a time ----------------------------------------------------------------------------------------


def test_4_1_a_configuration_holds_as_soon_as_it_is_in_the_log() -> None:
    """On each server, committed or not."""
    one = member()
    say(one, Append("b", "a", 1, 0, 0, (Entry(1, 1, configuration=voters("a", "b", "c", "d")),), 0))
    assert one.configuration == voters("a", "b", "c", "d")
    assert one.commit_index == 0
    assert {message.receiver for message in time_out(one)} == set("bcd")


def test_4_1_it_is_committed_by_a_majority_of_the_new_configuration() -> None:
    group = Group()
    group.elect("a")
    group.change("a", add="d")
    group.deliver(lambda message: message.receiver not in "cd" and message.sender not in "cd")
    assert group["a"].commit_index == 1, "two of four are no majority"
    group.start("d", THREE)
    for _ in range(3):
        group["a"].tick()
        group.deliver(lambda message: message.receiver != "c")
    assert group["a"].commit_index == 2


def test_4_1_a_configuration_that_is_overwritten_is_forgotten() -> None:
    one = member()
    say(one, Append("b", "a", 1, 0, 0, (Entry(1, 1, "x"), Entry(1, 2, configuration=voters("a", "b"))), 0))
    assert one.configuration == voters("a", "b")
    say(one, Append("c", "a", 2, 1, 1, (Entry(2, 2, "y"),), 0))
    assert one.configuration == voters(*THREE)


def test_4_1_one_change_at_a_time() -> None:
    group = Group()
    group.elect("a")
    assert group.change("a", add="d")
    assert not group.change("a", add="e")
    group.start("d", THREE)
    for _ in range(3):
        group.beat("a")
    assert group.change("a", add="e")


def test_4_1_a_leader_first_commits_an_entry_of_its_term() -> None:
    """The author's correction of the single-server algorithm (raft-dev, July 2015)."""
    group = Group()
    group["a"].tick(group["a"].ticks_until_due())
    group.deliver(lambda message: isinstance(message, (VoteRequest, VoteReply)))
    assert group["a"].is_leader
    assert not group.change("a", add="d")


def test_4_1_a_restart_keeps_the_configuration() -> None:
    group = Group()
    group.elect("a")
    group.change("a", remove="c")
    group.deliver()
    group.start("b")
    assert group["b"].configuration == voters("a", "b")


def test_4_1_a_snapshot_keeps_the_configuration() -> None:
    group = Group()
    group.elect("a")
    group.change("a", remove="c")
    group.deliver()
    group.disks["a"].compact(group["a"].compact(2, ()))
    assert member(group.disks["a"]).configuration == voters("a", "b")


def test_4_2_1_a_learner_receives_the_log_and_does_not_count() -> None:
    group = Group()
    group.elect("a")
    group.change("a", learners="d")
    group.start("d", THREE)
    group.deliver()
    group.beat("a")
    group.cut = {"b", "c"}
    group.propose("a", "x")
    assert group["d"].log.last_index == 3
    assert group["a"].commit_index == 2
    group["d"].tick(1000)
    assert group["d"].role == "follower"


def test_4_2_1_a_learner_is_promoted() -> None:
    group = Group(("a",))
    group.elect("a")
    group.start("d", ("a",))
    group.change("a", learners="d")
    group.deliver()
    group.beat("a")
    assert group.change("a", add="d")
    group.deliver()
    assert group["a"].configuration == voters("a", "d")
    assert group["d"].commit_index == group["a"].commit_index == 3


def test_4_2_2_a_removed_leader_steps_down_once_that_is_committed() -> None:
    """Until then it leads a group that it does not belong to, and does not count itself."""
    group = Group()
    group.elect("a")
    group.change("a", remove="a")
    group.deliver(lambda message: "c" not in (message.sender, message.receiver))
    assert group["a"].is_leader
    assert group["a"].commit_index == 1, "a and b hold it, but only b counts of b and c"
    group.beat("a")
    group.beat("a")
    assert group["a"].role == "follower"
    assert group["b"].log.last_index == 2
    group.elect("b")
    assert group["b"].commit_index == 3


def test_4_2_2_a_server_outside_its_own_configuration_still_stands() -> None:
    """Figure 4.6: it may be the only one whose log can commit its removal. Its own vote does not count then."""
    one = member(stored([1]))
    say(one, Append("b", "a", 1, 1, 1, (Entry(1, 2, configuration=voters("b", "c")),), 1))
    assert {message.receiver for message in time_out(one)} == {"b", "c"}
    say(one, VoteReply("b", "a", one.term, granted=True))
    assert one.role == "candidate"
    say(one, VoteReply("c", "a", one.term, granted=True))
    assert one.role == "leader"


def test_4_2_2_once_that_is_committed_it_keeps_still() -> None:
    one = member(stored([1]))
    say(one, Append("b", "a", 1, 1, 1, (Entry(1, 2, configuration=voters("b", "c")),), 2))
    one.tick(1000)
    assert (one.role, settle(one)) == ("follower", [])


def test_4_2_2_votes_and_entries_are_taken_from_servers_outside_the_configuration() -> None:
    one = member(stored([1]))
    assert say(one, VoteRequest("z", "a", 2, 1, 1))[0].granted
    assert not say(one, Append("z", "a", 2, 1, 1, (Entry(2, 2),), 0))[0].rejected


def shielded(**config: bool) -> Raft:
    one = member(stored([1]), **config)
    say(one, Heartbeat("b", "a", 1, 0))
    one.tick(one.config.election_ticks - 1)
    return one


def test_4_2_3_no_vote_within_the_least_election_timeout_of_hearing_a_leader() -> None:
    """Neither term nor vote change."""
    one = shielded(check_quorum=True)
    assert say(one, VoteRequest("c", "a", 9, 5, 5)) == []
    assert (one.term, one.vote) == (1, None)
    if one.ticks_until_due() > 1:
        one.tick()
        assert say(one, VoteRequest("c", "a", 9, 5, 5))[0].granted


def test_4_2_3_a_removed_server_does_not_disturb() -> None:
    group = Group(("a", "b", "c", "d"), check_quorum=True)
    group.elect("a")
    group.change("a", remove="d")
    group.deliver(lambda message: message.receiver != "d")
    for _ in range(10):
        group["d"].tick(group["d"].ticks_until_due())
        group.beat("a")
    assert group["d"].term > 5
    assert (group["a"].role, group["a"].term) == ("leader", 1)


def test_4_2_3_a_leadership_transfer_passes_the_shield() -> None:
    one = shielded(check_quorum=True)
    assert say(one, VoteRequest("c", "a", 2, 5, 5, transfer=True))[0].granted


# --- 4.3 joint consensus ---------------------------------------------------------------------------------------------


def test_4_3_more_than_one_voter_goes_through_the_joint_configuration() -> None:
    group = Group()
    group.elect("a")
    for name in "de":
        group.start(name, THREE)
    group.change("a", add="de", remove="bc")
    assert group["a"].configuration == Configuration(frozenset("ade"), outgoing=frozenset("abc"))
    for _ in range(3):
        group.beat("a")
    assert group["a"].configuration == voters("a", "d", "e")
    assert group["d"].configuration == group["e"].configuration == voters("a", "d", "e")


@pytest.mark.parametrize("cut, committed", [("bc", False), ("de", False), ("bd", True), ("", True), ("b", True)])
def test_4_3_agreement_takes_a_majority_of_both(cut: str, committed: bool) -> None:
    group = Group()
    group.elect("a")
    for name in "de":
        group.start(name, THREE)
    group.change("a", add="de", remove="bc")
    group.cut = set(cut)
    for _ in range(4):
        group.beat("a")
    assert (group["a"].commit_index > 1) is committed


@pytest.mark.parametrize("granted, elected", [("bc", False), ("de", False), ("bd", True), ("b", False), ("cde", True)])
def test_4_3_election_takes_a_majority_of_both(granted: str, elected: bool) -> None:
    one = member()
    joint = Configuration(frozenset("ade"), outgoing=frozenset("abc"))
    say(one, Append("b", "a", 1, 0, 0, (Entry(1, 1, configuration=joint),), 0))
    assert {message.receiver for message in time_out(one)} == set("bcde")
    say(one, *(VoteReply(other, "a", one.term, granted=True) for other in granted))
    assert one.is_leader is elected


def test_4_3_a_new_leader_completes_the_change() -> None:
    group = Group()
    group.elect("a")
    for name in "de":
        group.start(name, THREE)
    group.change("a", add="de", remove="bc")
    group.deliver(
        lambda message: (
            not (
                isinstance(message, Append)
                and any(e.configuration and not e.configuration.is_joint for e in message.entries)
            )
        )
    )
    group.crash("a")
    group.elect("d")
    for _ in range(3):
        group.beat("d")
    assert group["d"].configuration == voters("a", "d", "e")


@pytest.mark.parametrize(
    "change, message",
    [
        (Change(remove=frozenset(THREE)), "removes every voter"),
        (Change(add=frozenset("d"), remove=frozenset("d")), "d named twice"),
    ],
)
def test_4_a_change_that_makes_no_sense_is_refused(change: Change, message: str) -> None:
    group = Group()
    group.elect("a")
    with pytest.raises(ValueError, match=message):
        group["a"].propose_change(change)


# --- 6.2 CheckQuorum, 6.4 reads --------------------------------------------------------------------------------------


def test_6_2_a_leader_that_hears_no_quorum_for_an_election_timeout_steps_down() -> None:
    group = Group(FIVE, check_quorum=True)
    group.elect("a")
    group.cut = {"c", "d", "e"}
    group.beat("a")
    ticks = 0
    while group["a"].is_leader:
        group["a"].tick()
        group.deliver()
        ticks += 1
    assert ticks <= 2 * group["a"].config.election_ticks
    assert group["a"].term == 1


def test_6_2_a_leader_with_a_quorum_stays() -> None:
    group = Group(FIVE, check_quorum=True)
    group.elect("a")
    group.cut = {"d", "e"}
    for _ in range(100):
        group.beat("a")
    assert group["a"].is_leader


def test_6_4_a_follower_asks_its_leader_and_reads_itself() -> None:
    group = Group()
    group.elect("a")
    group.propose("a", "x")
    assert group["b"].read_index("r")
    group.deliver()
    assert group.reads["b"] == {"r": 2}
    assert group["b"].commit_index >= 2


def test_6_4_one_round_confirms_all_reads_before_it() -> None:
    group = Group()
    group.elect("a")
    for context in ("r1", "r2", "r3"):
        group["a"].read_index(context)
    group.deliver(lambda message: getattr(message, "context", "r3") == "r3")
    assert group.reads["a"] == {"r1": 1, "r2": 1, "r3": 1}


def leased(**config: bool) -> Group:
    group = Group(check_quorum=True, lease_reads=True, **config)
    group.elect("a")
    group.beat("a")
    return group


def test_6_4_1_with_a_lease_no_round_is_needed() -> None:
    group = leased()
    group.cut = {"b", "c"}
    group["a"].read_index("r")
    group.deliver()
    assert group.reads["a"] == {"r": 1}


def test_6_4_1_the_lease_ends_before_a_quorum_may_vote() -> None:
    """Counted from when the heartbeats left, less a tick: the followers' ticks fall at other times."""
    group = leased()
    group.cut = {"b", "c"}
    group["a"].tick(group["a"].config.election_ticks - 1)
    group["a"].read_index("r")
    group.deliver()
    assert group.reads["a"] == {}


def test_6_4_1_a_transfer_gives_the_lease_away() -> None:
    group = leased()
    group["a"].transfer_leadership("b")
    group["a"].read_index("r")
    group.cut = {"b", "c"}
    group.deliver()
    assert group.reads["a"] == {}


def test_6_4_1_a_lease_needs_check_quorum() -> None:
    with pytest.raises(ValueError, match="lease_reads: got true without check_quorum"):
        Config("a", THREE, lease_reads=True)


# --- 9.6 PreVote, 10.2.1 ---------------------------------------------------------------------------------------------


def test_9_6_first_it_asks_without_touching_its_term() -> None:
    one = member(stored([1]), pre_vote=True)
    sent = time_out(one)
    assert (one.role, one.term, one.vote) == ("precandidate", 1, None)
    assert sent == [VoteRequest("a", other, 2, 1, 1, pre=True) for other in "bc"]


def test_9_6_a_majority_of_pre_votes_begins_the_election() -> None:
    one = member(stored([1]), pre_vote=True)
    time_out(one)
    sent = say(one, VoteReply("b", "a", 2, granted=True, pre=True))
    assert (one.role, one.term, one.vote) == ("candidate", 2, "a")
    assert sent == [VoteRequest("a", other, 2, 1, 1) for other in "bc"]


def test_9_6_pre_votes_do_not_elect() -> None:
    one = member(pre_vote=True)
    time_out(one)
    say(one, VoteReply("b", "a", 1, granted=True, pre=True), VoteReply("c", "a", 1, granted=True, pre=True))
    assert one.role == "candidate"


def test_9_6_a_pre_vote_changes_nothing_at_the_voter() -> None:
    """It may be given to many, and takes no vote away."""
    one = member(stored([1]), pre_vote=True)
    one.tick(one.ticks_until_due() - 1)
    answers = say(one, VoteRequest("b", "a", 2, 1, 1, pre=True), VoteRequest("c", "a", 2, 1, 1, pre=True))
    assert [answer.granted for answer in answers] == [True, True]
    assert (one.term, one.vote, one.ticks_until_due()) == (1, None, 1)


def test_9_6_not_to_a_log_that_lags() -> None:
    one = member(stored([1, 1]), pre_vote=True)
    assert not say(one, VoteRequest("b", "a", 2, 1, 1, pre=True))[0].granted


def test_9_6_not_while_a_leader_is_heard() -> None:
    assert say(shielded(pre_vote=True), VoteRequest("c", "a", 2, 5, 5, pre=True)) == []


def test_9_6_a_server_that_comes_back_from_a_partition_does_not_disturb() -> None:
    group = Group(pre_vote=True)
    group.elect("a")
    group.cut = {"c"}
    for _ in range(10):
        group["c"].tick(group["c"].ticks_until_due())
        group.beat("a")
    assert group["c"].term == 1
    group.cut = set()
    group["c"].tick(group["c"].ticks_until_due())
    group.deliver()
    group.beat("a")
    assert (group.leaders(), group["a"].term, group["c"].role) == (["a"], 1, "follower")


def test_9_6_without_it_the_same_server_deposes_the_leader() -> None:
    group = Group()
    group.elect("a")
    group.cut = {"c"}
    for _ in range(10):
        group["c"].tick(group["c"].ticks_until_due())
        group.beat("a")
    group.cut = set()
    group.beat("a")
    assert not group["a"].is_leader


def test_10_2_1_the_leader_writes_its_disk_while_its_appends_travel() -> None:
    """And counts itself only when that is done: followers alone may commit before."""
    group = Group(FIVE)
    one = group.elect("a")
    one.propose("x")
    ready = one.ready()
    assert [entry.data for entry in ready.entries] == ["x"]
    assert len([message for message in ready.messages if isinstance(message, Append)]) == 4
    for other in "bc":
        one.step(AppendReply(other, "a", 1, 2))
    assert one.commit_index == 1
    one.advance()
    assert one.commit_index == 2


def test_10_2_1_a_majority_without_the_leader_commits() -> None:
    group = Group(FIVE)
    one = group.elect("a")
    one.propose("x")
    one.ready()
    for other in "bcd":
        one.step(AppendReply(other, "a", 1, 2))
    assert one.commit_index == 2


# --- broken machines -------------------------------------------------------------------------------------------------


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


PAPER = test_raft_ongaro14
BROKEN: list[tuple[type[Raft], Callable[[], None]]] = [
    (VotesTwice, PAPER.test_5_2_one_vote_a_term_first_come_first_served),
    (VotesTwice, PAPER.test_5_2_a_candidate_has_given_its_vote_to_itself),
    (IgnoresLogsInVotes, PAPER.test_5_4_1_a_log_without_a_committed_entry_cannot_win),
    (CommitsAlone, PAPER.test_5_3_an_acknowledgement_counts_once),
    (CommitsOldTermsByCounting, PAPER.test_5_4_2_figure_8_entries_of_older_terms_are_not_committed_by_counting),
    (ForgetsItsVote, PAPER.test_figure_2_the_vote_survives_a_restart),
    (AnswersBeforeTheDisk, PAPER.test_figure_2_a_vote_is_on_the_disk_before_it_is_given),
    (AnswersBeforeTheDisk, PAPER.test_figure_2_followers_acknowledge_what_is_on_their_disk),
    (AnswersReadsAlone, PAPER.test_8_a_deposed_leader_answers_no_read),
    (SkipsTheConsistencyCheck, lambda: PAPER.test_figure_2_append_2_the_entry_before_must_match(5, 1, False)),
    (ChangesMembersAtAnyTime, test_4_1_one_change_at_a_time),
    (ChangesMembersAtAnyTime, test_4_1_a_leader_first_commits_an_entry_of_its_term),
    (ShieldsNobody, test_4_2_3_a_removed_server_does_not_disturb),
    (ShieldsNobody, test_9_6_not_while_a_leader_is_heard),
    (TrustsAnOldLease, test_6_4_1_the_lease_ends_before_a_quorum_may_vote),
]


@pytest.mark.parametrize("broken, claim", BROKEN)
def test_broken_machines_are_caught(broken, claim, monkeypatch) -> None:
    claim()
    monkeypatch.setattr(raft_group, "machine", broken)
    with pytest.raises(AssertionError):
        claim()
