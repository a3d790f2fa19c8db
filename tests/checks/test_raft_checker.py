"""The Raft checker lets a good history pass and catches a violation of each property of figure 3 (Ongaro & Ousterhout
2014), each made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from sim.checks import CHECKS, LogEntry, MemberRestarted, MemberState, RaftCheck, raft


@dataclass(frozen=True)
class Entry:
    index: int
    term: int
    data: Any = None


def entries(*terms: int, first: int = 1) -> tuple[LogEntry, ...]:
    """A log by its terms; equal positions with equal terms are equal entries."""
    return tuple(Entry(index, term, f"{index}@{term}") for index, term in enumerate(terms, start=first))


class Story:
    """States of members a second apart; each line is (member, role, term, commit index, …)."""

    def __init__(self) -> None:
        self.check = RaftCheck()
        self.now_s = 0.0

    def tell(self, member: str, role: str, term: int, commit_index: int = 0, **more: Any) -> None:
        self.now_s += 1.0
        self.check.observe(MemberState(self.now_s, "etcd", member, role, term, commit_index, **more))

    def restart(self, member: str, term: int, **more: Any) -> None:
        self.now_s += 1.0
        more = {"commit_index": 0, **more}
        self.check.observe(MemberRestarted(self.now_s, "etcd", member, term, **more))

    @property
    def sentence(self) -> str:
        """The only violation."""
        (sentence,) = self.check.violations()
        return sentence


@pytest.fixture
def story() -> Story:
    """A leader of term 1 whose first two entries b holds too, one of them committed there."""
    told = Story()
    told.tell("a", "leader", 1, appended=entries(1, 1, 1))
    told.tell("b", "follower", 1, appended=entries(1, 1))
    told.tell("a", "leader", 1, 2, applied=entries(1, 1))
    told.tell("b", "follower", 1, 1, applied=entries(1))
    assert not told.check.violations()
    return told


def test_a_good_history_passes(story: Story) -> None:
    story.tell("b", "candidate", 2, 1)
    story.tell("b", "leader", 2, 1, appended=entries(2, first=3))
    story.tell("a", "follower", 2, 2, appended=entries(2, first=3))  # an uncommitted entry gives way
    story.tell("b", "leader", 2, 3, applied=entries(1, 2, first=2))
    story.restart("a", 2, log=entries(1, 1, 2), durable_term=2, durable_index=3)
    story.tell("a", "follower", 2, 3, applied=entries(1, 1, 2))
    story.tell("c", "follower", 2, 3, snapshot=(3, 2))
    story.tell("c", "follower", 2, 3, appended=entries(2, first=4))
    assert not story.check.violations()


def test_two_leaders_in_one_term(story: Story) -> None:
    story.tell("b", "leader", 1, 1)
    assert story.sentence == "etcd at 5 s: Election Safety: b leads in term 1; a did since 1 s"


def test_one_leader_in_each_of_two_terms_at_a_time(story: Story) -> None:
    story.tell("b", "leader", 2, 1)
    story.tell("a", "leader", 1, 2)
    assert not story.check.violations()


def test_a_leader_that_overwrites_its_own_log(story: Story) -> None:
    story.tell("a", "leader", 1, 2, appended=(Entry(3, 1, "else"),))
    assert "Leader Append-Only: a, leader of term 1, overwrites its log from index 3" in story.check.violations()[0]


def test_an_entry_behind_another_than_elsewhere(story: Story) -> None:
    story.tell("c", "follower", 3, appended=entries(1, 2, 3))
    story.tell("d", "follower", 3, appended=entries(1, 1, 3))
    assert "Log Matching: d has index 3 of term 3 behind an entry of term 1; another log has it" in story.sentence


def test_two_contents_of_one_entry(story: Story) -> None:
    story.tell("b", "follower", 1, 1, appended=(Entry(3, 1, "else"),))
    assert "Log Matching: index 3 of term 1 is 'else' in the log of b, and '3@1' in another" in story.sentence


def test_a_log_whose_terms_fall(story: Story) -> None:
    story.tell("b", "follower", 4, 1, appended=entries(4, 3, first=3))
    assert "b has term 3 at index 4 behind term 4" in story.sentence


def test_a_hole_in_a_log(story: Story) -> None:
    story.tell("b", "follower", 1, 1, appended=entries(1, first=4))
    assert "b appends index 4 behind 2: a hole in its log" in story.sentence


def test_a_leader_without_a_committed_entry(story: Story) -> None:
    story.tell("c", "leader", 2, appended=entries(1, 2))
    assert story.sentence == (
        "etcd at 5 s: Leader Completeness: c, leader of term 2, lacks index 2 of term 1, which was committed in term 1"
    )


def test_a_late_commit_that_a_newer_leader_lacks() -> None:
    story = Story()
    story.tell("a", "leader", 1, appended=entries(1, 1))
    story.tell("c", "leader", 2, appended=entries(1, 2))
    story.tell("a", "leader", 1, 1)  # c holds this one
    assert not story.check.violations()
    story.tell("a", "leader", 1, 2)
    assert "Leader Completeness: c, leader of term 2, lacks index 2 of term 1" in story.sentence


def test_two_entries_committed_at_one_index(story: Story) -> None:
    story.tell("c", "follower", 3, 2, appended=entries(1, 3))
    assert "State Machine Safety: c in term 3 commits index 2 of term 3; committed there is an entry of term 1" in (
        story.sentence
    )


def test_something_else_is_applied(story: Story) -> None:
    story.tell("b", "follower", 1, 2, applied=(Entry(2, 1, "else"),))
    assert "State Machine Safety: b applies 'else' of term 1 at index 2; committed there is '2@1'" in story.sentence


def test_applied_beyond_the_commit_index(story: Story) -> None:
    story.tell("b", "follower", 1, 1, applied=entries(1, first=2))
    assert "b in term 1 applies index 2 beyond its commit index 1" in story.sentence


def test_applied_out_of_order(story: Story) -> None:
    story.tell("a", "leader", 1, 2, applied=entries(1, first=2))
    assert "a applies index 2 after 2" in story.sentence


def test_committed_entries_are_overwritten(story: Story) -> None:
    story.tell("b", "follower", 2, 1, appended=entries(2))
    assert "b overwrites its log from index 1 on, and had committed up to index 1" in story.sentence


def test_a_commit_beyond_the_log(story: Story) -> None:
    story.tell("b", "follower", 1, 3)
    assert "b commits index 3, and its log ends at 2" in story.sentence


def test_term_and_commit_index_go_back(story: Story) -> None:
    story.tell("a", "follower", 0, 1)
    term, commit = story.check.violations()
    assert "a went back from term 1 to 0" in term
    assert "a takes its commit index back from 2 to 1" in commit


def test_a_restart_may_forget_only_what_was_not_flushed(story: Story) -> None:
    story.restart("b", 0, log=entries(1), durable_term=0, durable_index=1)
    assert not story.check.violations()
    story.tell("b", "follower", 1, appended=entries(1, first=2))
    story.restart("b", 0, log=entries(1), durable_term=1, durable_index=2)
    term, log = story.check.violations()
    assert "b restarts in term 0, and had flushed term 1" in term
    assert "b restarts with a log up to 1, and had flushed up to 2" in log


def test_snapshots_of_what_is_not_committed(story: Story) -> None:
    story.tell("d", "follower", 2, 2, snapshot=(2, 2))
    story.tell("c", "follower", 2, 3, snapshot=(3, 1))
    other, *_, ahead = story.check.violations()
    assert "d installs a snapshot at index 2, term 2: committed there is term 1" in other
    assert "c installs a snapshot up to index 3: nobody has committed that" in ahead


def test_groups_are_apart(story: Story) -> None:
    story.check.observe(MemberState(9.0, "consul", "b", "leader", 1, 0))
    assert not story.check.violations()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies far behind the commit index is forgotten, and nothing is held against it any more."""
    monkeypatch.setattr(raft, "KEPT", 100)
    check = RaftCheck()
    for index in range(1, 1001):
        check.observe(MemberState(float(index), "g", "a", "leader", 1, index, (Entry(index, 1, index),)))
    checker = check.groups["g"]
    assert len(checker._before) < 210 and len(checker._committed) < 210 and len(checker._members["a"].terms) < 410
    assert not check.violations()


def test_it_is_registered() -> None:
    assert {name: check.name for name, check in CHECKS.items()} == {name: name for name in CHECKS}
    assert {"raft", "linearizable", "swim", "fencing"} <= set(CHECKS)
