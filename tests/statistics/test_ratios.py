"""Ratios of totals, rates of rare events, and what is read from a share of good requests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim.statistics import Estimate, burn_rate, exact_rate, nines, ratio_estimate


def test_a_ratio_is_that_of_the_totals() -> None:
    """A replication without any episode counts as none: a mean of means could not say it."""
    estimate = ratio_estimate([30.0, 0.0, 10.0], [3.0, 0.0, 1.0], "none")
    assert estimate.value == 10.0
    assert estimate.has_interval


def test_nothing_to_divide_by_is_a_reason() -> None:
    estimate = ratio_estimate([0.0, 0.0], [0.0, 0.0], "no downtime was seen")
    assert math.isnan(estimate.value) and estimate.reason == "no downtime was seen"
    alone = ratio_estimate([3.0, 0.0], [1.0, 0.0], "none")
    assert alone.value == 3.0 and not alone.has_interval and "only one replication" in alone.reason
    assert "run at least two" in ratio_estimate([3.0], [1.0], "none").reason


def test_intervals_of_ratios_hold_the_truth() -> None:
    """Mean length of episodes, of which there is a Poisson number in each of 20 replications."""
    generator = np.random.default_rng(8)
    held = 0
    for _ in range(400):
        counts = generator.poisson(5.0, 20)
        lengths = [generator.exponential(2.0, n).sum() for n in counts]
        estimate = ratio_estimate(lengths, counts.tolist(), "none")
        held += estimate.low <= 2.0 <= estimate.high
    assert 0.92 <= held / 400 <= 0.98


def test_exact_rates_are_those_of_chi_squares() -> None:
    """Garwood 1936: χ²(2n)/2 and χ²(2n + 2)/2."""
    low, high = exact_rate(4, 10.0)
    assert (low, high) == pytest.approx((stats.chi2.ppf(0.025, 8) / 20, stats.chi2.ppf(0.975, 10) / 20))
    assert exact_rate(0, 10.0) == (0.0, pytest.approx(-math.log(0.05) / 10))


def test_nines_and_burn_rates_are_carried_over_end_by_end() -> None:
    good = Estimate(0.999, 0.998, 0.9995)
    assert nines(good).value == pytest.approx(3.0)
    assert (nines(good).low, nines(good).high) == pytest.approx((-math.log10(0.002), -math.log10(0.0005)))
    burnt = burn_rate(good, 0.99)
    assert (burnt.low, burnt.value, burnt.high) == pytest.approx((0.05, 0.1, 0.2))


def test_without_failures_nines_are_a_bound() -> None:
    bound = nines(Estimate(1.0, 0.999, 1.0, "no failure"))
    assert math.isinf(bound.value) and bound.low == pytest.approx(3.0) and bound.reason == "no failure"
    assert burn_rate(Estimate(1.0, 0.999, 1.0), 0.999).high == pytest.approx(1.0)
