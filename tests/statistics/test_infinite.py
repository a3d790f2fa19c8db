"""A quantile that is infinite in one variant and finite in the other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim.kernel.histogram import BINS, bin_edges
from sim.statistics.contrast import Contrast
from sim.statistics.paired import quantile_contrast

REQUESTS = 10_000


def variant(failed: list[int]) -> tuple[list[np.ndarray], list[int]]:
    """Each replication answers 10,000 requests in 5 ms, less those that fail."""
    histograms = []
    for count in failed:
        histogram = np.zeros(BINS, np.int64)
        histogram[np.searchsorted(bin_edges(), 0.005)] = REQUESTS - count
        histograms.append(histogram)
    return histograms, failed


def contrast(base: list[int], other: list[int]) -> Contrast:
    return quantile_contrast(variant(base), variant(other), 0.99)


def test_failing_more_than_the_tail_is_infinitely_slower() -> None:
    worse = contrast([3, 1, 0, 2], [940, 930, 955, 941])
    assert worse.value == math.inf
    assert worse.p_value() < 1e-4
    assert worse.reason == "9.41 % of the requests failed"


def test_the_other_way_round() -> None:
    better = contrast([940, 930, 955, 941], [3, 1, 0, 2])
    assert better.value == -math.inf
    assert better.p_value() < 1e-4


def test_both_must_be_sure() -> None:
    """The p of the less certain one: here whether 0.9 % (four numbers) are fewer than 1 %."""
    near = [80, 100, 95, 85]
    p = stats.ttest_1samp(np.array(near) / REQUESTS, 0.01).pvalue
    assert contrast(near, [940, 930, 955, 941]).p_value() == pytest.approx(p)
    assert contrast([3, 1, 0, 2], [90, 130, 115, 95]).p_value() > 0.05


def test_one_replication_and_two_infinite_ones_tell_nothing() -> None:
    assert contrast([3], [940]).p_value() == 1.0
    assert math.isnan(contrast([900, 905], [940, 930]).value)
