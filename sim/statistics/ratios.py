"""Ratios of totals: mean durations, mean times between, what one episode costs.

In a replication there may be no episode at all, and a mean of the replications' own means would leave those out: the
value is the sum over all replications divided by the sum. Its error is the jackknife's that leaves out one whole
replication at a time (Efron & Tibshirani, An Introduction to the Bootstrap, chapter 11).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim.statistics.estimate import Estimate, withheld, without_interval
from sim.statistics.means import CONFIDENCE, ONE_REPLICATION, student_factor
from sim.statistics.quantiles import jackknife_error


def ratio_estimate(
    numerators: Sequence[float], denominators: Sequence[float], nothing: str, confidence: float = CONFIDENCE
) -> Estimate:
    """sum(numerators) / sum(denominators), one pair a replication, none negative, with Student's interval from 0 on.

    `nothing` is the reason where the denominators sum to 0.
    """
    pair = np.array([numerators, denominators], dtype=float)
    top, bottom = (float(total) for total in pair.sum(axis=1))
    n = pair.shape[1]
    if bottom == 0.0:
        return withheld(nothing)
    value = top / bottom
    if n == 1:
        return without_interval(value, ONE_REPLICATION)
    rest = pair.sum(axis=1, keepdims=True) - pair
    if (rest[1] <= 0.0).any():
        return without_interval(value, "only one replication saw any, so there is no interval")
    half_width = student_factor(n - 1, confidence) * jackknife_error(rest[0] / rest[1])
    return Estimate(value, max(value - half_width, 0.0), value + half_width)


def exact_rate(count: int, exposure: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Garwood's two-sided interval of the rate of a Poisson process (Biometrika 28, 1936), `count` in `exposure`; with
    a count of 0 the one-sided bound, about 3 / exposure."""
    from scipy import special  # a quarter of a second, which only a summary needs

    if count == 0:
        return 0.0, -math.log1p(-confidence) / exposure
    tail = 0.5 * (1.0 - confidence)
    low = float(special.gammaincinv(count, tail))
    high = float(special.gammainccinv(count + 1, tail))
    return low / exposure, high / exposure
