"""Ongaro's thesis, 2014: CheckQuorum (6.2), reads (6.4), PreVote (9.6) and the leader's parallel write (10.2.1), rule
by rule."""

from __future__ import annotations

import pytest

from sim.protocols.raft import Config
from sim.protocols.raft.messages import Append, AppendReply, VoteReply, VoteRequest
from tests.papers.raft_group import FIVE, THREE, Group, member, say, shielded, stored, time_out

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
