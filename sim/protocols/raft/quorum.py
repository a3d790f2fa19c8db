"""Majorities: which index a quorum holds, and who has won a vote. Pure functions of sets.

Source: Ongaro, "Consensus: Bridging Theory and Practice", 2014, sections 3.3, 3.6 and 4.3. In joint consensus a
decision takes a majority of the old and a majority of the new voters, each on its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

Verdict = Literal["won", "lost", "pending"]

ANY_INDEX = 1 << 62
"""What a set without members agrees on: it hinders nobody."""


def majority(count: int) -> int:
    """The smallest number of members of which any two groups share one."""
    return count // 2 + 1


def majority_index(voters: Collection[str], held: Mapping[str, int]) -> int:
    """The highest index that a majority of `voters` holds; who is not in `held` holds 0."""
    if not voters:
        return ANY_INDEX
    descending = sorted((held.get(voter, 0) for voter in voters), reverse=True)
    return descending[majority(len(voters)) - 1]


def majority_verdict(voters: Collection[str], votes: Mapping[str, bool]) -> Verdict:
    """`pending` while the voters who have not answered could still decide it. Votes of others do not count."""
    if not voters:
        return "won"
    granted = sum(votes.get(voter, False) for voter in voters)
    missing = sum(voter not in votes for voter in voters)
    needed = majority(len(voters))
    if granted >= needed:
        return "won"
    return "pending" if granted + missing >= needed else "lost"


def joint_index(groups: Iterable[Collection[str]], held: Mapping[str, int]) -> int:
    """The highest index that a majority of each group holds."""
    return min(majority_index(group, held) for group in groups)


def joint_verdict(groups: Iterable[Collection[str]], votes: Mapping[str, bool]) -> Verdict:
    """Won if every group's majority granted, lost as soon as one cannot."""
    verdicts = [majority_verdict(group, votes) for group in groups]
    if "lost" in verdicts:
        return "lost"
    return "pending" if "pending" in verdicts else "won"
