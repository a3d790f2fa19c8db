"""Paired differences and the unpaired ones beside them, against SciPy and against their definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from sim.kernel.histogram import bin_edges
from sim.statistics import Contrast, mean_contrast, pooled_quantile, quantile_contrast, share_contrast
from sim.statistics.quantiles import RESOLUTION, interpolated_quantile

EDGES = bin_edges()
Tail = tuple[list[np.ndarray], list[int]]


def pair(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Values with luck in common, and a difference of 0.3."""
    generator = np.random.default_rng([n, seed])
    common = generator.normal(10.0, 2.0, n)
    return common, common + 0.3 + generator.normal(0.0, 0.5, n)


def tails(n: int, factor: float = 1.1, requests: int = 2000, failures: int = 0) -> tuple[Tail, Tail]:
    """Latencies of n replications; the other variant has the same ones, slower, and every replication its own pace."""
    generator = np.random.default_rng([n, requests])
    base, other = [], []
    for _ in range(n):
        latencies_s = generator.exponential(0.01 * generator.uniform(0.5, 1.5), requests)
        base.append(np.histogram(latencies_s, EDGES)[0])
        other.append(np.histogram(factor * latencies_s, EDGES)[0])
    return (base, [0] * n), (other, [failures] * n)


def check_means_are_those_of_scipy(n: int = 7) -> None:
    base, other = pair(n)
    contrast = mean_contrast(base.tolist(), other.tolist())
    paired, welch = stats.ttest_rel(other, base), stats.ttest_ind(other, base, equal_var=False)
    for confidence in (0.9, 0.95, 0.99):
        for interval, expected in ((contrast.interval, paired), (contrast.unpaired, welch)):
            low, high = expected.confidence_interval(confidence)
            assert interval(confidence).low == pytest.approx(low, rel=1e-9)
            assert interval(confidence).high == pytest.approx(high, rel=1e-9)
    assert contrast.value == pytest.approx(np.mean(other - base), rel=1e-12)
    assert contrast.p_value() == pytest.approx(paired.pvalue, rel=1e-9)
    assert contrast.correlation == pytest.approx(stats.pearsonr(base, other).statistic, rel=1e-9)


@pytest.mark.parametrize("n", [2, 3, 10, 40])
def test_means_are_those_of_scipy(n: int) -> None:
    if n > 2:
        check_means_are_those_of_scipy(n)
    else:
        base, other = pair(2)
        low, high = stats.ttest_rel(other, base).confidence_interval(0.95)
        assert mean_contrast(base, other).interval().low == pytest.approx(low, rel=1e-9)
        assert mean_contrast(base, other).interval().high == pytest.approx(high, rel=1e-9)


def test_welch_with_unequal_spreads() -> None:
    generator = np.random.default_rng(3)
    base, other = generator.normal(0, 1, 6), generator.normal(0, 9, 6)
    low, high = stats.ttest_ind(other, base, equal_var=False).confidence_interval(0.95)
    interval = mean_contrast(base.tolist(), other.tolist()).unpaired()
    assert (interval.low, interval.high) == (pytest.approx(low, rel=1e-9), pytest.approx(high, rel=1e-9))


def check_pairs_are_kept() -> None:
    """What both have in common cancels only within pairs: the interval is as wide as the differences spread."""
    base, other = pair(10)
    contrast = mean_contrast(base.tolist(), other.tolist())
    assert contrast.interval().half_width < 0.35 * contrast.unpaired().half_width
    assert contrast.correlation > 0.9
    slow, fast = tails(8)
    tail = quantile_contrast(slow, fast, 0.99)
    assert tail.interval().half_width < 0.35 * tail.unpaired().half_width
    assert tail.correlation > 0.9


def test_pairs_are_kept() -> None:
    check_pairs_are_kept()


def check_quantiles_are_jackknifed_in_pairs(n: int = 6) -> None:
    """The definition, written out: leave the same replication out of both, n times."""
    base, other = tails(n)
    contrast = quantile_contrast(base, other, 0.95)
    deleted = []
    for left_out in range(n):
        rest = [sum(np.delete(histograms, left_out, axis=0)) for histograms, _ in (base, other)]
        deleted.append(interpolated_quantile(rest[1], 0.95, 0) - interpolated_quantile(rest[0], 0.95, 0))
    error = math.sqrt((n - 1) ** 2 / n * np.var(deleted, ddof=1))
    low, high = stats.t.interval(0.95, n - 1, loc=contrast.value, scale=error)
    values = [pooled_quantile(*variant, 0.95).value for variant in (base, other)]
    assert contrast.value == values[1] - values[0]
    assert contrast.interval().low == pytest.approx(low - RESOLUTION * sum(values), rel=1e-9)
    assert contrast.interval().high == pytest.approx(high + RESOLUTION * sum(values), rel=1e-9)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_quantiles_are_jackknifed_in_pairs(n: int) -> None:
    check_quantiles_are_jackknifed_in_pairs(n)


def test_the_jackknife_finds_the_spread_of_differences_of_quantiles() -> None:
    """Its standard error against that of many experiments with independent draws."""
    generator = np.random.default_rng(17)

    def experiment() -> Contrast:
        draws = generator.exponential(0.01, (2, 10, 1000))
        base, other = ([np.histogram(replication, EDGES)[0] for replication in variant] for variant in draws)
        return quantile_contrast((base, [0] * 10), (other, [0] * 10), 0.9)

    contrasts = [experiment() for _ in range(100)]
    spread = np.std([contrast.value for contrast in contrasts])
    assert np.sqrt(np.mean([contrast.error**2 for contrast in contrasts])) == pytest.approx(spread, rel=0.25)
    false_alarms = sum(contrast.p_value() <= 0.05 for contrast in contrasts)
    assert false_alarms <= 12


def test_the_same_latencies_differ_by_the_resolution_at_most() -> None:
    base, _ = tails(5)
    contrast = quantile_contrast(base, base, 0.99)
    assert (contrast.value, contrast.error, contrast.p_value()) == (0.0, 0.0, 1.0)
    assert 0.0 < contrast.interval().half_width < 0.003 * pooled_quantile(*base, 0.99).value
    assert contrast.correlation == pytest.approx(1.0)


def test_quantiles_that_are_withheld_or_both_infinite_are_not_compared() -> None:
    base, other = tails(4, requests=900)
    assert math.isnan(quantile_contrast(base, other, 0.99).value)
    assert "needs 1000 requests" in quantile_contrast(base, other, 0.99).reason
    base, other = tails(4, failures=100)
    contrast = quantile_contrast((base[0], other[1]), other, 0.99)
    assert math.isnan(contrast.value) and math.isnan(contrast.p_value())
    assert "among the failures" in contrast.reason


@pytest.mark.parametrize("n", [1, 0])
def test_without_two_replications_there_is_a_reason(n: int) -> None:
    contrast = mean_contrast([1.0] * n, [2.0] * n)
    assert not contrast.interval().has_interval and math.isnan(contrast.p_value())
    assert ("at least two" if n else "no replication") in contrast.interval().reason
    assert contrast.value == 1.0 if n else math.isnan(contrast.value)
    base, other = tails(1)
    tail = quantile_contrast(base, other, 0.5)
    assert tail.value > 0.0 and not tail.interval().has_interval and "at least two" in tail.reason


def test_a_replication_without_a_value_withholds_the_difference() -> None:
    contrast = mean_contrast([1.0, math.nan, 2.0], [2.0, 3.0, 4.0])
    assert math.isnan(contrast.value)
    assert contrast.reason == "undefined in 1 of 3 replications"


def test_equal_differences_have_no_spread_and_say_so() -> None:
    contrast = mean_contrast([1.1, 2.2, 3.3], [1.2, 2.3, 3.4])
    assert contrast.error == 0.0 and contrast.p_value() == 0.0
    assert contrast.reason == "every replication gave the same difference"
    assert mean_contrast([5.0, 5.0], [5.0, 5.0]).p_value() == 1.0
    assert math.isnan(mean_contrast([5.0, 5.0, 5.0], [5.0, 6.0, 7.0]).correlation)


def shares(bad_base: Sequence[int], bad_other: Sequence[int], trials: int = 1000) -> Contrast:
    good = [([trials - bad for bad in bads], [trials] * len(bads)) for bads in (bad_base, bad_other)]
    return share_contrast(good[0], good[1])


def check_no_failure_is_a_bound() -> None:
    """By how much fewer? At most by what the other may fail with; Clopper & Pearson, 2.5 % on each side."""
    contrast = shares([0] * 5, [0] * 5)
    interval = contrast.interval()
    bound = stats.binomtest(0, 5000, alternative="less").proportion_ci(0.975, method="exact").high
    assert (contrast.value, contrast.p_value()) == (0.0, 1.0)
    assert interval.low == pytest.approx(-bound, rel=1e-9)
    assert interval.high == pytest.approx(bound, rel=1e-9)
    assert "no failure in 10,000 requests" in interval.reason


def test_no_failure_is_a_bound() -> None:
    check_no_failure_is_a_bound()


def test_no_success_is_a_bound() -> None:
    contrast = shares([1000] * 3, [1000] * 3)
    assert contrast.interval().half_width > 0.0 and "no success" in contrast.reason


def test_no_failure_in_one_replication_is_a_bound_too() -> None:
    assert shares([0], [0]).interval().has_interval
    assert not shares([3], [0]).interval().has_interval


def test_a_few_failures_are_never_surer_than_so_many_requests() -> None:
    """One failure in each of nine replications looks most regular; nine against none has a p-value of 2/2^9."""
    contrast = shares([0] * 10, [1] * 9 + [0])
    low = stats.binomtest(9, 10_000).proportion_ci(0.95, method="exact").low
    high = stats.binomtest(9, 10_000).proportion_ci(0.95, method="exact").high
    assert contrast.interval().low <= -high < -0.0009 < -low <= contrast.interval().high
    assert contrast.p_value() >= 2 / 2**9
    assert contrast.counts is not None and "fewer than 10" in contrast.reason


def test_many_failures_have_the_paired_interval() -> None:
    base, other = [10, 30, 20, 40], [5, 24, 13, 33]
    contrast = shares(base, other)
    low, high = stats.ttest_rel(np.array(base) / 1000, np.array(other) / 1000).confidence_interval(0.95)
    assert contrast.counts is None
    assert (contrast.interval().low, contrast.interval().high) == (pytest.approx(low), pytest.approx(high))


CONTRASTS = {
    "means": mean_contrast(*pair(6)),
    "quantiles": quantile_contrast(*tails(6), 0.9),
    "few failures": shares([0, 0, 1, 0], [3, 1, 2, 2]),
    "many failures": shares([10, 30, 20, 40], [5, 24, 13, 33]),
}


@pytest.mark.parametrize("name", CONTRASTS)
def test_p_is_where_the_interval_reaches_zero(name: str) -> None:
    contrast = CONTRASTS[name]
    p = contrast.p_value()
    assert 1e-12 < p < 0.9
    wider, narrower = contrast.interval(1 - 0.999 * p), contrast.interval(1 - 1.001 * p)
    assert wider.low < 0.0 < wider.high
    assert narrower.low > 0.0 or narrower.high < 0.0
