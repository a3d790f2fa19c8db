"""Comparisons with known numbers, without any run."""

from __future__ import annotations

import math
from typing import Any

from sim.experiment.comparison import Comparison, Difference
from sim.statistics import Estimate

MEANT = {"throughput_per_s": 400.0, "latency_p99_s": 0.1, "availability": 0.98, "latency_mean_s": 0.02}


def difference(
    metric: str, low: float, high: float, verdict: Any, *, variant: str = "other", source: str = "users", **changes: Any
) -> Difference:
    """Of `metric`, from `low` to `high`; the baseline's value is that of `MEANT`."""
    base, middle = MEANT[metric], (low + high) / 2
    fields: dict[str, Any] = {
        "variant": variant, "source": source, "metric": metric, "primary": metric != "latency_mean_s",
        "base": Estimate(base, base * 0.99, base * 1.01), "other": Estimate(base + middle, base + low, base + high),
        "difference": Estimate(middle, low, high),
        "unpaired": Estimate(middle, 4 * low - 3 * middle, 4 * high - 3 * middle),
        "correlation": 0.9, "p_value": 0.01, "adjusted_p": 0.03, "verdict": verdict, "margin": 0.05 * base,
        "more_replications": None, "sentence": f"{variant} differs in {metric}",
    }  # fmt: skip
    return Difference(**(fields | changes))


def withheld(metric: str, base: float, other: float, reason: str) -> Difference:
    nothing = Estimate(math.nan, reason=reason)
    return difference(
        metric, math.nan, math.nan, "undecided", base=Estimate(base, reason=reason), other=Estimate(other),
        difference=nothing, unpaired=nothing, correlation=math.nan,
    )  # fmt: skip


def comparison(*differences: Difference) -> Comparison:
    return Comparison("base", 10, differences, ())
