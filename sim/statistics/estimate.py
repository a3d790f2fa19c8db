"""A number with its uncertainty, or the reason why it has none."""

from __future__ import annotations

import math
from dataclasses import dataclass

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Estimate:
    """`value` is nan where it is withheld, `low` and `high` (closed ends) are nan without an interval; then `reason`
    is a sentence that says why. An infinite value is a real one: a quantile that falls among the failures."""

    value: float
    low: float = NAN
    high: float = NAN
    reason: str = ""

    @property
    def has_interval(self) -> bool:
        return not (math.isnan(self.low) or math.isnan(self.high))

    @property
    def half_width(self) -> float:
        """Distance from the value to the farther end; nan without an interval."""
        return max(self.high - self.value, self.value - self.low) if self.has_interval else NAN


def withheld(reason: str) -> Estimate:
    return Estimate(NAN, reason=reason)


def without_interval(value: float, reason: str) -> Estimate:
    return Estimate(value, reason=reason)
