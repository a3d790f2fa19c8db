"""Numbers as a person reads them: as many digits as their uncertainty leaves."""

from __future__ import annotations

import math

from sim.statistics import Estimate

MISSING, MINUS = "–", "−"
ROUNDING = 1e-12
"""Relative half-widths below this are the arithmetic's, not the system's."""
TIME_UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def decimals_for(uncertainty: float) -> int:
    """Decimals that show an uncertainty with two significant digits."""
    if not math.isfinite(uncertainty) or uncertainty <= 0:
        return 0
    return max(0, 1 - math.floor(math.log10(uncertainty)))


def plain(value: float, significant: int = 4) -> str:
    """A number without an interval, to so many significant digits and without an exponent."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞"
    if value == 0:
        return "0"
    return f"{value:.{max(0, significant - 1 - math.floor(math.log10(abs(value))))}f}"


def with_interval(estimate: Estimate, scale: float = 1.0) -> str:
    """The estimate in units of `scale`: `12.3 ±0.4`, or the bare value where there is no interval."""
    value = estimate.value / scale
    half_width = estimate.half_width / scale
    if not estimate.has_interval or not math.isfinite(value):
        return plain(value)
    if half_width <= ROUNDING * abs(value):
        return f"{plain(value)} ±0"
    decimals = decimals_for(half_width)
    return f"{value:.{decimals}f} ±{half_width:.{decimals}f}"


def percentage(estimate: Estimate) -> str:
    """A share in %; one-sided bounds as `≥ 99.97`, an interval that was cut at 0 or 1 by its ends."""
    if not estimate.has_interval:
        return plain(100 * estimate.value)
    low, high = 100 * estimate.low, 100 * estimate.high
    if estimate.value == 1.0:
        return f"≥ {_floor(low, decimals_for(100 - low))}"
    if estimate.value == 0.0:
        return f"≤ {high:.{decimals_for(high)}f}"
    if low <= 0 or high >= 100:
        decimals = decimals_for(high - low)
        return f"{100 * estimate.value:.{decimals}f} ({low:.{decimals}f} to {high:.{decimals}f})"
    return with_interval(estimate, 0.01)


def time_unit(seconds: list[float]) -> tuple[str, float]:
    """The unit, and its seconds, in which the smallest of these times is at least 1."""
    finite = [s for s in seconds if math.isfinite(s) and s > 0]
    if finite:
        for name, scale in TIME_UNITS:
            if min(finite) >= scale:
                return name, scale
        return TIME_UNITS[-1]
    return TIME_UNITS[1]


def _floor(value: float, decimals: int) -> str:
    """Rounded down: a lower bound must not claim more than it has."""
    factor = 10.0**decimals
    return f"{math.floor(value * factor) / factor:.{decimals}f}"


def signed(estimate: Estimate, scale: float = 1.0) -> str:
    """A difference in units of `scale`, with its sign and as many digits as its interval leaves: `−38.1`."""
    value = estimate.value / scale
    half_width = estimate.half_width / scale
    if math.isnan(value):
        return MISSING
    if not estimate.has_interval or half_width <= ROUNDING * abs(value):
        text = plain(abs(value))
    else:
        text = f"{abs(value):.{decimals_for(half_width)}f}"
    if math.isfinite(value) and not float(text):
        return text
    return f"{'+' if value > 0 else MINUS}{text}"
