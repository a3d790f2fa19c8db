"""What sources ask for: mean and peak rates of open arrivals, the mix of their targets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.analysis.failing import EndpointName
from sim.model import Source
from sim.traffic import Arrivals, Closed, Diurnal, Mmpp, Trace
from sim.traffic.varying import Piecewise

PEAK_WINDOW_S = 1.0
"""A trace's peak is its fullest second."""


@dataclass(frozen=True, slots=True)
class OpenRate:
    """Requests per second over the run: the mean, and the highest expected rate (`peak`), equal where it is steady."""

    mean_per_s: float
    peak_per_s: float
    what_peaks: str = ""


def open_rate(arrivals: Arrivals, duration_s: float) -> OpenRate:
    """Of any process but closed users, over (0, duration_s]."""
    assert not isinstance(arrivals, Closed)
    mean = arrivals.mean_rate(duration_s)
    match arrivals:
        case Piecewise():
            return OpenRate(mean, _highest(arrivals, duration_s), "at its highest rate")
        case Diurnal():
            return OpenRate(mean, _crest(arrivals, duration_s), "at the height of its day")
        case Mmpp():
            return OpenRate(mean, max(arrivals.rates_per_s), "in its busiest state")
        case Trace():
            return OpenRate(mean, max(_fullest_second(arrivals, duration_s), mean), "in its fullest second")
        case _:
            return OpenRate(mean, mean)


def mix_of(source: Source, duration_s: float) -> dict[EndpointName, float]:
    """Shares of the source's targets; those of a trace that names its endpoints are counted."""
    arrivals = source.arrivals
    if isinstance(arrivals, Trace) and arrivals.endpoints is not None:
        seen = arrivals.endpoints[arrivals.times_s <= duration_s]
        counts = np.bincount(seen, minlength=len(arrivals.endpoint_names)) / max(len(seen), 1)
        share = dict(zip(arrivals.endpoint_names, counts.tolist(), strict=True))
        return {(t.service, t.endpoint): share.get(f"{t.service}.{t.endpoint}", 0.0) for t in source.targets}
    return {(target.service, target.endpoint): target.weight for target in source.targets}


def _highest(arrivals: Piecewise, duration_s: float) -> float:
    segments = arrivals.segments()
    ends = [start for start, _, _ in segments[1:]] + [math.inf]
    seen = [
        rate
        for (start, first, slope), end in zip(segments, ends, strict=True)
        if start < duration_s
        for rate in (first, first + slope * (min(end, duration_s) - start) if slope else first)
    ]
    return max(seen)


def _crest(arrivals: Diurnal, duration_s: float) -> float:
    """The highest rate in the run, which may be over before the day has its height."""

    def rate(time_s: float) -> float:
        return math.sin(2.0 * math.pi * (time_s / arrivals.period_s + arrivals.phase))

    height_s = arrivals.period_s * ((0.25 - arrivals.phase) % 1.0)
    swing = 1.0 if height_s <= duration_s else max(rate(0.0), rate(duration_s))
    return arrivals.mean_per_s * (1.0 + arrivals.amplitude * swing)


def _fullest_second(arrivals: Trace, duration_s: float) -> float:
    times = arrivals.times_s[arrivals.times_s <= duration_s]
    if len(times) == 0:
        return 0.0
    until = np.searchsorted(times, times + PEAK_WINDOW_S, side="left")
    return float((until - np.arange(len(times))).max()) / PEAK_WINDOW_S
