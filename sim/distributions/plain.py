"""Laws whose draw is the closed inverse of one uniform number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from sim.distributions.base import Distribution, Law, register
from sim.distributions.codes import BIMODAL, EXPONENTIAL, PARETO, UNIFORM, WEIBULL
from sim.distributions.parameters import Form, Parameter, Parameters
from sim.errors import DsimError

SHAPE_MIN = 0.1
"""Smallest shape of a power law: the largest draw stays below minimum · 2^530."""

MEAN = Parameter("quantity", "the mean", at_least=0.0, attribute="mean_value")


@register
@dataclass(frozen=True)
class Constant(Distribution):
    """Always the same value."""

    name = "constant"
    parameters: ClassVar[Parameters] = {"value": Parameter("quantity", "the value", at_least=0.0)}
    forms = (Form(("value",)),)
    single = "value"

    value: float

    def mean(self) -> float:
        return self.value

    def variance(self) -> float:
        return 0.0

    def minimum(self) -> float:
        return self.value

    def lower(self) -> Law:
        return Law.constant(self.value)


@register
@dataclass(frozen=True)
class Exponential(Distribution):
    """Memoryless, cv 1: the law of M/M/1."""

    name = "exponential"
    parameters: ClassVar[Parameters] = {"mean": MEAN}
    forms = (Form(("mean",)),)
    single = "mean"

    mean_value: float

    def mean(self) -> float:
        return self.mean_value

    def variance(self) -> float:
        return self.mean_value**2

    def lower(self) -> Law:
        return Law(EXPONENTIAL, a=self.mean_value)


@register
@dataclass(frozen=True)
class Uniform(Distribution):
    """Any value between two bounds, all alike."""

    name = "uniform"
    parameters: ClassVar[Parameters] = {
        "low": Parameter("quantity", "the lower bound", at_least=0.0, example="2ms"),
        "high": Parameter("quantity", "the upper bound", at_least=0.0),
    }
    forms = (Form(("low", "high")),)

    low: float
    high: float

    def validate(self) -> None:
        if self.high < self.low:
            raise DsimError(f"uniform.high: got {self.high}, below low ({self.low}); must be at least low")

    def mean(self) -> float:
        return 0.5 * (self.low + self.high)

    def variance(self) -> float:
        return (self.high - self.low) ** 2 / 12.0

    def minimum(self) -> float:
        return self.low

    def lower(self) -> Law:
        return Law(UNIFORM, a=self.low, b=self.high)


@register
@dataclass(frozen=True)
class Bimodal(Distribution):
    """`high` with probability `share`, else `low`: the usual caricature of mostly short, rarely long work."""

    name = "bimodal"
    parameters: ClassVar[Parameters] = {
        "low": Parameter("quantity", "the common value", at_least=0.0, example="2ms"),
        "high": Parameter("quantity", "the rare value", at_least=0.0),
        "share": Parameter("ratio", "probability of the high value", at_least=0.0, at_most=1.0, example="10%"),
    }
    forms = (Form(("low", "high", "share")),)

    low: float
    high: float
    share: float

    def validate(self) -> None:
        if self.high < self.low:
            raise DsimError(f"bimodal.high: got {self.high}, below low ({self.low}); must be at least low")

    def mean(self) -> float:
        return self.low + self.share * (self.high - self.low)

    def variance(self) -> float:
        return self.share * (1.0 - self.share) * (self.high - self.low) ** 2

    def minimum(self) -> float:
        return self.low if self.share < 1.0 else self.high

    def lower(self) -> Law:
        return Law(BIMODAL, a=self.low, b=self.high, c=self.share)


@register
@dataclass(frozen=True)
class Pareto(Distribution):
    """Power tail, P(X > x) = (minimum / x)^shape (Pareto type I).

    The variance is infinite for shapes up to 2, the mean for shapes up to 1.
    """

    name = "pareto"
    parameters: ClassVar[Parameters] = {
        "mean": Parameter("quantity", "the mean; needs a shape above 1", at_least=0.0),
        "minimum": Parameter("quantity", "the smallest value", at_least=0.0, attribute="scale"),
        "shape": Parameter("number", "exponent of the tail; smaller is heavier", at_least=SHAPE_MIN),
    }
    forms = (Form(("mean", "shape")), Form(("minimum", "shape")))

    scale: float
    shape: float

    @classmethod
    def from_parameters(cls, **values: Any) -> Pareto:
        shape = values["shape"]
        if "minimum" in values:
            return cls(values["minimum"], shape)
        if shape <= 1.0:
            raise DsimError(
                f"pareto.shape: got {shape} with a mean; the mean is infinite there; must be above 1, "
                "or give minimum instead of mean"
            )
        return cls(values["mean"] * (shape - 1.0) / shape, shape)

    def mean(self) -> float:
        if self.shape <= 1.0 and self.scale > 0.0:
            return math.inf
        return self.scale * self.shape / (self.shape - 1.0) if self.scale > 0.0 else 0.0

    def variance(self) -> float:
        if self.scale == 0.0:
            return 0.0
        if self.shape <= 2.0:
            return math.inf
        return self.scale**2 * self.shape / ((self.shape - 1.0) ** 2 * (self.shape - 2.0))

    def minimum(self) -> float:
        return self.scale

    def lower(self) -> Law:
        return Law(PARETO, a=self.scale, b=-1.0 / self.shape)


@register
@dataclass(frozen=True)
class Weibull(Distribution):
    """P(X > x) = exp(-(x/λ)^shape) with λ = mean / Γ(1 + 1/shape). Shape 1 is exponential, below 1 heavier."""

    name = "weibull"
    parameters: ClassVar[Parameters] = {
        "mean": MEAN,
        "shape": Parameter("number", "exponent; below 1 heavier than exponential", at_least=SHAPE_MIN, at_most=1000.0),
    }
    forms = (Form(("mean", "shape")),)

    mean_value: float
    shape: float

    def mean(self) -> float:
        return self.mean_value

    def variance(self) -> float:
        log_ratio = math.lgamma(1.0 + 2.0 / self.shape) - 2.0 * math.lgamma(1.0 + 1.0 / self.shape)
        return self.mean_value**2 * math.expm1(log_ratio)

    def lower(self) -> Law:
        return Law(WEIBULL, a=self.mean_value / math.gamma(1.0 + 1.0 / self.shape), b=1.0 / self.shape)
