"""Differences between two variants that ran on the same random numbers.

Replication r of one variant and replication r of the other share their draws: they are a pair. The difference is formed
within each pair, and its uncertainty comes from the spread of the differences (Law, Simulation Modeling and Analysis,
5th ed., sections 10.2.1 and 11.2); what luck the two have in common cancels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sim.statistics.availability import FEW
from sim.statistics.contrast import Contrast, Counts
from sim.statistics.estimate import NAN
from sim.statistics.means import ONE_REPLICATION
from sim.statistics.quantiles import RESOLUTION, deleted_quantiles, jackknife_error, pooled_quantile

ROUNDING = 1e-12
"""Relative spreads below this are the arithmetic's, not the system's."""
SAME = "every replication gave the same difference"


def mean_contrast(base: Sequence[float], other: Sequence[float]) -> Contrast:
    """The difference of means over replications, one value a replication, in pairs: Student's interval."""
    pair = np.array([base, other], dtype=float)
    n = pair.shape[1]
    undefined = int(np.isnan(pair).any(axis=0).sum())
    if n == 0:
        return Contrast(NAN, reason="no replication has run")
    if undefined:
        return Contrast(NAN, reason=f"undefined in {undefined} of {n} replications")
    difference = pair[1] - pair[0]
    value = float(difference.mean())
    if n == 1:
        return Contrast(value, reason=ONE_REPLICATION)
    return _contrast(value, difference.std(ddof=1) / math.sqrt(n), pair.std(axis=1, ddof=1) / math.sqrt(n), pair)


def share_contrast(
    base: tuple[Sequence[int], Sequence[int]], other: tuple[Sequence[int], Sequence[int]], what: str = "requests"
) -> Contrast:
    """The difference of shares (good ones, all of them; a number a replication each): the mean of the paired
    differences. With fewer than 10 bad ones (or good ones) in all, its interval is never narrower than the exact
    binomial one; where there is none at all, it is that one: a bound, never ±0."""
    contrast = mean_contrast(_shares(*base), _shares(*other))
    trials = (sum(base[1]), sum(other[1]))
    counts = Counts((trials[0] - sum(base[0]), trials[1] - sum(other[0])), trials)
    if math.isnan(contrast.value) or not counts.rare:
        return contrast
    of = f"in {sum(trials):,} {what}"
    if sum(counts.bad) == 0:
        return replace(contrast, counts=counts, reason=f"no failure {of}: a bound")
    if sum(counts.bad) == sum(trials):
        return replace(contrast, counts=counts, reason=f"no success {of}: a bound")
    if math.isnan(contrast.error):
        return contrast
    reason = f"fewer than {FEW} failures (or successes) {of}: at least the exact binomial interval"
    return replace(contrast, counts=counts, reason=reason)


def quantile_contrast(
    base: tuple[Sequence[np.ndarray], Sequence[int]], other: tuple[Sequence[np.ndarray], Sequence[int]], q: float
) -> Contrast:
    """The difference of pooled quantiles. Its error is the jackknife's that deletes the same replication from both.

    Args:
        base, other: histograms and failures, as `pooled_quantile` takes them; in pairs.
    Withheld where one of the two is withheld, or both are infinite; infinite where one is.
    """
    pooled = [pooled_quantile(*variant, q) for variant in (base, other)]
    if sum(math.isinf(estimate.value) for estimate in pooled) == 1 and not any(math.isnan(e.value) for e in pooled):
        return _infinite_contrast([_failed_shares(*variant) for variant in (base, other)], q)
    missing = next((estimate for estimate in pooled if not math.isfinite(estimate.value)), None)
    if missing is not None:
        return Contrast(NAN, reason=missing.reason)
    value = pooled[1].value - pooled[0].value
    bare = next((estimate for estimate in pooled if not estimate.has_interval), None)
    if bare is not None:
        return Contrast(value, reason=bare.reason)
    deleted = np.array([deleted_quantiles(*variant, q) for variant in (base, other)])
    errors = np.array([jackknife_error(row) for row in deleted])
    contrast = _contrast(value, jackknife_error(deleted[1] - deleted[0]), errors, deleted)
    return replace(contrast, resolution=RESOLUTION * (pooled[0].value + pooled[1].value), reason="")


def _failed_shares(histograms: Sequence[np.ndarray], failures: Sequence[int]) -> np.ndarray:
    return np.array([f / (int(h.sum()) + f) for h, f in zip(histograms, failures, strict=True)])


def _infinite_contrast(failed: Sequence[np.ndarray], q: float) -> Contrast:
    """One variant fails more than the share 1 - q of its requests, so that its quantile is infinite, the other fewer.

    Both must be sure: the p is the larger of those of two tests, each Student's on the replications' shares (an
    intersection–union test, Berger 1982, which needs no adjustment).
    """
    worse = max(failed, key=lambda shares: float(shares.mean()))
    value = math.inf if worse is failed[1] else -math.inf
    p = max(_p_of_mean(shares - (1.0 - q)) for shares in failed)
    return Contrast(value, infinite_p=p, reason=f"{float(f'{100 * worse.mean():.3g}'):g} % of the requests failed")


def _p_of_mean(values: np.ndarray) -> float:
    """Student's two-sided p of a mean of 0; 1 with one value, which tells nothing of the spread."""
    if len(values) < 2:
        return 1.0
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    if error == 0.0:
        return 0.0 if values.mean() else 1.0
    from scipy import special  # a quarter of a second, which only a comparison needs

    return float(2.0 * special.stdtr(len(values) - 1, -abs(float(values.mean())) / error))


def _contrast(value: float, error: float, errors: np.ndarray, pair: np.ndarray) -> Contrast:
    """From the standard errors of the difference and of both variants; `pair` has shape (2, replications)."""
    n = pair.shape[1]
    exact = error <= ROUNDING * float(np.abs(pair).max())
    return Contrast(
        value,
        0.0 if exact else float(error),
        n - 1,
        float(np.hypot(*errors)),
        _welch_degrees(errors, n),
        correlation(pair[0], pair[1]),
        reason=SAME if exact else "",
    )


def _welch_degrees(errors: np.ndarray, n: int) -> float:
    """Welch–Satterthwaite, for two samples of n."""
    fourth = float(np.sum(errors**4))
    return float(np.sum(errors**2) ** 2 * (n - 1) / fourth) if fourth > 0.0 else float(n - 1)


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's; nan where one of the two does not vary (beyond rounding)."""
    centred = [values - values.mean() for values in (x, y)]
    sizes = [float(np.sqrt(np.sum(c**2))) for c in centred]
    if any(size <= ROUNDING * float(np.abs(v).max()) for size, v in zip(sizes, (x, y), strict=True)):
        return NAN
    return float(np.clip(np.sum(centred[0] * centred[1]) / (sizes[0] * sizes[1]), -1.0, 1.0))


def _shares(good: Sequence[int], trials: Sequence[int]) -> list[float]:
    return [g / n if n else NAN for g, n in zip(good, trials, strict=True)]
