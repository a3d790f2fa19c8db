"""Raft members as processes: crashes, partitions, slow disks and pauses strike them as they would strike a server."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sim.engine.clock import Environment
from sim.protocols.raft import Message, Raft
from sim.registries.raft_group import etcd_timers, hashicorp_timers
from sim.registries.raft_ticks import Ticker
from tests.registries.raft_cluster import HOSTS, Story, lines, play

ELECTION_S, HEARTBEAT_S = 1.0, 0.1


def outages(run) -> list[tuple[float, float]]:
    events = lines(run, "unwritable", "writable")
    assert [event for _, event, _ in events] == ["unwritable", "writable"] * (len(events) // 2)
    times = [time_s for time_s, _, _ in events]
    return list(zip(times[::2], times[1::2], strict=True))


def crash(host: str):
    return lambda story: story.cluster.crash("instance", host)


def restore(host: str):
    return lambda story: story.cluster.restore("instance", host)


def test_at_time_0_the_group_is_old() -> None:
    story, run = play({}, duration_s=20.0)
    assert lines(run, "elected", "ready", "stepped_down") == [(0.0, "elected", "kv-1"), (0.0, "ready", "kv-1")]
    assert {member.leader for member in story.members.values()} == {"kv-1"}


def test_a_write_takes_the_way_there_and_back_and_the_disk() -> None:
    """Hops of 1 ms, fsync 1 ms; the leader's own write runs beside its followers'."""
    story, _ = play({1.0: lambda s: s.propose("kv-1", "x"), 2.0: lambda s: s.propose("kv-2", "y")}, duration_s=5.0)
    assert story.told == [(1.003, "x", "ok"), (2.005, "y", "ok")]
    assert story.taken() == [["x", "y"]] * 5


@pytest.mark.parametrize(
    "size, slow, takes_s",
    [(3, "3", 0.003), (3, "23", 0.012), (5, "45", 0.003), (5, "345", 0.012), (3, "1", 0.010)],
)
def test_a_write_waits_for_the_quorums_slowest_disk(size: int, slow: str, takes_s: float) -> None:
    """The fastest majority decides: with slow disks (fsync 10 ms instead of 1) in every majority, theirs do. The
    leader's own disk always does, though its followers have stored the entry long before: etcd looks at their answers
    between two writes."""

    def slow_down(story: Story) -> None:
        for number in slow:
            story.cluster.slow_disk(f"db-{number}", 0.1)

    story, _ = play({0.5: slow_down, 1.0: lambda s: s.propose("kv-1", "x")}, size=size, duration_s=5.0)
    ((time_s, _, outcome),) = story.told
    assert outcome == "ok"
    assert time_s == pytest.approx(1.0 + takes_s)


@pytest.mark.parametrize("seed", range(4))
def test_a_dead_leader_is_replaced_after_an_election_timeout(seed: int) -> None:
    """Its followers wait [10, 20) ticks from its last heartbeat, at most one tick before the crash; PreVote and the
    vote take a round and a write each; the first of four to time out usually wins."""
    _, run = play({5.0: crash("kv-1")}, seed=seed, duration_s=12.0)
    (time_s, _, leader), *more = [line for line in lines(run, "elected") if line[0] > 0]
    assert not more
    assert leader != "kv-1"
    assert ELECTION_S - 2 * HEARTBEAT_S < time_s - 5.0 < 2 * ELECTION_S + 0.1
    ((start_s, end_s),) = outages(run)
    assert 5.0 - HEARTBEAT_S - 0.01 < start_s <= 5.0
    assert time_s < end_s < time_s + 0.01


def test_what_was_acknowledged_survives_and_the_dead_catches_up() -> None:
    acts = {1.0 + at / 10: lambda s, at=at: s.propose("kv-2", at) for at in range(10)}
    acts |= {1.95: crash("kv-2"), 5.0: crash("kv-1"), 10.0: restore("kv-2"), 11.0: restore("kv-1")}
    story, _ = play(acts, duration_s=15.0)
    acknowledged = [what for _, what, outcome in story.told if outcome == "ok"]
    assert acknowledged == list(range(10))
    taken = story.taken()
    assert len(taken) == 5
    assert all(one[:10] == acknowledged for one in taken)


def test_a_restarted_member_remembers_its_term_and_log() -> None:
    acts = {1.0: lambda s: s.propose("kv-1", "x"), 2.0: crash("kv-3"), 3.0: restore("kv-3")}
    story, _ = play(acts, duration_s=3.0005)
    assert story.members["kv-3"].raft.term == 1
    assert story.members["kv-3"].state_machine.taken == ["x"]


def test_without_a_quorum_nothing_is_committed_and_the_leader_steps_down() -> None:
    """CheckQuorum: within two election timeouts."""
    acts = {5.0: crash("kv-2"), 5.001: crash("kv-3"), 5.002: crash("kv-4"), 6.0: lambda s: s.propose("kv-1", "x")}
    acts |= {6.5: lambda s: s.read("kv-1", "r"), 15.0: restore("kv-2")}
    story, run = play(acts, duration_s=25.0)
    ((down_s, _, who),) = lines(run, "stepped_down")
    assert who == "kv-1"
    assert ELECTION_S <= down_s - 5.0 <= 2 * ELECTION_S + HEARTBEAT_S
    ((start_s, end_s),) = outages(run)
    assert 4.9 <= start_s <= 5.0
    assert 15.0 < end_s < 15.0 + 4 * ELECTION_S
    assert [(what, outcome) for _, what, outcome in story.told] == [("x", "timeout"), ("r", "timeout")]


def test_a_partition_leaves_the_majority_its_leader() -> None:
    acts = {5.0: lambda s: s.cut("kv-4", "kv-5"), 8.0: lambda s: s.propose("kv-1", "x"), 12.0: Story.heal}
    story, run = play(acts, duration_s=30.0)
    assert len(lines(run, "elected")) == 1, "PreVote: those who come back do not disturb"
    assert outages(run) == []
    assert story.taken() == [["x"]] * 5


def test_a_leader_in_the_minority_is_replaced_and_gives_up_what_it_could_not_commit() -> None:
    acts = {
        5.0: lambda s: s.cut("kv-1", "kv-2"),
        5.5: lambda s: s.propose("kv-1", "lost"),
        9.0: lambda s: s.propose("kv-3", "kept"),
        12.0: Story.heal,
    }
    story, run = play(acts, duration_s=30.0)
    assert ("lost", "timeout") in [(what, outcome) for _, what, outcome in story.told]
    assert story.taken() == [["kept"]] * 5
    ((start_s, end_s),) = outages(run)
    assert 4.9 <= start_s <= 5.0
    assert 6.0 <= end_s < 8.0


def test_a_read_at_a_deposed_leader_does_not_return_the_past() -> None:
    acts = {
        5.0: lambda s: s.cut("kv-1", "kv-2"),
        5.2: lambda s: s.read("kv-1", "stale", 3.0),
        9.0: lambda s: s.read("kv-3", "fresh"),
    }
    story, _ = play(acts, duration_s=15.0)
    assert {what: outcome for _, what, outcome in story.told} == {"stale": "timeout", "fresh": "ok"}


def test_reads_under_way_end_when_the_leader_changes() -> None:
    """etcd answers them with an error; here their round had no answer because of the partition."""
    acts = {5.0: lambda s: s.cut("kv-1", "kv-2"), 5.1: lambda s: s.read("kv-3", "r", 10.0)}
    story, run = play(acts, duration_s=15.0)
    new = next(time_s for time_s, _, _ in lines(run, "elected") if time_s > 0.0)
    ((time_s, _, outcome),) = story.told
    assert outcome == "leader changed"
    assert new <= time_s < new + 0.01


def test_a_leader_that_keeps_its_office_without_a_quorum_cannot_commit() -> None:
    """Without CheckQuorum it steps down for nobody; what it says of itself is not what is recorded."""
    acts = {5.0: lambda s: [crash(host)(s) for host in HOSTS[1:3]], 15.0: restore("kv-2")}
    _, run = play(acts, size=3, duration_s=20.0, pre_vote=False, check_quorum=False)
    assert not lines(run, "stepped_down")
    ((start_s, end_s),) = outages(run)
    assert 4.9 < start_s <= 5.0
    assert 15.0 < end_s < 15.0 + 2 * HEARTBEAT_S


def test_a_paused_leader_does_not_stand_up_as_leader_for_long() -> None:
    """The others replace it; when it goes on, the answers to its heartbeats tell it."""
    acts = {
        5.0: lambda s: s.cluster.pause("instance", "kv-1"),
        15.0: lambda s: s.cluster.resume("instance", "kv-1"),
    }
    _, run = play(acts, duration_s=20.0)
    ((down_s, _, who),) = lines(run, "stepped_down")
    assert (who, len(lines(run, "elected"))) == ("kv-1", 2)
    assert 15.0 <= down_s < 15.0 + 2 * HEARTBEAT_S
    assert len(outages(run)) == 1


def test_a_paused_follower_does_not_stand() -> None:
    """A pause is no silence: of the ticks that fell into it one counts (a Go ticker)."""
    acts = {
        5.0: lambda s: s.cluster.pause("instance", "kv-3"),
        15.0: lambda s: s.cluster.resume("instance", "kv-3"),
    }
    story, run = play(acts, duration_s=20.0, pre_vote=False, check_quorum=False)
    assert len(lines(run, "elected")) == 1
    assert story.members["kv-1"].raft.term == 1


def test_a_stuck_disk_of_the_leader_silences_it() -> None:
    """etcd sends heartbeats from the loop that waits for the disk: with writes of 4 s the leader loses its office."""
    acts = {
        4.0: lambda s: s.cluster.slow_disk("db-1", 0.00025),
        5.0: lambda s: s.propose("kv-1", "x"),
        15.0: lambda s: s.cluster.unslow_disk("db-1", 0.00025),
    }
    story, run = play(acts, duration_s=30.0)
    replaced = [line for line in lines(run, "elected") if line[0] > 0.0]
    assert replaced
    assert 5.0 < replaced[0][0] < 5.0 + 2 * ELECTION_S + 0.1
    assert replaced[0][2] != "kv-1"
    assert story.taken()[1:] == [["x"]] * 4


def test_a_transfer_moves_the_leadership_at_once() -> None:
    _, run = play({5.0: lambda s: s.members["kv-1"].transfer_leadership("kv-4")}, duration_s=10.0)
    ((time_s, _, who),) = [line for line in lines(run, "elected") if line[0] > 0.0]
    assert who == "kv-4"
    assert time_s - 5.0 < 0.01


def test_reads_asked_together_share_a_round() -> None:
    acts = {1.0: lambda s: [s.read("kv-2", f"r{at}") for at in range(5)]}
    story, _ = play(acts, duration_s=5.0)
    first, *rest = [time_s for time_s, _, _ in story.told]
    assert first == pytest.approx(1.004)
    assert rest == pytest.approx([1.008] * 4)


def test_a_log_is_compacted_and_a_late_member_gets_the_snapshot() -> None:
    acts = {0.5: crash("kv-5")} | {1.0 + at / 100: lambda s, at=at: s.propose("kv-1", at) for at in range(100)}
    acts[10.0] = restore("kv-5")
    story, _ = play(acts, duration_s=15.0, snapshot_entries=30, keep_entries=5)
    assert story.taken() == [list(range(100))] * 5
    assert story.members["kv-1"].raft.log.first_index > 60
    assert story.members["kv-5"].raft.log.first_index > 60


def test_an_idle_group_costs_little(monkeypatch) -> None:
    """Five members: a heartbeat to each of four and back every 100 ms are 80 events a second."""
    steps = []
    step = Environment.step
    monkeypatch.setattr(Environment, "step", lambda env: (steps.append(env.now), step(env))[1])
    play({}, duration_s=20.0)
    assert len(steps) / 20.0 < 100


def test_consul_is_slower_than_etcd() -> None:
    """raft_multiplier 5: a server stands 5 to 15 s after the leader's last word instead of 1 to 2, and refuses its vote
    until it does. The third of four to look has a majority."""
    consul = hashicorp_timers()
    names = {name: getattr(consul, name) for name in consul.__slots__}
    _, run = play({10.0: crash("kv-1")}, duration_s=40.0, **names)
    (time_s, _, _), *_ = [line for line in lines(run, "elected") if line[0] > 0]
    assert 5.0 < time_s - 10.0 < 20.0


@pytest.mark.parametrize("multiplier", [1, 5, 10])
def test_consuls_timers(multiplier: int) -> None:
    timers = hashicorp_timers(multiplier)
    assert timers.election_s == pytest.approx(1.0 * multiplier)
    assert timers.quorum_ticks * timers.tick_s == pytest.approx(0.5 * multiplier)


def test_etcds_timers() -> None:
    timers = etcd_timers(heartbeat_s=0.25, election_s=2.5)
    assert (timers.tick_s, timers.election_ticks, timers.check_quorum) == (0.25, 10, True)


class AnswersBeforeTheDisk(Raft):
    def must_wait_for_disk(self, message: Message) -> bool:
        return False


@pytest.mark.parametrize("machine, is_safe", [(Raft, True), (AnswersBeforeTheDisk, False)])
def test_what_is_acknowledged_before_the_disk_has_it_can_be_lost(machine: type[Raft], is_safe: bool) -> None:
    """The followers' disks need a second; all lose power after 20 ms, and the leader stays away. Followers that hurry
    have said that they hold the entry."""
    acts = {
        0.5: lambda s: [s.cluster.slow_disk(node, 0.001) for node in ("db-2", "db-3")],
        1.0: lambda s: s.propose("kv-1", "x", 0.01),
        1.02: lambda s: [crash(host)(s) for host in HOSTS[:3]],
        2.0: lambda s: [s.cluster.unslow_disk(node, 0.001) for node in ("db-2", "db-3")],
        3.0: lambda s: [restore(host)(s) for host in HOSTS[1:3]],
        10.0: lambda s: s.propose("kv-2", "y"),
    }
    if is_safe:
        story, _ = play(acts, size=3, duration_s=15.0)
        assert [(what, outcome) for _, what, outcome in story.told] == [("x", "timeout"), ("y", "ok")]
    else:
        with pytest.raises(AssertionError, match="raft: "):
            play(acts, size=3, duration_s=15.0, machine=machine)


def test_runs_repeat_to_the_bit() -> None:
    acts = {5.0: crash("kv-1"), 9.0: restore("kv-1"), 12.0: lambda s: s.cut("kv-2")}
    first, second, other = (play(acts, seed=seed, duration_s=15.0)[1].control for seed in (1, 1, 2))
    assert first.equals(second)
    assert not first.equals(other)


def test_ticks_stand_at_the_start_plus_k_periods_and_pauses_drop_all_but_one() -> None:
    ticker = Ticker(10.0, 0.1)
    assert ticker.passed(10.05, ()) == 0
    assert ticker.due_s(1) == pytest.approx(10.1)
    assert ticker.passed(10.31, ()) == 3
    pauses = [(10.32, 12.07)]
    assert ticker.passed(12.07, pauses) == 1
    assert ticker.due_s(1) == pytest.approx(12.1)
    assert ticker.passed(12.1, pauses) == 1
    later = [ticker.due_s(ticks) for ticks in range(1, 5)]
    assert [b - a for a, b in pairwise(later)] == pytest.approx([0.1] * 3)


def test_hosts_are_named_after_their_instances() -> None:
    story, _ = play({}, size=3, duration_s=1.0)
    assert [member.address for member in story.members.values()] == [f"{host}/kv.raft" for host in HOSTS[:3]]
