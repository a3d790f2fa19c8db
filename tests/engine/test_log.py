"""Replicated logs: stories whose times are worked out by hand.

Three members unless said otherwise; a note takes 1 ms from any to any, a flush 10 ms; member 0 leads.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.distributions import Constant
from sim.engine import Simulation
from sim.failures.slow_disk import SlowDisk
from sim.model import Once, ReplicatedLog
from tests.engine.groups import FIRST_LEADS, Act, answers, group_of, name, requests, told
from tests.reference.build import crash, pause, story

TEN = Constant(0.01)
THREE = group_of(3, TEN)


def test_a_write_takes_the_faster_of_two_followers() -> None:
    """Alone: its flush. With others: there, flush, back, while the leader flushes too. At a follower: one way to the
    leader more, and one back with word of the commit."""
    assert answers((*group_of(1, TEN), requests("put0", [1.0]))) == {"put0": [("ok", 10.0)]}
    found = answers((*THREE, requests("put0", [1.0]), requests("put1", [2.0])))
    assert found == {"put0": [("ok", 12.0)], "put1": [("ok", 14.0)]}


def test_the_leader_counts_only_what_it_has_flushed() -> None:
    """Followers without disks answer after 2 ms, the leader's flush takes 10."""
    assert answers((*group_of(3, [TEN, None, None]), requests("put0", [1.0]))) == {"put0": [("ok", 10.0)]}


def test_a_quorum_is_the_middle_member() -> None:
    """Flushes of 1, 2, 4, 8, 16 ms: the leader's own and the second follower's count, 2 ms on the way."""
    laws = [Constant(x / 1000.0) for x in (1, 2, 4, 8, 16)]
    assert answers((*group_of(5, laws), requests("put0", [1.0]))) == {"put0": [("ok", 6.0)]}


def test_what_comes_during_a_flush_is_flushed_together() -> None:
    """The leader's flushes: [0, 10] with the first, [10, 20] with the other three, whose followers have them on disk
    at 11 + 10 and tell at 22. The first is known to be committed at 12, but its turn comes at 20."""
    found = answers((*THREE, requests("put0", [1.0, 1.001, 1.002, 1.003])))
    assert found == {"put0": [("ok", 20.0), ("ok", 21.0), ("ok", 20.0), ("ok", 19.0)]}


def test_bytes_take_the_disk_their_time() -> None:
    """1000 bytes at 1 MB/s take 1 ms more, with and without a flush."""
    parts = [replace(p, disk=replace(p.disk, bytes_per_s=1e6)) if hasattr(p, "disk") else p for p in THREE]
    assert answers((*parts, requests("put0", [1.0]))) == {"put0": [("ok", 13.0)]}


def test_a_slow_disk_of_the_minority_is_not_felt() -> None:
    def slowed(*members: int) -> list[SlowDisk]:
        return [SlowDisk(f"s{m}", "s", "node", f"m{m}", Once(0.5, 10.0), 0.1) for m in members]

    writes = requests("put0", [1.0])
    assert answers((*THREE, writes, *slowed(1))) == {"put0": [("ok", 12.0)]}
    assert answers((*THREE, writes, *slowed(1, 2))) == {"put0": [("ok", 102.0)]}
    assert answers((*THREE, writes, *slowed(0))) == {"put0": [("ok", 100.0)]}


def test_reads_ask_a_quorum_and_touch_no_disk() -> None:
    """At the leader a round of heartbeats; at a follower the question and the answer more. What comes during a round
    waits for the next one. Alone: at once."""
    assert answers((*group_of(1, TEN), requests("get0", [1.0], "get"))) == {"get0": [("ok", 0.0)]}
    found = answers((*THREE, requests("get0", [1.0], "get"), requests("get1", [2.0, 2.001, 2.002], "get")))
    assert found == {"get0": [("ok", 2.0)], "get1": [("ok", 4.0), ("ok", 7.0), ("ok", 6.0)]}


def test_a_read_sees_what_was_written_before() -> None:
    """A write at 1 is committed at 12 ms. A read at 12.5 ms at a follower, which has not been told, waits for word of
    it: that comes with the heartbeat, before the answer."""
    found = answers((*THREE, requests("put0", [1.0]), requests("get1", [1.0125], "get")))
    assert found["get1"] == [("ok", 4.0)]


def test_one_of_three_may_be_dead_and_not_two() -> None:
    """Requests end with an error after the group's patience, 7 s, at etcd's default timers."""
    writes, reads = requests("put0", [2.0]), requests("get0", [3.0], "get")
    found = answers((*THREE, writes, reads, crash(name(1), 1.0)))
    assert found == {"put0": [("ok", 12.0)], "get0": [("ok", 2.0)]}
    found = answers((*THREE, writes, reads, crash(name(1), 1.0), crash(name(2), 1.0)))
    assert found == {"put0": [("error", 7000.0)], "get0": [("error", 7000.0)]}


def test_patience_is_the_groups_own() -> None:
    parts = group_of(3, TEN, log=ReplicatedLog(patience_s=0.5))
    assert answers((*parts, requests("put1", [1.0])), acts=()) == {"put1": [("error", 500.0)]}


def test_a_member_that_is_back_catches_up() -> None:
    """Dead from 1 to 3; a quorum needs it from 4 on, when another dies. By then the leader's heartbeat has found out
    what it lacks."""
    faults = [crash(name(1), 1.0, 2.0), crash(name(2), 4.0)]
    found = answers((*THREE, requests("put0", [2.0, 5.0]), *faults))
    assert found == {"put0": [("ok", 12.0), ("ok", 12.0)]}


def test_what_was_not_flushed_dies() -> None:
    """A follower dies at 1.005, in its flush, and is back at 1.1; the other is dead. The leader's heartbeat of 1.1 is
    answered at 1.102, what follows then refused at 1.104: the leader probes from what it knows to be there."""
    faults = [crash(name(2), 0.5), crash(name(1), 1.005, 0.095)]
    [(outcome, latency_ms)] = answers((*THREE, requests("put0", [1.0]), *faults))["put0"]
    assert (outcome, latency_ms) == ("ok", pytest.approx(116.0, abs=1e-6))


def test_a_paused_follower_answers_when_it_goes_on() -> None:
    """Paused from 0.9 to 1.5: the entries wait for it; its flush ends 10 ms after. With another one awake nobody
    waits."""
    writes = requests("put0", [1.0])
    assert answers((*THREE, writes, pause(name(1), 0.9, 0.6))) == {"put0": [("ok", 12.0)]}
    both = (pause(name(1), 0.9, 0.6), pause(name(2), 0.9, 0.7))
    assert answers((*THREE, writes, *both)) == {"put0": [("ok", 511.0)]}


def test_a_paused_leader_commits_when_it_goes_on() -> None:
    """Its disk works on, answers wait at its door."""
    assert answers((*THREE, requests("put0", [1.0]), pause(name(0), 1.005, 0.495))) == {"put0": [("ok", 500.0)]}


def test_without_a_leader_writes_wait_for_one() -> None:
    """One is elected at 2; its entry without content tells the others at 2.001. Member 1 forwards what waits there
    once it has flushed that, at 2.011; 14 ms later it knows of the commit."""
    assert answers((*THREE, requests("put1", [1.5])), [Act(2.0, 0, 1, 0)])["put1"] == [("ok", 525.0)]


def test_a_new_leader_commits_only_with_an_entry_of_its_own_term() -> None:
    """Member 0 dies at 1.0115, when a quorum has the write on disk and it has not heard of that. Member 1 leads from
    2 on, and commits it with its own first entry, 12 ms later: a read asked for at once waits for that, and then for
    its round of heartbeats."""
    acts = (*FIRST_LEADS, Act(2.0, 1, 2, 1), Act(2.0, 2, 2, None))
    found = answers((*THREE, requests("put0", [1.0]), requests("get1", [2.0], "get"), crash(name(0), 1.0115)), acts)
    assert found == {"put0": [("reset", 11.5)], "get1": [("ok", 14.0)]}


def test_what_an_old_leader_appended_and_nobody_has_is_gone() -> None:
    """From 1 on the others are in a later term, and take nothing of the write that member 0 makes then. Member 1 leads
    from 2 on; its entries take the place. The old write ends when its patience does."""
    parts = group_of(3, TEN)
    acts = (*FIRST_LEADS, Act(1.0, 1, 2, None), Act(1.0, 2, 2, None), Act(2.0, 1, 2, 1))
    found = answers((*parts, requests("put0", [1.0]), requests("put1", [3.0])), acts)
    assert found == {"put0": [("error", 7000.0)], "put1": [("ok", 12.0)]}


def test_reads_in_a_round_fail_when_another_leads() -> None:
    """A read at 1 asks member 0, which is dead; at 1.5 its member learns of another leader: ErrLeaderChanged. Writes
    that were forwarded are lost, and end with their patience."""
    acts = (*FIRST_LEADS, Act(1.5, 1, 2, 1))
    parts = (*THREE, requests("get2", [1.0], "get"), requests("put2", [1.1]), crash(name(0), 0.9))
    acts = (*acts, Act(1.5, 2, 2, 1))
    assert answers(parts, acts) == {"get2": [("error", 500.0)], "put2": [("error", 7000.0)]}


def test_only_members_count() -> None:
    """Of five two are no voters: two of the others are a quorum, whatever they do. From 2 on all count."""
    laws = [Constant(x / 1000.0) for x in (1, 1, 50, 1, 1)]
    parts = group_of(5, laws, log=ReplicatedLog(members=(name(0), name(1), name(2))))

    def watch(simulation: Simulation) -> None:
        def join() -> object:
            yield simulation.env.at(2.0)
            simulation.cluster.groups.set_members("etcd", frozenset(name(m) for m in range(5)))

        simulation.env.process(join())  # type: ignore[arg-type]

    faults = [crash(name(1), 0.5)]
    _, rows, _ = told(story(*parts, requests("put0", [1.0, 3.0]), *faults, until_s=20.0), watch=watch)
    assert [round(1000.0 * s, 6) for s in rows["latency_s"]] == [52.0, 3.0]


def test_lost_entries_are_counted() -> None:
    """An election that does not look at these logs: member 2, cut off by a pause, leads without what is committed."""
    parts = (*THREE, requests("put0", [1.0]), pause(name(2), 0.9, 1.0), crash(name(0), 1.5), crash(name(1), 1.5))
    acts = (*FIRST_LEADS, Act(1.6, 2, 2, 2))
    _, _, simulation = told(story(*parts, until_s=5.0), acts)
    assert simulation.cluster.groups.lost("etcd") == 1
