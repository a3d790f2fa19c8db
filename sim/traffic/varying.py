"""Poisson arrivals whose rate follows the clock, by exact inversion of the cumulative rate.

With Λ(t) the integral of the rate, arrival i is where Λ has grown by the i-th standard exponential (Çinlar,
Introduction to Stochastic Processes, 1975, section 4.7; Lewis & Shedler, Naval Research Logistics Quarterly 26(3),
1979, compare it with thinning). No draw is thrown away: a higher rate moves every arrival forward, none out of step.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from sim.distributions import Form, Parameter
from sim.distributions.parameters import Parameters
from sim.errors import DsimError
from sim.traffic.base import DIURNAL, SEGMENTS, Arrivals, Process, register

Segment = tuple[float, float, float]
"""Start in s, rate there per s, slope per s²: linear up to the next segment's start."""


@dataclass(frozen=True)
class Piecewise(Arrivals):
    """Base of rates made of straight segments. The last one is level."""

    code = SEGMENTS

    @abstractmethod
    def segments(self) -> list[Segment]:
        """In order of their starts; the first starts at 0."""

    def mean_rate(self, until_s: float) -> float:
        total = 0.0
        segments = self.segments()
        ends = [start for start, _, _ in segments[1:]] + [math.inf]
        for (start, rate, slope), end in zip(segments, ends, strict=True):
            span = min(end, until_s) - start
            if span > 0.0:
                total += span * (rate + 0.5 * slope * span)
        return total / until_s

    def lower(self) -> Process:
        segments = self.segments()
        return Process(SEGMENTS, data=np.array(segments).ravel(), length=len(segments))


@register
@dataclass(frozen=True)
class Steps(Piecewise):
    """A staircase: each rate holds from its time until the next one's. Before the first there is no traffic."""

    name = "steps"
    parameters: ClassVar[Parameters] = {
        "steps": Parameter(
            "list[record]",
            "the rates, in order of time",
            item={
                "at": Parameter("duration", "from when", at_least=0.0),
                "rate": Parameter("rate", "arrivals per second from then on", at_least=0.0),
            },
        )
    }
    forms = (Form(("steps",)),)
    single = "steps"

    starts_s: tuple[float, ...]
    rates_per_s: tuple[float, ...]

    @classmethod
    def from_parameters(cls, **values: Any) -> Steps:
        steps = values["steps"]
        return cls(tuple(step["at"] for step in steps), tuple(step["rate"] for step in steps))

    def validate(self) -> None:
        assert len(self.starts_s) == len(self.rates_per_s)
        for earlier, later in pairwise(self.starts_s):
            if later <= earlier:
                raise DsimError(f"steps: got a step at {later:g} s after one at {earlier:g} s; times must increase")

    def segments(self) -> list[Segment]:
        steps = [(start, rate, 0.0) for start, rate in zip(self.starts_s, self.rates_per_s, strict=True)]
        return steps if self.starts_s[0] == 0.0 else [(0.0, 0.0, 0.0), *steps]


@register
@dataclass(frozen=True)
class Ramp(Piecewise):
    """From one rate to another in a straight line, level before and after."""

    name = "ramp"
    parameters: ClassVar[Parameters] = {
        "from": Parameter("rate", "the rate before", at_least=0.0, attribute="from_per_s", example="100/s"),
        "to": Parameter("rate", "the rate after", at_least=0.0, attribute="to_per_s"),
        "over": Parameter("duration", "how long it takes", above=0.0, attribute="over_s"),
        "at": Parameter("duration", "when it begins", default=0.0, at_least=0.0, attribute="at_s"),
    }
    forms = (Form(("from", "to", "over"), ("at",)),)

    from_per_s: float
    to_per_s: float
    over_s: float
    at_s: float = 0.0

    def segments(self) -> list[Segment]:
        slope = (self.to_per_s - self.from_per_s) / self.over_s
        ramp = [(self.at_s, self.from_per_s, slope), (self.at_s + self.over_s, self.to_per_s, 0.0)]
        return ramp if self.at_s == 0.0 else [(0.0, self.from_per_s, 0.0), *ramp]


@register
@dataclass(frozen=True)
class Spike(Piecewise):
    """A base rate, and another one during [at, at + for)."""

    name = "spike"
    parameters: ClassVar[Parameters] = {
        "base": Parameter("rate", "the rate before and after", at_least=0.0, attribute="base_per_s", example="100/s"),
        "peak": Parameter("rate", "the rate meanwhile", at_least=0.0, attribute="peak_per_s"),
        "at": Parameter("duration", "when it begins", at_least=0.0, attribute="at_s"),
        "for": Parameter("duration", "how long it lasts", above=0.0, attribute="for_s"),
    }
    forms = (Form(("base", "peak", "at", "for")),)

    base_per_s: float
    peak_per_s: float
    at_s: float
    for_s: float

    def segments(self) -> list[Segment]:
        spike = [(self.at_s, self.peak_per_s, 0.0), (self.at_s + self.for_s, self.base_per_s, 0.0)]
        return spike if self.at_s == 0.0 else [(0.0, self.base_per_s, 0.0), *spike]


@register
@dataclass(frozen=True)
class Diurnal(Arrivals):
    """Day and night: rate(t) = mean · (1 + amplitude · sin(2π (t / period + phase))).

    Phase 0 starts at the mean and rising, 25 % at the peak, 75 % at the trough.
    """

    name = "diurnal"
    code = DIURNAL
    parameters: ClassVar[Parameters] = {
        "mean": Parameter("rate", "the rate over a whole period", above=0.0, attribute="mean_per_s"),
        "amplitude": Parameter("ratio", "swing around the mean, as a share of it", at_least=0.0, at_most=1.0),
        "period": Parameter("duration", "how long a day is", above=0.0, attribute="period_s", example="1h"),
        "phase": Parameter("ratio", "where in the period time 0 lies", default=0.0, at_least=0.0, at_most=1.0),
    }
    forms = (Form(("mean", "amplitude", "period"), ("phase",)),)

    mean_per_s: float
    amplitude: float
    period_s: float
    phase: float = 0.0

    def mean_rate(self, until_s: float) -> float:
        begin, end = 2.0 * math.pi * self.phase, 2.0 * math.pi * (until_s / self.period_s + self.phase)
        swing = self.amplitude * self.period_s / (2.0 * math.pi) * (math.cos(begin) - math.cos(end))
        return self.mean_per_s * (1.0 + swing / until_s)

    def lower(self) -> Process:
        return Process(DIURNAL, a=self.mean_per_s, b=self.amplitude, c=self.period_s, d=self.phase)
