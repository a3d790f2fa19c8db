"""What leaves without a `Ready`: the same messages, and never one that the disk or an own answer has to go before."""

from __future__ import annotations

from sim.protocols.raft import Raft
from sim.protocols.raft.messages import Heartbeat, VoteRequest
from tests.papers.raft_group import member, settle, stored


def follower() -> Raft:
    one = member(stored((1, 1), term=1), "b")
    one.step(Heartbeat("a", "b", 1, 0, None, 1))
    settle(one)
    return one


def test_answers_to_heartbeats_leave_at_once() -> None:
    slow, quick = follower(), follower()
    for one in (slow, quick):
        one.step(Heartbeat("a", "b", 1, 0, None, 2))
    assert quick.take_messages() == settle(slow) != []
    assert quick.ready() is None


def test_what_is_to_be_applied_is_not_passed_by() -> None:
    one = follower()
    one.step(Heartbeat("a", "b", 1, 1, None, 2))
    assert one.take_messages() == []
    assert [entry.index for entry in one.ready().committed] == [1]  # type: ignore[union-attr]


def test_a_vote_waits_for_the_disk() -> None:
    one = member(stored((1, 1), term=1), "b")
    one.step(VoteRequest("a", "b", 2, 2, 1))
    assert one.take_messages() == []
    ready = one.ready()
    assert ready is not None
    assert ready.must_persist
    assert one.take_messages() == [], "nothing passes a Ready that is under way"


def test_a_leaders_new_entries_wait_for_it() -> None:
    one = member(stored((1,), term=1), "a", members=("a",))
    while not one.is_leader:
        one.tick(50)
        settle(one)
    one.propose("x")
    assert one.take_messages() == []
    assert [entry.data for entry in one.ready().entries] == ["x"]  # type: ignore[union-attr]
