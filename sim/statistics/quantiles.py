"""Quantiles pooled over replications.

The value is the quantile of all requests of all replications together. Requests of one replication depend on each
other, so its uncertainty comes from the replications: the delete-one jackknife (Efron & Tibshirani, An Introduction
to the Bootstrap, section 11; here one whole replication is deleted, which also keeps it consistent for quantiles, as
Shao & Wu 1989 show for large deleted groups).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.kernel.histogram import BINS_PER_OCTAVE, bin_edges, quantile
from sim.statistics.estimate import Estimate, withheld, without_interval
from sim.statistics.means import CONFIDENCE, ONE_REPLICATION, student_factor

TAIL_OBSERVATIONS_MIN = 10
RESOLUTION = 0.5 / BINS_PER_OCTAVE
"""A bin's midpoint is within this share of what fell in the bin; every interval is wider by it."""
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
    counts = np.sum([h.astype(np.int64) for h in histograms], axis=0)
    value = quantile(counts, q, sum(failures))
    if not np.isfinite(value):
        return without_interval(value, "the quantile falls among the failures, which rank as infinitely slow")
    if len(sizes) == 1:
        return without_interval(value, ONE_REPLICATION)
    left_out = zip(histograms, failures, strict=True)
    deleted = np.array([interpolated_quantile(counts - h, q, sum(failures) - f) for h, f in left_out])
    if not np.isfinite(deleted).all():
        return without_interval(value, "without one replication the quantile falls among the failures")
    half_width = student_factor(len(sizes), confidence) * jackknife_error(deleted) + RESOLUTION * value
    return Estimate(value, max(value - half_width, 0.0), value + half_width)


def interpolated_quantile(counts: np.ndarray, q: float, failures: int) -> float:
    """As `sim.kernel.histogram.quantile`, but linear within the bin: a smooth function of the counts, which moves by
    less than a bin when one replication is left out."""
    cumulative = np.cumsum(counts)
    rank = q * (int(cumulative[-1]) + failures)
    if rank > cumulative[-1]:
        return float("inf")
    index = int(np.searchsorted(cumulative, rank))
    share = 1.0 - (cumulative[index] - rank) / counts[index]
    return float(_EDGES[index] + share * (_EDGES[index + 1] - _EDGES[index]))


def jackknife_error(deleted: np.ndarray) -> float:
    """The standard error from the n estimates that each leave one replication out; shape (n,)."""
    n = len(deleted)
    return float(np.sqrt((n - 1) / n * np.sum((deleted - deleted.mean()) ** 2)))


def _too_short(sizes: Sequence[int], q: float) -> str:
    """Why the replications are too short for this quantile, or nothing. `sizes` are their numbers of requests."""
    if not sizes:
        return "no replication has run"
    needed = int(np.ceil(TAIL_OBSERVATIONS_MIN / (1 - q) - 1e-6))
    if min(sizes) < needed:
        return f"p{100 * q:g} needs {needed} requests a replication for 10 beyond it; the shortest has {min(sizes)}"
    return ""
