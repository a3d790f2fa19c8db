"""Ongaro, "Consensus: Bridging Theory and Practice", Stanford 2014: leadership transfer (3.10) and membership (4), rule
by rule. Beside this file: the other chapters."""

from __future__ import annotations

import pytest

from sim.protocols.raft import Change, Configuration, Entry
from sim.protocols.raft.messages import Append, TimeoutNow, VoteReply, VoteRequest
from tests.papers.raft_group import THREE, Group, member, say, settle, shielded, stored, time_out, voters

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
