"""When replications fall into two groups, and how often the rule sees two where there is one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sim.statistics import two_groups
from sim.statistics.fates import CRITICAL, CRITICAL_FROM_10, _gap_ratios

Draw = Callable[[np.random.Generator, int], np.ndarray]
UNIMODAL: dict[str, tuple[Draw, dict[int, float]]] = {
    "normal": (lambda g, n: g.normal(size=n), {5: 0.01, 10: 0.01, 20: 0.01}),
    "uniform": (lambda g, n: g.uniform(size=n), {5: 0.02, 10: 0.015, 20: 0.01}),
    "logistic": (lambda g, n: g.logistic(size=n), {5: 0.015, 10: 0.015, 20: 0.01}),
    "gamma of shape 4": (lambda g, n: g.gamma(4.0, size=n), {5: 0.02, 10: 0.03, 20: 0.01}),
    "exponential": (lambda g, n: g.exponential(size=n), {5: 0.05, 10: 0.1, 20: 0.05}),
}
"""Laws with one peak, and how often at most they are split without any least gap, by the number of replications."""


def largest_ratio(values: np.ndarray) -> float:
    return float(_gap_ratios(np.sort(values)).max())


@pytest.mark.parametrize("n", [3, 5, 7, 9])
def test_critical_values_are_the_99th_percentiles_of_normal_samples(n: int) -> None:
    generator = np.random.default_rng(n)
    beyond = np.mean([largest_ratio(generator.normal(size=n)) > CRITICAL[n] for _ in range(3000)])
    assert 0.0046 < beyond < 0.0155


@pytest.mark.parametrize("law", UNIMODAL)
def test_false_alarms_on_laws_with_one_peak(law: str) -> None:
    draw, most = UNIMODAL[law]
    generator = np.random.default_rng(1)
    for n, at_most in most.items():
        split = np.mean([two_groups(draw(generator, n).tolist(), 0.0) is not None for _ in range(700)])
        assert split <= at_most + 3 * np.sqrt(at_most / 700), f"{law}, {n} replications: {split:.1%}"


@pytest.mark.parametrize("mean_share", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("n", [5, 10, 20])
def test_false_alarms_on_failures_without_fates(n: int, mean_share: float) -> None:
    """Shares of failures with a long tail (gamma of shape 2), and the least gap of an availability."""
    generator = np.random.default_rng(n)
    values = 1.0 - np.minimum(generator.gamma(2.0, mean_share / 2.0, (700, n)), 1.0)
    assert np.mean([two_groups(row.tolist(), 0.05) is not None for row in values]) <= 0.05 + 0.025


def check_two_groups_are_found() -> None:
    stuck, well = [0.21, 0.2, 0.22], [0.999, 0.9995, 1.0, 0.998, 0.999, 0.9991, 1.0]
    assert two_groups([*well[:4], *stuck, *well[4:]], 0.2) == ([4, 5, 6], [0, 1, 2, 3, 7, 8, 9])
    assert two_groups([0.995, 0.996, 0.31, 0.994, 0.997], 0.05) == ([2], [0, 1, 3, 4])


def test_two_groups_are_found() -> None:
    check_two_groups_are_found()


def test_one_among_fifty_is_found() -> None:
    values = np.random.default_rng(2).normal(0.995, 0.002, 50)
    values[17] = 0.6
    split = two_groups(values.tolist(), 0.05)
    assert split is not None and split[0] == [17]


def test_a_small_gap_is_not_worth_a_word() -> None:
    assert two_groups([0.99, 0.99, 0.99, 0.98, 0.98], 0.05) is None
    assert two_groups([0.99, 0.99, 0.99, 0.90, 0.90], 0.05) == ([3, 4], [0, 1, 2])


def test_what_cannot_be_split() -> None:
    assert two_groups([0.1, 0.9], 0.0) is None
    assert two_groups([0.5, 0.5, 0.5, 0.5], 0.0) is None
    assert two_groups([0.5, float("nan"), 0.9, 0.9], 0.0) is None
    assert two_groups([], 0.0) is None


def test_the_rule_falls_with_the_number_of_replications() -> None:
    assert list(CRITICAL.values()) == sorted(CRITICAL.values(), reverse=True)
    assert min(CRITICAL.values()) > CRITICAL_FROM_10
