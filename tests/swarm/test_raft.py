"""Random groups of Raft members keep every promise, and machines with one mistake each are found out."""

from __future__ import annotations

import pytest

from tests.swarm.raft import BROKEN, Knobs, outcomes, run, told

COUNTED_SHARE_MIN = 0.9
QUICK = 30
FOUND_WITHIN = {
    "VotesTwice": 40,
    "VotesForAnyLog": 40,
    "CommitsWithoutMajority": 60,
    "AcknowledgesBeforeTheDisk": 40,
    "TruncatesItsLog": 40,
    "SkipsTheConsistencyCheck": 40,
    "ReadsWithoutQuorum": 40,
    "ReadsBeforeItsTerm": 60,
    "AppliesWhatItHolds": 40,
    "TellsItsCommitIndexToAll": 40,
    "AppliesRetriesAgain": 40,
    "CountsItselfBeforeTheDisk": 60,
    "KeepsLeases": 60,
}
"""Broken machine → seeds that suffice, several times what it took when this was written."""


def promises_are_kept(first: int, count: int) -> None:
    counted = 0
    for outcome in outcomes(first, count):
        assert not outcome.violations, told(outcome)
        counted += outcome.counts
    assert counted >= COUNTED_SHARE_MIN * count, f"only {counted} of {count} seeds reach what they have to"


def test_random_groups_keep_every_promise() -> None:
    promises_are_kept(0, QUICK)


@pytest.mark.slow
def test_many_random_groups_keep_every_promise() -> None:
    """Two thousand that count: 6 % of the seeds did not when this was written."""
    promises_are_kept(1000, 2200)


def test_a_seed_replays() -> None:
    first, second = run(3), run(3)
    assert first == second and first.operations > 50
    assert run(4) != first


def test_groups_of_all_sizes_and_all_kinds_of_dials_occur() -> None:
    knobs = [Knobs.of(seed) for seed in range(QUICK)]
    assert {knob.members for knob in knobs} == {3, 5, 7}
    assert {knob.lease_reads for knob in knobs} == {knob.pre_vote for knob in knobs} == {False, True}


@pytest.mark.parametrize("name", FOUND_WITHIN)
def test_a_broken_machine_is_found_out(name: str) -> None:
    assert any(outcome.violations for outcome in outcomes(0, FOUND_WITHIN[name], name))


@pytest.mark.slow
def test_a_vote_that_is_forgotten_is_found_out() -> None:
    """It takes a restart between two elections of one term: once in some hundred seeds."""
    assert any(outcome.violations for outcome in outcomes(0, 1500, "ForgetsItsVote"))


def test_who_fails_is_told_how_to_replay() -> None:
    broken = next(outcome for outcome in outcomes(0, 40, "VotesForAnyLog") if outcome.violations)
    text = told(broken, "VotesForAnyLog")
    assert f"python -m tests.swarm.raft --seed {broken.knobs.seed} --broken VotesForAnyLog" in text
    assert "Leader Completeness" in text
    assert BROKEN["nothing"].dials == {}
