"""The share of requests that were answered well."""

from __future__ import annotations

from collections.abc import Sequence

from sim.statistics.estimate import Estimate, withheld
from sim.statistics.means import CONFIDENCE, mean_estimate


def upper_bound_without_failures(trials: int, confidence: float = CONFIDENCE) -> float:
    """The largest probability of failure that `trials` good ones in a row leave plausible (one-sided).

    Clopper & Pearson 1934 with zero failures, (1 - p)^n = 1 - confidence; about 3/n, the rule of three. It takes
    requests as independent; failures that come in bursts make it optimistic.
    """
    from scipy import special  # a quarter of a second, which only a summary needs

    return float(special.betaincinv(1.0, trials, confidence))


def availability(good: Sequence[int], offered: Sequence[int], confidence: float = CONFIDENCE) -> Estimate:
    """The share of good requests: the mean over replications with Student's interval, cut to [0, 1].

    Args:
        good, offered: requests, one number a replication.
    Without a single failure (or a single success) the interval is one-sided and has the width of what so many
    requests can tell: never 100 ± 0 %.
    """
    total = sum(offered)
    if total == 0:
        return withheld("no request was offered")
    bound = upper_bound_without_failures(total, confidence)
    if sum(good) == total:
        return Estimate(1.0, 1.0 - bound, 1.0, f"no failure in {total} requests: a one-sided bound")
    if sum(good) == 0:
        return Estimate(0.0, 0.0, bound, f"no success in {total} requests: a one-sided bound")
    shares = [g / n if n else float("nan") for g, n in zip(good, offered, strict=True)]
    mean = mean_estimate(shares, confidence)
    return Estimate(mean.value, max(mean.low, 0.0), min(mean.high, 1.0), mean.reason) if mean.has_interval else mean
