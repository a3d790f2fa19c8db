"""Several tests at once, without a false alarm in any of them more often than one test alone would give."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sim.statistics.estimate import Estimate
from sim.statistics.means import CONFIDENCE

AT_ZERO = "an end was drawn in to 0: the step-down test decides the sign, the simultaneous interval not the size"


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm, Scandinavian Journal of Statistics 6, 1979): with m tests, the i-th smallest is
    multiplied by m - i + 1, then made no smaller than those before it. nan is no test and stays nan."""
    order = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    adjusted = [math.nan] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[place] = largest
    return adjusted


def simultaneous_confidence(tests: int, confidence: float = CONFIDENCE) -> float:
    """The confidence of each of so many intervals that all hold at once with `confidence` (Bonferroni)."""
    return 1.0 - (1.0 - confidence) / max(tests, 1)


def consistent(interval: Estimate, rejected: bool) -> Estimate:
    """The interval, with nothing on the far side of 0 where Holm's test has rejected 0.

    Holm's step-down test rejects a little more than the simultaneous (Bonferroni) intervals do. For such a difference
    the end beyond 0 is drawn in to 0.
    """
    if not rejected or not interval.has_interval or not interval.low < 0.0 < interval.high:
        return interval
    low, high = (0.0, interval.high) if interval.value > 0.0 else (interval.low, 0.0)
    return Estimate(interval.value, low, high, AT_ZERO)
