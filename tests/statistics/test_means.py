"""Student's interval against SciPy, and its coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim.statistics import mean_estimate


@pytest.mark.parametrize("n", [2, 3, 10, 40])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_interval_is_that_of_scipy(n: int, confidence: float) -> None:
    values = np.random.default_rng(n).normal(3.0, 2.0, n)
    low, high = stats.t.interval(confidence, n - 1, loc=values.mean(), scale=stats.sem(values))
    estimate = mean_estimate(values.tolist(), confidence)
    assert estimate.value == pytest.approx(values.mean(), rel=1e-12)
    assert (estimate.low, estimate.high) == (pytest.approx(low, rel=1e-9), pytest.approx(high, rel=1e-9))
    assert estimate.half_width == pytest.approx((high - low) / 2, rel=1e-9)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    estimates = [mean_estimate(generator.normal(1.0, 1.0, 5).tolist()) for _ in range(2000)]
    covered = sum(e.low <= 1.0 <= e.high for e in estimates)
    assert abs(covered / 2000 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 2000)


def test_one_replication_has_a_value_and_a_reason() -> None:
    estimate = mean_estimate([4.0])
    assert estimate.value == 4.0
    assert not estimate.has_interval
    assert math.isnan(estimate.half_width)
    assert "at least two" in estimate.reason


def test_a_replication_without_a_value_withholds_the_mean() -> None:
    estimate = mean_estimate([1.0, math.nan, 3.0])
    assert math.isnan(estimate.value)
    assert estimate.reason == "undefined in 1 of 3 replications"


def test_no_replication_has_a_reason() -> None:
    assert mean_estimate([]).reason == "no replication has run"
