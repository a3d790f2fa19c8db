"""Quantiles pooled over replications.

The value is the quantile of all requests of all replications together. Requests of one replication depend on each
other, so its uncertainty comes from the replications: the delete-one jackknife (Efron & Tibshirani, An Introduction
to the Bootstrap, section 11; here one whole replication is deleted, which also keeps it consistent for quantiles, as
Shao & Wu 1989 show for large deleted groups).

The jackknife is taken of the share of requests beyond the value, not of the value itself, and the interval of that
share is carried back to latencies (Woodruff, Journal of the American Statistical Association 47, 1952). Requests of a
tail come in clusters, a busy period at a time, so the share is skewed like a count of few things: its interval is the
binomial one of as many independent requests as would have the jackknife's standard error, fewer by what Student's
factor takes (Korn & Graubard, Survey Methodology 24, 1998). Value ± Student's factor times the jackknife's error lies
wholly below the true p99 too often: at M/M/1, ρ = 0.7, in 6 to 8 % of intervals from five replications, where 2.5 % are
due.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.kernel.histogram import BINS_PER_OCTAVE, bin_edges, quantile
from sim.statistics.estimate import Estimate, withheld, without_interval
from sim.statistics.means import CONFIDENCE, ONE_REPLICATION, student_factor

TAIL_OBSERVATIONS_MIN = 10
ROUNDING = 1e-9
"""Relative errors below this are the arithmetic's: all replications agree."""
RESOLUTION = 0.5 / BINS_PER_OCTAVE
"""A bin's midpoint is within this share of what fell in the bin; every interval is wider by it."""
AMONG_FAILURES = "the quantile falls among the failures, which rank as infinitely slow"
REACHES_FAILURES = "the interval of the quantile reaches into the failures, which rank as infinitely slow"
_EDGES = bin_edges()


def pooled_quantile(
    histograms: Sequence[np.ndarray], failures: Sequence[int], q: float, confidence: float = CONFIDENCE
) -> Estimate:
    """The q-quantile of latency over all replications.

    Args:
        histograms: of the successes, one a replication, each of shape (sim.kernel.histogram.BINS,).
        failures: requests that rank as +∞, one number a replication (zeros: the quantile of the successes alone).
    Returns: seconds. Withheld where a replication has fewer than 10 observations beyond its own q-quantile;
        inf, without an interval, where the quantile falls among the failures.
    """
    sizes = [int(h.sum()) + f for h, f in zip(histograms, failures, strict=True)]
    short = _too_short(sizes, q)
    if short:
        return withheld(short)
    counts, failed = _pooled(histograms), sum(failures)
    value = quantile(counts, q, failed)
    if not np.isfinite(value):
        return without_interval(value, AMONG_FAILURES)
    if len(sizes) == 1:
        return without_interval(value, ONE_REPLICATION)
    within = [_count_below(h, interpolated_quantile(counts, q, failed)) for h in histograms]
    few, many = share_interval(np.array(sizes) - within, np.array(sizes), confidence)
    low = min(interpolated_quantile(counts, 1.0 - many, failed), value)
    high = max(interpolated_quantile(counts, 1.0 - few, failed), value)
    if not np.isfinite(high):
        return without_interval(value, REACHES_FAILURES)
    return Estimate(value, max(low - RESOLUTION * value, 0.0), high + RESOLUTION * value)


def share_interval(hits: np.ndarray, trials: np.ndarray, confidence: float) -> tuple[float, float]:
    """The interval of a share whose hits come in clusters; shapes (replications,)."""
    from scipy import special  # a quarter of a second, which only a summary needs

    share = float(hits.sum() / trials.sum())
    error = jackknife_error((hits.sum() - hits) / (trials.sum() - trials))
    if error <= ROUNDING * share or not 0.0 < share < 1.0:
        return share, share
    normal_factor = float(special.ndtri(0.5 + confidence / 2))
    kept = (normal_factor / student_factor(len(hits) - 1, confidence)) ** 2
    independent = kept * share * (1.0 - share) / error**2
    tail, count = 0.5 * (1.0 - confidence), share * independent
    low = special.betaincinv(count, independent - count + 1.0, tail)
    return float(low), float(special.betaincinv(count + 1.0, independent - count, 1.0 - tail))


def deleted_quantiles(histograms: Sequence[np.ndarray], failures: Sequence[int], q: float) -> np.ndarray:
    """The pooled quantiles (interpolated) that each leave one replication out, shape (replications,)."""
    counts, failed = _pooled(histograms), sum(failures)
    left_out = zip(histograms, failures, strict=True)
    return np.array([interpolated_quantile(counts - h, q, failed - f) for h, f in left_out])


def interpolated_quantile(counts: np.ndarray, q: float, failures: int) -> float:
    """As `sim.kernel.histogram.quantile`, but linear within the bin: a smooth function of the counts, which moves by
    less than a bin when one replication is left out."""
    cumulative = np.cumsum(counts)
    rank = q * (int(cumulative[-1]) + failures)
    if rank > cumulative[-1]:
        return float("inf")
    index = int(np.searchsorted(cumulative, rank))
    if counts[index] == 0:  # q = 0, below everything
        return float(_EDGES[index])
    share = 1.0 - (cumulative[index] - rank) / counts[index]
    return float(_EDGES[index] + share * (_EDGES[index + 1] - _EDGES[index]))


def jackknife_error(deleted: np.ndarray) -> float:
    """The standard error from the n estimates that each leave one replication out; shape (n,)."""
    n = len(deleted)
    return float(np.sqrt((n - 1) / n * np.sum((deleted - deleted.mean()) ** 2)))


def _count_below(histogram: np.ndarray, latency_s: float) -> float:
    """How many are faster, linear within the bin: the inverse of `interpolated_quantile`."""
    index = int(np.searchsorted(_EDGES, latency_s, side="right")) - 1
    share = (latency_s - _EDGES[index]) / (_EDGES[index + 1] - _EDGES[index])
    return float(histogram[:index].sum() + histogram[index] * share)


def _pooled(histograms: Sequence[np.ndarray]) -> np.ndarray:
    pooled: np.ndarray = np.sum([h.astype(np.int64) for h in histograms], axis=0)
    return pooled


def _too_short(sizes: Sequence[int], q: float) -> str:
    """Why the replications are too short for this quantile, or nothing. `sizes` are their numbers of requests."""
    if not sizes:
        return "no replication has run"
    needed = int(np.ceil(TAIL_OBSERVATIONS_MIN / (1 - q) - 1e-6))
    if min(sizes) < needed:
        return f"p{100 * q:g} needs {needed} requests a replication for 10 beyond it; the shortest has {min(sizes)}"
    return ""
