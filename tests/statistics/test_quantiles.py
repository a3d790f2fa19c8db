"""Pooled quantiles and their jackknife, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim.kernel.histogram import BINS, bin_edges
from sim.statistics import pooled_quantile
from sim.statistics.quantiles import interpolated_quantile, jackknife_error, share_interval

EDGES = bin_edges()


def histogram(latencies_s: np.ndarray) -> np.ndarray:
    counts, _ = np.histogram(latencies_s, EDGES)
    assert counts.shape == (BINS,)
    return counts.astype(np.uint32)


def test_the_pooled_value_is_the_quantile_of_all_requests_together() -> None:
    generator = np.random.default_rng(1)
    samples = [generator.exponential(0.01, n) for n in (1000, 4000, 2500)]
    failures = [0, 40, 35]
    pooled = np.sort(np.concatenate([*samples, np.full(75, np.inf)]))
    for q in (0.5, 0.9, 0.95, 0.99):
        exact = pooled[math.ceil(q * len(pooled)) - 1]
        assert exact < np.inf
        assert pooled_quantile([histogram(s) for s in samples], failures, q).value == pytest.approx(exact, rel=1e-3)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
    deleted = np.array([np.delete(values, i).mean() for i in range(6)])
    assert jackknife_error(deleted) == pytest.approx(values.std(ddof=1) / np.sqrt(6), rel=1e-12)


@pytest.mark.parametrize("q", [0.5, 0.99])
def test_interval_covers_the_quantile_of_an_exponential(q: float) -> None:
    generator = np.random.default_rng(7)
    truth = -0.01 * math.log(1 - q)
    covered = 0
    for _ in range(200):
        estimate = pooled_quantile([histogram(generator.exponential(0.01, 2000)) for _ in range(10)], [0] * 10, q)
        covered += estimate.low <= truth <= estimate.high
    assert 0.95 - 4 * 0.0154 < covered / 200 < 1.0


def test_replications_that_differ_widen_the_interval() -> None:
    generator = np.random.default_rng(3)
    equal = [histogram(generator.exponential(0.01, 2000)) for _ in range(6)]
    apart = [histogram(generator.exponential(0.01 * (1 + i), 2000)) for i in range(6)]
    narrow, wide = pooled_quantile(equal, [0] * 6, 0.5), pooled_quantile(apart, [0] * 6, 0.5)
    assert wide.half_width / wide.value > 5 * narrow.half_width / narrow.value


def test_withheld_where_a_replication_has_fewer_than_ten_beyond() -> None:
    enough = histogram(np.full(1000, 0.01))
    short = histogram(np.full(999, 0.01))
    assert pooled_quantile([enough, enough], [0, 0], 0.99).value == pytest.approx(0.01, rel=1e-3)
    estimate = pooled_quantile([enough, short], [0, 0], 0.99)
    assert math.isnan(estimate.value)
    assert estimate.reason == "p99 needs 1000 requests a replication for 10 beyond it; the shortest has 999"
    assert "p99.9 needs 10000" in pooled_quantile([enough], [0], 0.999).reason


def test_failures_count_as_observations_beyond() -> None:
    assert pooled_quantile([histogram(np.full(985, 0.01))], [15], 0.9).reason.startswith("one replication")
    assert math.isfinite(pooled_quantile([histogram(np.full(985, 0.01))], [15], 0.9).value)


def test_a_quantile_among_the_failures_is_infinite() -> None:
    successes = histogram(np.full(980, 0.01))
    estimate = pooled_quantile([successes, successes], [20, 20], 0.99)
    assert math.isinf(estimate.value)
    assert not estimate.has_interval
    assert "among the failures" in estimate.reason


def test_a_quantile_that_one_replication_carries_has_no_interval() -> None:
    good, bad = histogram(np.full(10_000, 0.01)), histogram(np.full(9_000, 0.01))
    estimate = pooled_quantile([good, bad], [0, 1_000], 0.94)
    assert math.isfinite(estimate.value)
    assert not estimate.has_interval
    assert "reaches into the failures" in estimate.reason


def test_interpolation_stays_within_the_bin_and_is_smooth() -> None:
    generator = np.random.default_rng(11)
    counts = histogram(generator.exponential(0.01, 5000)).astype(np.int64)
    for q in (0.1, 0.5, 0.99):
        assert interpolated_quantile(counts, q, 0) == pytest.approx(pooled_quantile([counts], [0], q).value, rel=2e-3)
    fine = [interpolated_quantile(np.full(4, 1000), q, 0) for q in np.linspace(0.3, 0.7, 9)]
    assert np.all(np.diff(fine) > 0)
    assert math.isinf(interpolated_quantile(counts, 0.9, 5000))


def test_long_runs_do_not_hide_their_uncertainty_in_a_bin() -> None:
    """The spread between replications is a fraction of a bin here: left-out quantiles all fall in one."""
    generator = np.random.default_rng(13)
    truth, covered = -0.01 * math.log(0.5), 0
    for _ in range(100):
        estimate = pooled_quantile([histogram(generator.exponential(0.01, 50_000)) for _ in range(5)], [0] * 5, 0.5)
        covered += estimate.low <= truth <= estimate.high
    assert covered >= 90


def test_equal_latencies_are_known_to_the_resolution() -> None:
    estimate = pooled_quantile([histogram(np.full(1000, 0.02))] * 3, [0] * 3, 0.5)
    assert estimate.low <= 0.02 <= estimate.high
    assert estimate.half_width < 1.1e-3 * 0.02


def clustered(generator: np.random.Generator, clusters: int, size: int) -> np.ndarray:
    """Exponential latencies that come in runs of equal ones, as they do within a busy period."""
    return np.repeat(generator.exponential(0.01, clusters), size)


def check_tails_in_clusters_are_covered() -> None:
    """Five replications with 20 clusters of 50 requests beyond p99 each: skewed, and few independent things."""
    generator = np.random.default_rng(23)
    truth, covered, below, above = -0.01 * math.log(0.01), 0, 0, 0
    for _ in range(300):
        histograms = [histogram(clustered(generator, 2000, 10)) for _ in range(5)]
        estimate = pooled_quantile(histograms, [0] * 5, 0.99)
        covered += estimate.low <= truth <= estimate.high
        below += estimate.high < truth
        above += estimate.low > truth
    assert covered / 300 > 0.925
    assert covered / 300 < 0.985
    assert max(below, above) / 300 < 0.06


def test_tails_in_clusters_are_covered() -> None:
    check_tails_in_clusters_are_covered()


def test_the_interval_of_a_share_is_the_binomial_one_of_as_many_independent_requests() -> None:
    """With many replications, each request alone: that of Clopper and Pearson."""
    generator = np.random.default_rng(29)
    hits, trials = generator.binomial(50, 0.1, 4000), np.full(4000, 50)
    exact = stats.binomtest(int(hits.sum()), int(trials.sum())).proportion_ci(0.95, method="exact")
    low, high = share_interval(hits, trials, 0.95)
    assert low == pytest.approx(exact.low, rel=0.005)
    assert high == pytest.approx(exact.high, rel=0.005)


def test_the_interval_of_a_tail_reaches_farther_up() -> None:
    """There are fewer requests above a p99 than below it, and they lie farther apart."""
    generator = np.random.default_rng(31)
    estimate = pooled_quantile([histogram(clustered(generator, 2000, 10)) for _ in range(8)], [0] * 8, 0.99)
    assert estimate.high - estimate.value > 1.1 * (estimate.value - estimate.low) > 0.0


def test_latencies_that_are_all_alike_are_known_exactly() -> None:
    """All replications agree to rounding (a constant latency): the interval is a bin wide."""
    histograms = []
    for count in (15_012, 14_875, 15_003, 14_990, 15_111, 14_899, 15_020, 15_049):
        histogram = np.zeros(BINS, np.int64)
        histogram[12_345] = count
        histograms.append(histogram)
    for q in (0.5, 0.95, 0.99, 0.999):
        estimate = pooled_quantile(histograms, [0] * 8, q)
        assert estimate.half_width < 0.003 * estimate.value
