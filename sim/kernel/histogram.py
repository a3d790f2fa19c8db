"""Log-linear latency histograms: 512 equal bins an octave, so a bin's midpoint is within 0.1 % of what fell in it.

Bins are the leading bits of the float64 itself (exponent and nine bits of mantissa): exact, monotone and branch-free.
Range 2^-30 s (about 1 ns) to 2^14 s (4.5 h); what lies outside counts in the first or last bin (exact minimum,
maximum, mean and variance are kept apart). Zero falls in the first bin.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sim.kernel.jit import f8, i8, kernel

BINS_PER_OCTAVE = 512
EXPONENT_MIN, EXPONENT_MAX = -30, 14
BINS = (EXPONENT_MAX - EXPONENT_MIN) * BINS_PER_OCTAVE
_SHIFT = 52 - 9
_BASE = (1023 + EXPONENT_MIN) << 9


@kernel(i8, f8)
def bin_of(latency_s):
    """The bin of a latency; latency_s must not be negative."""
    index = (np.float64(latency_s).view(np.int64) >> _SHIFT) - _BASE
    return min(max(index, 0), BINS - 1)


@lru_cache(maxsize=1)
def bin_edges() -> np.ndarray:
    """Edges of all bins in seconds, shape (BINS + 1,); bin i is [edge i, edge i+1)."""
    octave, part = np.divmod(np.arange(BINS + 1), BINS_PER_OCTAVE)
    edges: np.ndarray = np.ldexp(1.0 + part / BINS_PER_OCTAVE, octave + EXPONENT_MIN)
    edges[0] = 0.0
    return edges


def quantile(counts: np.ndarray, q: float, failures: int = 0) -> float:
    """The q-quantile (inverse of the empirical distribution function) to the midpoint of its bin.

    Args:
        counts: shape (BINS,), of successes; q in (0, 1].
        failures: requests that rank as +∞.
    Returns: seconds; inf where the quantile falls among the failures, nan without any request.
    """
    total = int(counts.sum()) + failures
    if total == 0:
        return float("nan")
    rank = int(np.ceil(q * total - 1e-9))
    cumulative = np.cumsum(counts)
    if rank > cumulative[-1]:
        return float("inf")
    index = int(np.searchsorted(cumulative, max(rank, 1)))
    edges = bin_edges()
    return 0.0 if index == 0 else float((edges[index] + edges[index + 1]) / 2)
