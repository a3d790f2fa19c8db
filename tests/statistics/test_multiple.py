"""Holm's adjustment: by hand, against its definition, and by how often it raises a false alarm."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.statistics import Estimate, consistent, holm, mean_contrast, simultaneous_confidence


def check_a_worked_example() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04, and no smaller than those before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_worked_example() -> None:
    check_a_worked_example()


def test_one_test_is_not_adjusted_and_none_is_none() -> None:
    assert holm([0.03]) == [0.03]
    assert holm([]) == []
    assert holm([0.7, 0.9]) == [1.0, 1.0]


def test_what_could_not_be_tested_does_not_count() -> None:
    adjusted = holm([0.02, math.nan, 0.03])
    assert adjusted[0] == pytest.approx(0.04) and adjusted[2] == pytest.approx(0.04)
    assert math.isnan(adjusted[1])


def test_it_is_the_step_down_procedure() -> None:
    """Reject from the smallest on while p ≤ α / (tests left); the first that is not stops it."""
    generator = np.random.default_rng(1)
    for _ in range(200):
        p_values = generator.uniform(0, 0.05, 6) ** generator.uniform(0.5, 2)
        rejected = set()
        for tests_left, place in zip(range(6, 0, -1), np.argsort(p_values), strict=True):
            if p_values[place] > 0.05 / tests_left:
                break
            rejected.add(int(place))
        assert {place for place, p in enumerate(holm(p_values.tolist())) if p <= 0.05} == rejected


def check_false_alarms_and_power() -> None:
    """Three of five differences are real. One of the other two is called real in at most 5 % of all experiments, and
    the intervals at the simultaneous confidence hold all at once in 95 %; Holm finds more than Bonferroni does."""
    generator = np.random.default_rng(5)
    truth = np.array([0.0, 0.0, 1.0, 1.2, 1.5])
    false, uncovered, found, found_by_bonferroni, experiments = 0, 0, 0, 0, 800
    confidence = simultaneous_confidence(5)
    for _ in range(experiments):
        data = truth[:, None] + generator.normal(size=(5, 10))
        contrasts = [mean_contrast([0.0] * 10, row.tolist()) for row in data]
        rejected = np.array(holm([contrast.p_value() for contrast in contrasts])) <= 0.05
        intervals = [contrast.interval(confidence) for contrast in contrasts]
        false += rejected[:2].any()
        uncovered += any(not i.low <= t <= i.high for i, t in zip(intervals, truth, strict=True))
        found += rejected[2:].sum()
        found_by_bonferroni += sum(i.low > 0.0 for i in intervals[2:])
    chance = 3 * math.sqrt(0.05 * 0.95 / experiments)
    assert false / experiments <= 0.05 + chance
    assert uncovered / experiments <= 0.05 + chance
    assert found > found_by_bonferroni + 20


def test_false_alarms_and_power() -> None:
    check_false_alarms_and_power()


def test_intervals_agree_with_the_decisions() -> None:
    """A rejected 0 lies beyond no end, one that is not rejected lies inside: for each of many experiments."""
    generator = np.random.default_rng(8)
    drawn_in = 0
    for _ in range(500):
        contrasts = [mean_contrast([0.0] * 8, generator.normal(m, 1.0, 8).tolist()) for m in (0.0, 0.9, 1.3)]
        for contrast, p in zip(contrasts, holm([contrast.p_value() for contrast in contrasts]), strict=True):
            interval = contrast.interval(simultaneous_confidence(3))
            agreed = consistent(interval, p <= 0.05)
            drawn_in += agreed != interval
            if p <= 0.05:
                assert agreed.low >= 0.0 or agreed.high <= 0.0
            else:
                assert agreed == interval and interval.low <= 0.0 <= interval.high
            assert agreed.low <= agreed.value <= agreed.high
    assert drawn_in > 20


def test_an_end_that_is_drawn_in_says_so() -> None:
    drawn = consistent(Estimate(-2.0, -5.0, 1.0), True)
    assert (drawn.low, drawn.high) == (-5.0, 0.0)
    assert "decides the sign" in drawn.reason
    assert consistent(Estimate(-2.0, -5.0, -1.0), True).reason == ""
    assert consistent(Estimate(-2.0), True) == Estimate(-2.0) or not consistent(Estimate(-2.0), True).has_interval
