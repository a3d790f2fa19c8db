"""The share of requests that were answered well, or of windows that met an objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from sim.statistics.estimate import NAN, Estimate, withheld
from sim.statistics.means import CONFIDENCE, mean_estimate

FEW = 10
"""Failures (or successes) in all replications together from which on their spread over replications is trusted."""

NOTHING = {
    "requests": "no request was offered",
    "windows": "no whole window with a request lies between warm-up and end",
}
"""Why there is no share, by what it is of."""


def upper_bound_without_failures(trials: int, confidence: float = CONFIDENCE) -> float:
    """The largest probability of failure that `trials` good ones in a row leave plausible (one-sided).

    Clopper & Pearson 1934 with zero failures, (1 - p)^n = 1 - confidence; about 3/n, the rule of three. It takes
    requests as independent; failures that come in bursts make it optimistic.
    """
    from scipy import special  # a quarter of a second, which only a summary needs

    return float(special.betaincinv(1.0, trials, confidence))


def exact_share(count: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper & Pearson's two-sided interval of a probability, from `count` hits in `trials` independent ones."""
    from scipy import special

    tail = 0.5 * (1.0 - confidence)
    low = float(special.betaincinv(count, trials - count + 1, tail)) if count else 0.0
    high = float(special.betaincinv(count + 1, trials - count, 1.0 - tail)) if count < trials else 1.0
    return low, high


def availability(
    good: Sequence[int], offered: Sequence[int], confidence: float = CONFIDENCE, what: str = "requests"
) -> Estimate:
    """The share of good ones: the mean over replications with Student's interval, cut to [0, 1].

    Args:
        good, offered: requests (or what `what` names), one number a replication.
    Without a single failure (or a single success) the interval is one-sided and has the width of what so many
    requests can tell: never 100 ± 0 %. With fewer than 10 it is at least as wide as the exact binomial one: spread
    over a few replications, so few failures look more even than they are.
    """
    total = sum(offered)
    if total == 0:
        return withheld(NOTHING.get(what, f"no {what}"))
    bound = upper_bound_without_failures(total, confidence)
    if sum(good) == total:
        return Estimate(1.0, 1.0 - bound, 1.0, f"no failure in {total} {what}: a one-sided bound")
    if sum(good) == 0:
        return Estimate(0.0, 0.0, bound, f"no success in {total} {what}: a one-sided bound")
    shares = [g / n if n else float("nan") for g, n in zip(good, offered, strict=True)]
    mean = mean_estimate(shares, confidence)
    if not mean.has_interval:
        return mean
    low, high = mean.low, mean.high
    if min(sum(good), total - sum(good)) < FEW:
        exact = exact_share(sum(good), total, confidence)
        low, high = min(low, exact[0]), max(high, exact[1])
    return Estimate(mean.value, max(low, 0.0), min(high, 1.0), mean.reason)


def nines(good_share: Estimate) -> Estimate:
    """-log10 of the share that is not good: three nines are 99.9 %."""
    return _through(good_share, lambda share: -math.log10(1.0 - share) if share < 1.0 else math.inf)


def burn_rate(good_share: Estimate, objective: float) -> Estimate:
    """How many times as fast as the objective allows requests fail: at 1 the error budget lasts just as long as the
    time it is meant for (Beyer et al., The Site Reliability Workbook, 2018, chapter 5). Over the whole of that time it
    is the share of the budget that was used."""
    return _through(good_share, lambda share: (1.0 - share) / (1.0 - objective))


def _through(estimate: Estimate, function: Callable[[float], float]) -> Estimate:
    """A monotone function of an estimate: intervals are carried over end by end."""
    if math.isnan(estimate.value):
        return estimate
    ends = [function(estimate.low), function(estimate.high)] if estimate.has_interval else [NAN, NAN]
    return Estimate(function(estimate.value), min(ends), max(ends), estimate.reason)
