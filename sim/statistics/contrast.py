"""A difference between two variants, and what its interval is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.statistics.availability import FEW, exact_share
from sim.statistics.estimate import NAN, Estimate
from sim.statistics.means import CONFIDENCE, student_factor

SMALLEST_P = 1e-15
BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class Counts:
    """How many were bad, of how many in all, in each of two variants (base, other)."""

    bad: tuple[int, int]
    trials: tuple[int, int]

    @property
    def rare(self) -> bool:
        """So few bad ones, or good ones, that their spread over replications says little."""
        return sum(self.bad) < FEW or sum(self.trials) - sum(self.bad) < FEW

    def times(self, factor: float) -> Counts:
        """The same shares in so many times as many trials."""
        return Counts(_scaled(self.bad, factor), _scaled(self.trials, factor))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Of the difference other − base in the share of good ones: each end sets the exact binomial end of one variant
        (Clopper & Pearson 1934) against that of the other. It takes trials as independent."""
        base, other = (exact_share(bad, n, confidence) for bad, n in zip(self.bad, self.trials, strict=True))
        return base[0] - other[1], base[1] - other[0]


def _scaled(counts: tuple[int, int], factor: float) -> tuple[int, int]:
    return round(counts[0] * factor), round(counts[1] * factor)


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference other − base whose interval can be asked for at any level of confidence.

    It reaches Student's factor of `degrees` times `error`, plus `resolution`, from the value. As many independent runs
    would have had `unpaired_error` and `unpaired_degrees` instead. Errors are nan with one replication. The value is
    nan where it is withheld; `reason` is a sentence that says why something is missing or special.
    """

    value: float
    error: float = NAN
    degrees: float = NAN
    unpaired_error: float = NAN
    unpaired_degrees: float = NAN
    correlation: float = NAN
    """Of the two variants over replications; nan where one of them does not vary."""
    resolution: float = 0.0
    """What rounding may amount to, whatever the replications say."""
    infinite_p: float = NAN
    """Of an infinite difference: the p of the test that it is one."""
    counts: Counts | None = None
    """Given where bad ones are few: then no interval is narrower than what so many trials can tell."""
    reason: str = ""

    def interval(self, confidence: float = CONFIDENCE) -> Estimate:
        return self._interval(self.error, self.degrees, confidence)

    def unpaired(self, confidence: float = CONFIDENCE) -> Estimate:
        """The interval that as many independent runs would have given (Welch 1947)."""
        return self._interval(self.unpaired_error, self.unpaired_degrees, confidence)

    def p_value(self) -> float:
        """Two-sided, of no difference: the smallest p whose interval of confidence 1 - p leaves 0 out; nan without
        interval."""
        if math.isinf(self.value):
            return self.infinite_p
        if self.counts is not None:
            return self._p_by_bisection()
        if math.isnan(self.error):
            return NAN
        beyond = abs(self.value) - self.resolution
        if beyond <= 0.0:
            return 1.0
        if self.error == 0.0:
            return 0.0
        from scipy import special  # a quarter of a second, which only a comparison needs

        return float(2.0 * special.stdtr(self.degrees, -beyond / self.error))

    def _interval(self, error: float, degrees: float, confidence: float) -> Estimate:
        ends = []
        if not math.isnan(error):
            reach = self.resolution + (student_factor(degrees, confidence) * error if error else 0.0)
            ends.append((self.value - reach, self.value + reach))
        if self.counts is not None:
            ends.append(self.counts.interval(confidence))
        if not ends:
            return Estimate(self.value, reason=self.reason)
        return Estimate(self.value, min(low for low, _ in ends), max(high for _, high in ends), self.reason)

    def _p_by_bisection(self) -> float:
        """In log p; the ends of the interval move outwards as p falls."""
        below, above = math.log(SMALLEST_P), 0.0
        if self._leaves_zero_out(SMALLEST_P):
            return SMALLEST_P
        for _ in range(BISECTIONS):
            middle = 0.5 * (below + above)
            below, above = (below, middle) if self._leaves_zero_out(math.exp(middle)) else (middle, above)
        return math.exp(above)

    def _leaves_zero_out(self, p: float) -> bool:
        interval = self.interval(1.0 - p)
        return interval.low > 0.0 or interval.high < 0.0
