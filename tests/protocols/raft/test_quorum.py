"""Majorities and joint majorities, against slow twins that count every group of voters."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from sim.protocols.raft import Configuration
from sim.protocols.raft.quorum import joint_index, joint_verdict, majority, majority_index, majority_verdict

VOTERS = "abcdefg"


def groups_of(voters: str) -> list[tuple[str, ...]]:
    """All sets of voters that are more than half."""
    sizes = (size for size in range(len(voters) + 1) if 2 * size > len(voters))
    return [group for size in sizes for group in combinations(voters, size)]


def slow_index(voters: str, held: dict[str, int]) -> int:
    """The best that some majority holds in full."""
    return max(min(held.get(voter, 0) for voter in group) for group in groups_of(voters))


def slow_verdict(voters: str, votes: dict[str, bool]) -> str:
    """Try every way in which the others may still vote."""
    missing = [voter for voter in voters if voter not in votes]
    outcomes = set()
    for later in product([False, True], repeat=len(missing)):
        all_votes = votes | dict(zip(missing, later, strict=True))
        outcomes.add(any(all(all_votes[voter] for voter in group) for group in groups_of(voters)))
    if len(outcomes) == 2:
        return "pending"
    return "won" if outcomes == {True} else "lost"


@pytest.mark.parametrize("size", range(1, 8))
def test_the_index_of_a_majority(size: int) -> None:
    random = np.random.default_rng(size)
    for _ in range(100):
        some = random.choice(list(VOTERS), random.integers(0, 8), replace=False)
        held = {str(voter): int(random.integers(0, 6)) for voter in some}
        assert majority_index(VOTERS[:size], held) == slow_index(VOTERS[:size], held), held


@pytest.mark.parametrize("size", range(1, 6))
def test_the_verdict_of_a_majority(size: int) -> None:
    """Every combination of granted, denied and missing votes, with two strangers who do not count."""
    voters = VOTERS[:size]
    for answers in product([None, False, True], repeat=size):
        votes = {voter: answer for voter, answer in zip(voters, answers, strict=True) if answer is not None}
        strangers = {"y": True, "z": True}
        assert majority_verdict(voters, votes | strangers) == slow_verdict(voters, votes), votes


def test_joint_decisions_take_both_majorities() -> None:
    random = np.random.default_rng(3)
    for _ in range(300):
        old, new = ("".join(random.choice(list(VOTERS), random.integers(1, 6), replace=False)) for _ in range(2))
        held = {voter: int(random.integers(0, 6)) for voter in VOTERS}
        assert joint_index((old, new), held) == min(slow_index(old, held), slow_index(new, held))
        votes = {voter: bool(random.integers(2)) for voter in VOTERS if random.random() < 0.7}
        both = {slow_verdict(old, votes), slow_verdict(new, votes)}
        expected = "lost" if "lost" in both else "pending" if "pending" in both else "won"
        assert joint_verdict((old, new), votes) == expected


def test_nobody_hinders_nothing() -> None:
    """The outgoing half of a configuration that is not joint."""
    assert joint_index(("abc", ""), {"a": 3, "b": 2}) == 2
    assert joint_verdict(("abc", ""), {"a": True, "b": True}) == "won"


@pytest.mark.parametrize("count", range(1, 30))
def test_two_majorities_share_a_member_and_two_of_less_need_not(count: int) -> None:
    assert 2 * majority(count) > count
    assert 2 * (majority(count) - 1) <= count


def test_consecutive_configurations_share_a_member() -> None:
    """What makes changes of one voter safe without joint consensus (thesis 4.1), and larger ones not (figure 4.2)."""

    def all_meet(old: str, new: str) -> bool:
        return all(set(one) & set(other) for one in groups_of(old) for other in groups_of(new))

    assert all(all_meet(VOTERS[:size], VOTERS[: size + 1]) for size in range(1, 7))
    assert not all_meet("abc", "abcde")


@pytest.mark.parametrize("active, has", [("ab", True), ("a", False), ("ax", False), ("abcx", True)])
def test_a_configuration_knows_a_quorum(active: str, has: bool) -> None:
    assert Configuration(frozenset("abc")).has_quorum(active) is has
