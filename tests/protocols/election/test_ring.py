"""The ring election (Chang, Roberts 1979): who wins, and what it costs."""

from __future__ import annotations

from collections import deque
from statistics import mean

import numpy as np
import pytest

from sim.protocols.election import RingMember
from sim.protocols.election.ring import Token


def elect(numbers: list[int], starters: list[int], kind: type[RingMember] = RingMember) -> tuple[list[RingMember], int]:
    """The members after an election and the messages of the candidates; the announcement takes one a member more."""
    members = [kind(number) for number in numbers]
    waiting: deque[tuple[int, Token]] = deque()
    candidates = 0

    def carry(place: int) -> None:
        nonlocal candidates
        for token in members[place].outbox:
            candidates += token.kind == "candidate"
            waiting.append(((place + 1) % len(members), token))
        members[place].outbox.clear()

    for place in starters:
        members[place].begin()
        carry(place)
    while waiting and candidates < 10 * len(members) ** 2:
        place, token = waiting.popleft()
        members[place].receive(token)
        carry(place)
    return members, candidates


def elects_the_largest(kind: type[RingMember] = RingMember) -> None:
    for seed in range(80):
        random = np.random.default_rng(seed)
        size = int(random.integers(1, 12))
        numbers = random.permutation(100)[:size].tolist()
        starters = random.choice(size, int(random.integers(1, size + 1)), replace=False).tolist()
        members, _ = elect(numbers, starters, kind)
        assert {member.leader for member in members} == {max(numbers)}, f"seed {seed}"


def test_the_largest_number_wins_whoever_starts():
    elects_the_largest()


@pytest.mark.parametrize("size", [8, 32])
def test_the_average_number_of_messages_is_n_times_the_harmonic_number(size: int):
    """§3: n·H_n over all arrangements, when all start."""
    random = np.random.default_rng(size)
    counts = [elect(random.permutation(size).tolist(), list(range(size)))[1] for _ in range(1500)]
    harmonic = sum(1 / k for k in range(1, size + 1))
    assert mean(counts) == pytest.approx(size * harmonic, rel=0.02)


@pytest.mark.parametrize("size", [2, 7, 20])
def test_the_worst_and_the_best_arrangement(size: int):
    """n(n + 1)/2 where each number is followed by a smaller one; 2n − 1 the other way."""
    everyone = list(range(size))
    assert elect(everyone[::-1], everyone)[1] == size * (size + 1) // 2
    assert elect(everyone, everyone)[1] == 2 * size - 1


class PassesAllOn(RingMember):
    """Does not swallow smaller numbers."""

    def receive(self, token: Token) -> None:
        if token.kind == "candidate" and token.number < self.number:
            self.outbox.append(token)
        else:
            super().receive(token)


def test_a_ring_that_passes_all_on_is_caught():
    with pytest.raises(AssertionError):
        elects_the_largest(PassesAllOn)
