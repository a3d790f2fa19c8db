"""What the replications of one variant say about one metric: estimated alone, or against another variant.

Three kinds: an average, a quantile of all requests together, and a share of good ones. Each holds one entry a
replication.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from sim.statistics.availability import availability
from sim.statistics.contrast import Contrast
from sim.statistics.estimate import Estimate
from sim.statistics.means import mean_estimate
from sim.statistics.paired import mean_contrast, quantile_contrast, share_contrast
from sim.statistics.quantiles import pooled_quantile


class Samples(Protocol):
    def estimate(self) -> Estimate:
        """With its 95 % interval."""

    def minus(self, base: Self) -> Contrast:
        """The difference from `base`, the same replications of another variant."""


@dataclass(frozen=True, slots=True)
class Averages:
    """`values` may be nan where there was nothing to measure."""

    values: Sequence[float]

    def estimate(self) -> Estimate:
        return mean_estimate(self.values)

    def minus(self, base: Averages) -> Contrast:
        return mean_contrast(base.values, self.values)


@dataclass(frozen=True, slots=True)
class Latencies:
    """Histograms of the successes, and failures that rank as infinitely slow, for the quantile q."""

    histograms: Sequence[np.ndarray]
    failures: Sequence[int]
    q: float

    def estimate(self) -> Estimate:
        return pooled_quantile(self.histograms, self.failures, self.q)

    def minus(self, base: Latencies) -> Contrast:
        return quantile_contrast((base.histograms, base.failures), (self.histograms, self.failures), self.q)


@dataclass(frozen=True, slots=True)
class Shares:
    """`good` ones among `trials`, both of what `what` names."""

    good: Sequence[int]
    trials: Sequence[int]
    what: str = "requests"

    def estimate(self) -> Estimate:
        return availability(self.good, self.trials, what=self.what)

    def minus(self, base: Shares) -> Contrast:
        return share_contrast((base.good, base.trials), (self.good, self.trials), self.what)
