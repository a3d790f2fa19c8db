"""Availability: bounds where nothing failed, Student's interval elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim.statistics import availability, upper_bound_without_failures
from sim.statistics.availability import exact_share


@pytest.mark.parametrize("trials", [1, 30, 1000, 10**7])
def test_bound_is_that_of_clopper_and_pearson(trials: int) -> None:
    interval = stats.binomtest(0, trials, alternative="less").proportion_ci(0.95, method="exact")
    assert upper_bound_without_failures(trials) == pytest.approx(interval.high, rel=1e-6)
    assert upper_bound_without_failures(trials) == pytest.approx(-math.expm1(math.log(0.05) / trials), rel=1e-9)


def test_bound_is_about_three_over_n() -> None:
    assert upper_bound_without_failures(10_000) == pytest.approx(3 / 10_000, rel=2e-3)


def test_no_failure_is_never_certainty() -> None:
    estimate = availability([500, 500], [500, 500])
    assert estimate.value == 1.0
    assert estimate.low == pytest.approx(1 - upper_bound_without_failures(1000))
    assert estimate.half_width > 0
    assert "no failure in 1000 requests" in estimate.reason


def test_no_success_is_never_certainty_either() -> None:
    estimate = availability([0, 0], [500, 500])
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high == pytest.approx(upper_bound_without_failures(1000))


def test_failures_give_the_interval_over_replications() -> None:
    good, offered = [990, 970, 985], [1000, 1000, 1000]
    shares = np.array(good) / 1000
    low, high = stats.t.interval(0.95, 2, loc=shares.mean(), scale=stats.sem(shares))
    estimate = availability(good, offered)
    assert estimate.value == pytest.approx(shares.mean())
    assert estimate.low == pytest.approx(low)
    assert high > 1.0
    assert estimate.high == 1.0


def test_one_replication_with_failures_has_no_interval() -> None:
    estimate = availability([99], [100])
    assert estimate.value == 0.99
    assert not estimate.has_interval
    assert "at least two" in estimate.reason


def test_nothing_offered_is_withheld() -> None:
    assert availability([0, 0], [0, 0]).reason == "no request was offered"
    assert availability([0, 9], [0, 10]).reason == "undefined in 1 of 2 replications"


@pytest.mark.parametrize("count, trials", [(0, 50), (3, 1000), (9, 10_000), (50, 50), (997, 1000)])
def test_exact_shares_are_those_of_clopper_and_pearson(count: int, trials: int) -> None:
    interval = stats.binomtest(count, trials).proportion_ci(0.95, method="exact")
    assert exact_share(count, trials) == (pytest.approx(interval.low, rel=1e-6), pytest.approx(interval.high, rel=1e-6))


@pytest.mark.parametrize("expected_failures", [3.3, 4.5, 6.0, 15.0])
def test_few_failures_are_covered(expected_failures: float) -> None:
    """Student alone would cover 3.3 expected failures in 84 % of all experiments with ten replications."""
    generator = np.random.default_rng(int(10 * expected_failures))
    share = expected_failures / 10_000
    covered = 0
    for _ in range(500):
        failed = generator.binomial(1000, share, 10)
        estimate = availability((1000 - failed).tolist(), [1000] * 10)
        covered += estimate.low <= 1.0 - share <= estimate.high
    assert covered / 500 >= 0.92


def test_what_is_counted_has_a_name() -> None:
    assert "no failure in 30 windows" in availability([10, 20], [10, 20], what="windows").reason
    assert availability([0], [0], what="windows").reason.startswith("no whole window with a request")
