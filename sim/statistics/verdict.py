"""Does a difference matter? Three answers, and how much more it would take where there is none yet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from sim.statistics.contrast import Contrast
from sim.statistics.estimate import Estimate
from sim.statistics.means import student_factor

Verdict = Literal["differs", "equal", "undecided"]

POWER = 0.8
"""Chance of a verdict after the replications that are advised."""
SPREAD_CONFIDENCE = 0.8
MOST_REPLICATIONS = 100_000


def decide(interval: Estimate, margin: float, rejected: bool) -> Verdict:
    """`equal` where the whole interval lies within ±margin, 0 or not (Schuirmann 1987: two one-sided tests); else
    `differs` where the test has `rejected` 0; else `undecided`. With more and more replications the first two are
    where every comparison ends, by whether the true difference is within the margin."""
    if interval.has_interval and -margin <= interval.low and interval.high <= margin:
        return "equal"
    return "differs" if rejected else "undecided"


def more_replications(contrast: Contrast, replications: int, margin: float, confidence: float) -> int | None:
    """About how many more replications would bring a verdict; None where that cannot be said.

    If the difference stays where it is, an interval that reaches less far than `distance` from it decides: it leaves 0
    out, or it stays within ±margin. To do so in 80 % of all experiments it has to reach a little less far still (the
    sum of two Student factors, as in every sample size formula). The spread is not the one that was seen but the upper
    end of its own one-sided 80 % interval: seen in few replications it is often too small (Browne, Statistics in
    Medicine 14, 1995).
    """
    size = abs(contrast.value)
    distance = max(size, margin - size) - contrast.resolution
    if not distance > 0.0 or (math.isnan(contrast.error) and contrast.counts is None):
        return None

    def enough(n: int) -> bool:
        few = contrast.counts
        if few is not None and not _decides(few.times(n / replications).interval(confidence), margin):
            return False
        return math.isnan(contrast.error) or _reach(contrast.error, replications, n, confidence) <= distance

    return next((n - replications for n in _candidates(replications) if enough(n)), None)


def _reach(error: float, replications: int, n: int, confidence: float) -> float:
    """Half of an interval from n replications, and what chance may move it by, from the error of `replications`."""
    from scipy import special

    degrees = replications - 1
    spread_factor = math.sqrt(degrees / float(special.chdtri(degrees, SPREAD_CONFIDENCE)))
    factors = student_factor(n - 1, confidence) + float(special.stdtrit(n - 1, POWER))
    return factors * error * spread_factor * math.sqrt(replications / n)


def _decides(ends: tuple[float, float], margin: float) -> bool:
    low, high = ends
    return low > 0.0 or high < 0.0 or (-margin <= low and high <= margin)


def _candidates(replications: int) -> Iterator[int]:
    """Numbers of replications to try, in steps of 5 %: the answer is no more exact than that."""
    n = replications + 1
    while n <= MOST_REPLICATIONS:
        yield n
        n = max(n + 1, math.ceil(1.05 * n))
