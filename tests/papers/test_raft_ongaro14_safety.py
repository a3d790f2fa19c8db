"""Ongaro & Ousterhout, USENIX ATC 2014: safety (5.4), timing (5.6), snapshots (7) and clients (8)."""

from __future__ import annotations

import pytest

from sim.protocols.raft import Config, Configuration, Entry, Message, Snapshot
from sim.protocols.raft.messages import (
    Append,
    AppendReply,
    Heartbeat,
    HeartbeatReply,
    InstallSnapshot,
    VoteReply,
    VoteRequest,
)
from tests.papers.raft_group import FIVE, THREE, Group, member, say, stored, terms_of

# --- 5.4 safety ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "voter, last_index, last_term, granted",
    [
        ([1], 1, 1, True),
        ([1, 1], 1, 1, False),
        ([1], 2, 1, True),
        ([1, 1, 1], 1, 2, True),
        ([1, 2], 9, 1, False),
        ([], 0, 0, True),
    ],
)
def test_5_4_1_only_a_candidate_as_up_to_date_gets_the_vote(voter, last_index, last_term, granted) -> None:
    """The later last term is more up-to-date; with equal terms, the longer log."""
    one = member(stored(voter, term=2))
    assert say(one, VoteRequest("b", "a", 3, last_index, last_term))[0].granted is granted


def test_5_4_1_a_log_without_a_committed_entry_cannot_win() -> None:
    group = Group()
    group.elect("a")
    group.cut = {"c"}
    group.propose("a", "x")
    group.crash("a")
    group.cut = set()
    for _ in range(5):
        group["c"].tick(group["c"].ticks_until_due())
        group.deliver()
        assert group["c"].role != "leader"
    group.elect("b")
    assert group.applied["b"] == ["x"]


def figure_8() -> Group:
    """(c) of figure 8: S1 leads in term 4 and replicates the entry of term 2 to a majority."""
    disks = {
        "s1": stored([1, 2], term=3),
        "s2": stored([1, 2], term=3),
        "s3": stored([1], term=3),
        "s4": stored([1], term=3),
        "s5": stored([1, 3], term=3),
    }
    group = Group(tuple(disks), disks)
    group.cut = {"s5", "s4"}
    group["s1"].tick(group["s1"].ticks_until_due())

    def without_term_4(message: Message) -> bool:
        return not (isinstance(message, Append) and any(entry.term == 4 for entry in message.entries))

    group.deliver(without_term_4)
    one = group["s1"]
    assert (one.role, one.term) == ("leader", 4)
    for other in ("s2", "s3"):
        group[other].step(Append("s1", other, 4, 1, 1, (one.log.entries[1],), 0))
        group.deliver(without_term_4)
    assert [one.progress[other].match for other in ("s2", "s3")] == [2, 2]
    return group


def test_5_4_2_figure_8_entries_of_older_terms_are_not_committed_by_counting() -> None:
    group = figure_8()
    assert [terms_of(group[name])[:2] for name in ("s1", "s2", "s3")] == [[1, 2]] * 3
    assert group["s1"].commit_index == 0


def test_5_4_2_figure_8_d_they_may_still_be_overwritten() -> None:
    group = figure_8()
    group.crash("s1")
    group.cut = set()
    group.elect("s5")
    group.beat("s5")
    assert {tuple(terms_of(one)[:2]) for one in group.members.values()} == {(1, 3)}


def test_5_4_2_figure_8_e_an_entry_of_the_own_term_commits_them() -> None:
    group = figure_8()
    group.beat("s1")
    group.beat("s1")
    assert group["s1"].commit_index == 3


# --- 5.6 timing, 7 snapshots, 8 clients ------------------------------------------------------------------------------


def test_5_6_the_election_timeout_must_exceed_the_heartbeat() -> None:
    with pytest.raises(ValueError, match="election_ticks: got 5; must be above heartbeat_ticks, 5"):
        Config("a", THREE, election_ticks=5, heartbeat_ticks=5)


def snapshot(index: int, term: int) -> InstallSnapshot:
    return InstallSnapshot("b", "a", 3, Snapshot(index, term, Configuration(frozenset(THREE)), ("state",)))


def test_7_a_snapshot_replaces_a_log_that_does_not_reach_it() -> None:
    one, disk = member(stored([1, 1])), stored([1, 1])
    one.step(snapshot(7, 2))
    ready = one.ready()
    assert ready.snapshot == snapshot(7, 2).snapshot
    assert ready.messages_after_persist == (AppendReply("a", "b", 3, 7),)
    assert (one.log.entries, one.log.last_index, one.log.last_term, one.commit_index) == ([], 7, 2, 7)
    disk.save(ready)
    assert (disk.entries, disk.snapshot, member(disk).log.last_index) == ([], snapshot(7, 2).snapshot, 7)


def test_7_what_follows_a_snapshot_stays() -> None:
    """If the log holds the snapshot's last entry, only what the snapshot covers may go."""
    one = member(stored([1, 2, 2, 2]))
    say(one, snapshot(2, 2))
    assert (one.log.last_index, one.commit_index) == (4, 2)


def test_7_a_snapshot_of_the_past_is_ignored() -> None:
    one = member(stored([1, 2, 2]))
    answers = say(one, Append("b", "a", 3, 3, 2, (), 3), snapshot(2, 2))
    assert answers[-1] == AppendReply("a", "b", 3, 3)
    assert terms_of(one) == [1, 2, 2]


def test_7_an_old_append_before_the_snapshot_is_answered_with_what_is_committed() -> None:
    one = member(stored(term=2))
    say(one, snapshot(7, 2))
    (answer,) = say(one, Append("b", "a", 3, 2, 1, (Entry(1, 3),), 2))
    assert answer == AppendReply("a", "b", 3, 7)


def test_7_the_leader_sends_its_snapshot_to_whom_it_cannot_send_entries() -> None:
    group = Group()
    group.elect("a")
    group.cut = {"c"}
    group.propose("a", *range(20))
    group.disks["a"].compact(group["a"].compact(15, tuple(group.applied["a"][:14])))
    assert group["a"].log.first_index == 16
    group.cut = set()
    for _ in range(3):
        group.beat("a")
    assert group.applied["c"] == group.applied["a"] == list(range(20))
    assert group["c"].log.first_index == 16


def test_7_a_lost_snapshot_is_sent_again() -> None:
    group = Group()
    group.elect("a")
    group.cut = {"c"}
    group.propose("a", *range(5))
    group["a"].compact(6, tuple(range(5)))
    group.cut = set()
    group["a"].tick()
    group.deliver(lambda message: not isinstance(message, InstallSnapshot))
    for _ in range(2 * group["a"].config.election_ticks):
        group.beat("a")
    assert group.applied["c"] == list(range(5))


def test_7_a_restart_from_a_snapshot_and_the_log() -> None:
    group = Group()
    group.elect("a")
    group.propose("a", *range(10))
    disk = group.disks["a"]
    disk.compact(group["a"].compact(8, tuple(range(7)), keep_entries=3), keep_entries=3)
    assert (disk.discarded_index, disk.discarded_term) == (5, 1)
    again = member(disk)
    assert (again.log.first_index, again.log.last_index, again.log.applied_index) == (6, 11, 8)
    assert again.log.entries == group["b"].log.entries[5:]


def test_8_a_new_leader_commits_a_no_op_to_learn_what_is_committed() -> None:
    group = Group()
    group.elect("a")
    group["a"].propose("x")
    group.deliver(lambda message: isinstance(message, (Append, AppendReply)) and message.receiver != "c")
    group.crash("a")
    one = group.elect("b")
    assert one.log.entries[-1] == Entry(one.term, 3)
    assert group.applied["b"] == ["x"]


def test_8_a_read_is_answered_after_a_round_to_a_majority() -> None:
    group = Group(FIVE)
    group.elect("a")
    assert group["a"].read_index("r1")
    assert "r1" not in group.reads["a"]
    group.cut = {"c", "d", "e"}
    group.deliver()
    assert "r1" not in group.reads["a"]
    group.cut = set()
    group.beat("a")
    assert group.reads["a"] == {"r1": 1}


def test_8_a_deposed_leader_answers_no_read() -> None:
    group = Group()
    group.elect("a")
    group.cut = {"a"}
    group.elect("b")
    group.propose("b", "new")
    group.cut = set()
    assert group["a"].is_leader
    group["a"].read_index("stale")
    group.deliver()
    group.beat("b")
    assert "stale" not in group.reads["a"]


def test_8_a_read_waits_for_the_leaders_first_commit() -> None:
    group = Group()
    group["a"].tick(group["a"].ticks_until_due())
    group.deliver(lambda message: isinstance(message, (VoteRequest, VoteReply)))
    assert (group["a"].role, group["a"].commit_index) == ("leader", 0)
    group["a"].read_index("early")
    group.deliver(lambda message: isinstance(message, (Heartbeat, HeartbeatReply)))
    assert group.reads["a"] == {}
    group.beat("a")
    group.beat("a")
    assert group.reads["a"] == {"early": 1}
