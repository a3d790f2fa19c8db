"""Laws given by mean and spread that need the normal quantile, a rejection or a sum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from sim.distributions.base import Distribution, Law, register
from sim.distributions.codes import ERLANG, GAMMA, LOGNORMAL, NORMAL
from sim.distributions.parameters import Form, Parameter, Parameters
from sim.distributions.plain import MEAN
from sim.errors import DsimError

CV = Parameter("ratio", "standard deviation over mean", at_least=0.0, at_most=100.0)

NORMAL_CV_MAX = 0.999
"""Cutting a normal at 0 cannot reach cv 1: its limit there is the exponential."""

CUT_NEGLIGIBLE_CV = 0.05
"""Below it the parent has less than 1e-88 of its mass under 0."""

ERLANG_STAGES_SUMMED = 12
"""Up to here an Erlang draw is one logarithm of a product of uniforms, which cannot underflow (12 · 54 bits)."""


@register
@dataclass(frozen=True)
class Normal(Distribution):
    """A normal law cut off at 0, with the mean and the standard deviation that it has *after* the cut.

    The parent's μ and σ are solved from the moments of the truncated normal (Johnson, Kotz & Balakrishnan, Continuous
    Univariate Distributions 1, 2nd ed. 1994, chapter 13). It is drawn by inversion of what the cut leaves.
    """

    name = "normal"
    parameters: ClassVar[Parameters] = {
        "mean": MEAN,
        "sd": Parameter("quantity", "the standard deviation; below the mean", at_least=0.0, example="2ms"),
    }
    forms = (Form(("mean", "sd")),)

    mean_value: float
    sd: float

    def validate(self) -> None:
        limit = NORMAL_CV_MAX * self.mean_value
        if self.sd > limit:
            raise DsimError(
                f"normal.sd: got {self.sd} with mean {self.mean_value}; must be at most {limit:.6g}, since a normal "
                "cut off at 0 has a standard deviation below its mean; take lognormal or gamma for a wider spread"
            )

    def mean(self) -> float:
        return self.mean_value

    def variance(self) -> float:
        return self.sd**2

    def parent(self) -> tuple[float, float]:
        """μ and σ of the normal law before the cut."""
        from scipy.optimize import brentq

        cv = self.sd / self.mean_value
        if cv < CUT_NEGLIGIBLE_CV:
            return self.mean_value, self.sd
        cut = brentq(lambda x: _cut_moments(x)[1] - cv, -1.0 / cv - 1.0, 40.0, xtol=1e-14, rtol=1e-14)
        sigma = self.mean_value / _cut_moments(cut)[0]
        return -cut * sigma, sigma

    def lower(self) -> Law:
        from scipy.special import ndtr

        if self.sd == 0.0:
            return Law.constant(self.mean_value)
        mu, sigma = self.parent()
        return Law(NORMAL, a=mu, b=sigma, c=float(ndtr(mu / sigma)))


def _cut_moments(cut: float) -> tuple[float, float]:
    """Mean and cv of Z - cut given Z > cut, for a standard normal Z."""
    from scipy.special import erfcx

    hazard = math.sqrt(2.0 / math.pi) / float(erfcx(cut / math.sqrt(2.0)))
    mean = hazard - cut
    return mean, math.sqrt(max(1.0 - hazard * mean, 0.0)) / mean


@register
@dataclass(frozen=True)
class Lognormal(Distribution):
    """exp of a normal law, with this mean and this coefficient of variation: σ² = ln(1 + cv²), μ = ln(mean) - σ²/2."""

    name = "lognormal"
    parameters: ClassVar[Parameters] = {"mean": MEAN, "cv": CV}
    forms = (Form(("mean", "cv")),)

    mean_value: float
    cv: float

    def mean(self) -> float:
        return self.mean_value

    def variance(self) -> float:
        return (self.mean_value * self.cv) ** 2

    def lower(self) -> Law:
        if self.mean_value == 0.0 or self.cv == 0.0:
            return Law.constant(self.mean_value)
        variance_log = math.log1p(self.cv**2)
        return Law(LOGNORMAL, a=math.log(self.mean_value) - 0.5 * variance_log, b=math.sqrt(variance_log))


def _gamma_law(mean: float, shape: float) -> Law:
    """Marsaglia & Tsang's d and c, for shape + 1 where the shape is below 1 (c: the exponent of the boost, else 0)."""
    boost = 1.0 / shape if shape < 1.0 else 0.0
    d = (shape + 1.0 if shape < 1.0 else shape) - 1.0 / 3.0
    return Law(GAMMA, a=d, b=1.0 / math.sqrt(9.0 * d), c=boost, times=mean / shape)


@register
@dataclass(frozen=True)
class Gamma(Distribution):
    """Shape 1/cv², scale mean·cv². Drawn by Marsaglia & Tsang's rejection (ACM TOMS 26(3), 2000)."""

    name = "gamma"
    parameters: ClassVar[Parameters] = {"mean": MEAN, "cv": CV}
    forms = (Form(("mean", "cv")),)

    mean_value: float
    cv: float

    def mean(self) -> float:
        return self.mean_value

    def variance(self) -> float:
        return (self.mean_value * self.cv) ** 2

    def lower(self) -> Law:
        if self.cv == 0.0:
            return Law.constant(self.mean_value)
        return _gamma_law(self.mean_value, self.cv**-2.0)


@register
@dataclass(frozen=True)
class Erlang(Distribution):
    """The sum of `stages` equal exponentials: cv 1/√stages (Erlang's E_k). Many stages are drawn as a gamma law."""

    name = "erlang"
    parameters: ClassVar[Parameters] = {
        "mean": MEAN,
        "stages": Parameter("integer", "number of stages", at_least=1, at_most=1_000_000),
    }
    forms = (Form(("mean", "stages")),)

    mean_value: float
    stages: int

    def mean(self) -> float:
        return self.mean_value

    def variance(self) -> float:
        return self.mean_value**2 / self.stages

    def lower(self) -> Law:
        if self.stages > ERLANG_STAGES_SUMMED:
            return _gamma_law(self.mean_value, float(self.stages))
        return Law(ERLANG, a=self.mean_value / self.stages, b=float(self.stages))
