"""Means over independent replications.

Replications are independent and identically distributed by construction, and each one is an average over many
requests, so Student's interval holds (Law, Simulation Modeling and Analysis, 5th ed., section 9.4.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim.statistics.estimate import Estimate, withheld, without_interval

CONFIDENCE = 0.95
ONE_REPLICATION = "one replication gives no interval; run at least two"


def student_factor(degrees: float, confidence: float = CONFIDENCE) -> float:
    """How many standard errors the two-sided interval reaches, with so many degrees of freedom."""
    from scipy import special  # a quarter of a second, which only a summary needs

    return float(special.stdtrit(degrees, 0.5 + confidence / 2))


def mean_estimate(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """The mean of one value a replication, with Student's interval.

    A value that is nan (a replication in which there was nothing to measure) withholds the mean: to leave it out
    would describe only the replications that went well.
    """
    data = np.asarray(values, dtype=float)
    n = len(data)
    undefined = int(np.isnan(data).sum())
    if n == 0:
        return withheld("no replication has run")
    if undefined:
        return withheld(f"undefined in {undefined} of {n} replications")
    mean = float(data.mean())
    if n == 1:
        return without_interval(mean, ONE_REPLICATION)
    half_width = student_factor(n - 1, confidence) * float(data.std(ddof=1)) / math.sqrt(n)
    return Estimate(mean, mean - half_width, mean + half_width)
