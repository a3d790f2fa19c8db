"""Do replications fall into two groups, so that their average describes none of them?

A system that can get stuck (a retry storm, a metastable failure) recovers in some replications and not in others. The
rule looks for a gap in the sorted values that is wide against the spread within the two groups that it leaves:

    gap / pooled standard deviation within the groups > the critical value for so many replications

Critical values are the 99 % quantiles of the largest such ratio in normal samples (found by simulation, a million each;
`tests/statistics/test_fates.py` repeats it), but never less than 5: larger samples have a gap somewhere in their tails.
So a normal sample is split in at most 1 % of all cases. The caller adds what gap is worth speaking of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

CRITICAL = {3: 235.0, 4: 27.8, 5: 13.4, 6: 8.99, 7: 6.97, 8: 5.79, 9: 5.03}
"""By the number of replications; with two there is nothing to compare a gap with."""
CRITICAL_FROM_10 = 5.0


def two_groups(values: Sequence[float], gap_min: float) -> tuple[list[int], list[int]] | None:
    """The places of the lower and of the higher values, where they fall into two groups; else None.

    Args:
        values: one a replication, on a scale on which equal differences matter equally.
        gap_min: what the gap between the groups must be at least.
    """
    data = np.asarray(values, dtype=float)
    n = len(data)
    if n < min(CRITICAL) or not np.isfinite(data).all():
        return None
    order = np.argsort(data, kind="stable")
    ratios = _gap_ratios(data[order])
    cut = int(np.argmax(ratios))
    gap = data[order[cut + 1]] - data[order[cut]]
    if gap < gap_min or ratios[cut] <= CRITICAL.get(n, CRITICAL_FROM_10):
        return None
    return sorted(order[: cut + 1].tolist()), sorted(order[cut + 1 :].tolist())


def _gap_ratios(ordered: np.ndarray) -> np.ndarray:
    """For each cut between neighbours, the gap over the pooled standard deviation of what lies on its sides."""
    n = len(ordered)
    ratios = np.zeros(n - 1)
    for cut in range(1, n):
        within = sum(float(np.sum((side - side.mean()) ** 2)) for side in (ordered[:cut], ordered[cut:]))
        gap = float(ordered[cut] - ordered[cut - 1])
        ratios[cut - 1] = gap / math.sqrt(within / (n - 2)) if within > 0.0 else (math.inf if gap > 0.0 else 0.0)
    return ratios
