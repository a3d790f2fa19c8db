"""When a member of hashicorp/raft stands, and whom it refuses."""

from __future__ import annotations

import numpy as np

from sim.protocols.raft import Config, HashicorpRaft, Message, Stored
from sim.protocols.raft.messages import Heartbeat, HeartbeatReply, VoteReply, VoteRequest

TIMEOUT = 20


def follower(seed: int = 1) -> HashicorpRaft:
    random = np.random.default_rng(seed)
    config = Config("a", "abc", election_ticks=TIMEOUT, heartbeat_ticks=3)
    one = HashicorpRaft(config, Stored(), lambda n: int(random.integers(n)))
    one.step(Heartbeat("b", "a", 1, 0))
    return one


def answers(one: HashicorpRaft, message: Message) -> list[Message]:
    one.step(message)
    sent: list[Message] = []
    while (ready := one.ready()) is not None:
        sent += ready.messages_after_persist
        one.advance()
    return [reply for reply in sent if isinstance(reply, VoteReply)]


def silence(seed: int) -> int:
    """Ticks from the leader's last word until it stands."""
    one = follower(seed)
    for _ in range(10 + seed % 13):
        one.tick(3)
        one.step(Heartbeat("b", "a", 1, 0))
    last = one.ticks
    while one.role == "follower":
        one.tick(one.ticks_until_due())
    return one.ticks - last


def test_it_stands_one_to_three_timeouts_after_the_last_word() -> None:
    """Its looks, one to two timeouts apart, do not begin with that word."""
    waits = [silence(seed) for seed in range(400)]
    assert TIMEOUT <= min(waits) < 1.15 * TIMEOUT
    assert 2.5 * TIMEOUT < max(waits) < 3 * TIMEOUT


def test_it_does_not_stand_while_heartbeats_come() -> None:
    one = follower()
    for _ in range(100):
        one.tick(3)
        one.step(Heartbeat("b", "a", 1, 0))
    assert one.role == "follower"


def test_it_refuses_votes_until_it_stands_itself() -> None:
    """However long ago the leader was heard: it does not look yet."""
    one = follower()
    one.tick(one.ticks_until_due() - 1)
    assert answers(one, VoteRequest("c", "a", 2, 0, 0)) == []
    while one.role == "follower":
        one.tick(one.ticks_until_due())
    (reply,) = answers(one, VoteRequest("c", "a", one.term + 1, 0, 0))
    assert reply.granted


def test_it_votes_for_the_leader_that_it_knows() -> None:
    one = follower()
    (reply,) = answers(one, VoteRequest("b", "a", 2, 0, 0))
    assert reply.granted


def test_a_vote_given_is_a_contact() -> None:
    """And like every other one it does not move the next look."""
    waits = []
    for seed in range(100):
        one = follower(seed)
        one.leader = None
        one.tick(TIMEOUT - 1)
        assert answers(one, VoteRequest("c", "a", 2, 0, 0))[0].granted
        voted = one.ticks
        while one.role == "follower":
            one.tick(one.ticks_until_due())
        waits.append(one.ticks - voted)
    assert min(waits) >= TIMEOUT
    assert 2.2 * TIMEOUT < max(waits) < 3 * TIMEOUT


def test_a_leader_gives_up_when_its_lease_has_run_out() -> None:
    """Within a heartbeat of the lease's end, counted from the last answer of a quorum."""
    random = np.random.default_rng(1)
    config = Config("a", "abc", election_ticks=TIMEOUT, heartbeat_ticks=3, quorum_ticks=10, check_quorum=True)
    one = HashicorpRaft(config, Stored(), lambda n: int(random.integers(n)))
    while not one.is_leader:
        one.tick(one.ticks_until_due())
        answers(one, VoteReply("b", "a", one.term, granted=True))
    for _ in range(20):
        one.tick(3)
        answers(one, HeartbeatReply("b", "a", one.term, sent_tick=one.ticks))
    last = one.ticks
    while one.is_leader:
        one.tick()
    assert 10 < one.ticks - last <= 13
