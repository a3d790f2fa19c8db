"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from sim.report.numbers import decimals_for, percentage, plain, time_unit, with_interval
from sim.statistics import Estimate, availability


@pytest.mark.parametrize(
    "uncertainty, decimals", [(0.012, 3), (0.12, 2), (1.2, 1), (12.0, 0), (120.0, 0), (0.0, 0), (math.nan, 0)]
)
def test_two_digits_of_the_uncertainty(uncertainty: float, decimals: int) -> None:
    assert decimals_for(uncertainty) == decimals


@pytest.mark.parametrize(
    "value, text",
    [(12.3456, "12.35"), (0.00123456, "0.001235"), (123456.0, "123456"), (0.0, "0"), (math.nan, "–"), (math.inf, "∞")],
)
def test_plain(value: float, text: str) -> None:
    assert plain(value) == text


def test_interval_in_a_unit() -> None:
    assert with_interval(Estimate(0.0123456, 0.0121456, 0.0125456), 1e-3) == "12.35 ±0.20"
    assert with_interval(Estimate(1234.5, 1100.0, 1369.0)) == "1234 ±134"
    assert with_interval(Estimate(100.0, 100.0, 100.0)) == "100.0 ±0"


def test_without_interval_only_the_value() -> None:
    assert with_interval(Estimate(0.5, reason="one replication")) == "0.5000"
    assert with_interval(Estimate(math.inf, reason="among the failures")) == "∞"
    assert with_interval(Estimate(math.nan, reason="withheld")) == "–"


def test_no_failure_is_a_bound_that_claims_no_more_than_it_may() -> None:
    assert percentage(availability([5000, 5000], [5000, 5000])) == "≥ 99.970"
    assert availability([5000, 5000], [5000, 5000]).low >= 0.99970
    assert availability([658], [658]).low == pytest.approx(0.995458, abs=1e-6)
    assert percentage(availability([658], [658])) == "≥ 99.54"
    assert percentage(availability([0, 0], [500, 500])) == "≤ 0.30"


def test_a_cut_interval_shows_its_ends() -> None:
    assert percentage(Estimate(0.99, 0.97, 1.0)) == "99.0 (97.0 to 100.0)"
    assert percentage(Estimate(0.9, 0.88, 0.92)) == "90.0 ±2.0"


def test_time_unit_makes_the_smallest_at_least_one() -> None:
    assert time_unit([0.012, 3.0]) == ("ms", 1e-3)
    assert time_unit([1.5, 3.0, math.nan]) == ("s", 1.0)
    assert time_unit([2e-8]) == ("µs", 1e-6)
    assert time_unit([math.nan, math.inf]) == ("ms", 1e-3)
