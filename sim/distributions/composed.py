"""Laws made of others: phases, mixtures, a shift, a factor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sim.distributions.base import Distribution, Law, register
from sim.distributions.codes import HYPEREXPONENTIAL, MIXTURE
from sim.distributions.parameters import Form, Parameter, Parameters
from sim.errors import DsimError

SHARES_SUM_TOLERANCE = 1e-9


def _check_shares(where: str, shares: tuple[float, ...]) -> None:
    total = math.fsum(shares)
    if abs(total - 1.0) > SHARES_SUM_TOLERANCE:
        raise DsimError(f"{where}: got {', '.join(f'{s:g}' for s in shares)}, which sum to {total:.6g}; must sum to 1")


def _cumulative(shares: list[float]) -> np.ndarray:
    """Upper ends of the shares within (0, 1]; the last is 1 whatever was rounded."""
    ends = np.cumsum(shares)
    ends[-1] = 1.0
    return ends


@register
@dataclass(frozen=True)
class Hyperexponential(Distribution):
    """One of several exponentials, at random: cv of at least 1.

    From a mean and a cv: two phases with balanced means, p₁m₁ = p₂m₂ (Whitt, Operations Research 30(1), 1982: the usual
    way to fit two moments above cv 1).
    """

    name = "hyperexponential"
    parameters: ClassVar[Parameters] = {
        "mean": Parameter("quantity", "the mean", at_least=0.0),
        "cv": Parameter("ratio", "standard deviation over mean, at least 1", at_least=1.0, at_most=100.0, example="2"),
        "probabilities": Parameter("list[ratio]", "of the phases; they sum to 1", at_least=0.0, at_most=1.0),
        "means": Parameter("list[quantity]", "of the phases", at_least=0.0),
    }
    forms = (Form(("mean", "cv")), Form(("probabilities", "means")))

    probabilities: tuple[float, ...]
    means: tuple[float, ...]

    @classmethod
    def from_parameters(cls, **values: Any) -> Hyperexponential:
        if "means" in values:
            return cls(values["probabilities"], values["means"])
        mean, cv2 = values["mean"], values["cv"] ** 2
        root = math.sqrt((cv2 - 1.0) / (cv2 + 1.0))
        rare = 1.0 / ((cv2 + 1.0) * (1.0 + root))  # ½(1 - root), without the cancellation
        common = 0.5 * (1.0 + root)
        return cls((rare, common), (0.5 * mean / rare, 0.5 * mean / common))

    def validate(self) -> None:
        if len(self.probabilities) != len(self.means):
            raise DsimError(
                f"hyperexponential.means: got {len(self.means)} means for {len(self.probabilities)} probabilities; "
                "must be as many"
            )
        _check_shares("hyperexponential.probabilities", self.probabilities)

    def mean(self) -> float:
        return math.fsum(p * m for p, m in zip(self.probabilities, self.means, strict=True))

    def variance(self) -> float:
        mean = self.mean()
        return math.fsum(p * (m * m + (m - mean) ** 2) for p, m in zip(self.probabilities, self.means, strict=True))

    def lower(self) -> Law:
        phases = [(p, m) for p, m in zip(self.probabilities, self.means, strict=True) if p > 0.0]
        table = np.column_stack([_cumulative([p for p, _ in phases]), [m for _, m in phases]])
        return Law(HYPEREXPONENTIAL, a=float(len(phases)), data=table.ravel())


@register
@dataclass(frozen=True)
class Mixture(Distribution):
    """One of several distributions, at random by weight. A mixture within a mixture is flattened."""

    name = "mixture"
    parameters: ClassVar[Parameters] = {
        "components": Parameter(
            "list[record]",
            "what is mixed; the weights sum to 1",
            example="[{weight: 90%, of: 2ms}, {weight: 10%, of: exponential(8ms)}]",
            item={
                "weight": Parameter("ratio", "probability of this component", at_least=0.0, at_most=1.0),
                "of": Parameter("distribution", "the component"),
            },
        )
    }
    forms = (Form(("components",)),)
    single = "components"

    weights: tuple[float, ...]
    parts: tuple[Distribution, ...]

    @classmethod
    def from_parameters(cls, **values: Any) -> Mixture:
        items = values["components"]
        return cls(tuple(item["weight"] for item in items), tuple(item["of"] for item in items))

    def validate(self) -> None:
        assert len(self.weights) == len(self.parts)
        _check_shares("mixture.components", self.weights)

    def _likely(self) -> list[tuple[float, Distribution]]:
        return [(w, part) for w, part in zip(self.weights, self.parts, strict=True) if w > 0.0]

    def mean(self) -> float:
        return math.fsum(w * part.mean() for w, part in self._likely())

    def variance(self) -> float:
        if any(math.isinf(part.variance()) for _, part in self._likely()):
            return math.inf
        mean = self.mean()
        return math.fsum(w * (part.variance() + (part.mean() - mean) ** 2) for w, part in self._likely())

    def minimum(self) -> float:
        return min(part.minimum() for _, part in self._likely())

    def lower(self) -> Law:
        flat: list[tuple[float, Law]] = []
        for weight, part in self._likely():
            law = part.lower()
            flat += [(weight * inner, piece) for inner, piece in law.parts] if law.parts else [(weight, law)]
        return Law(MIXTURE, parts=tuple(flat))


@register
@dataclass(frozen=True)
class Shifted(Distribution):
    """Another distribution plus a constant: a floor under a latency, a long way on top of it."""

    name = "shifted"
    parameters: ClassVar[Parameters] = {
        "of": Parameter("distribution", "the distribution that is shifted"),
        "plus": Parameter("quantity", "what is added; may be negative down to minus the smallest value"),
    }
    forms = (Form(("of", "plus")),)

    of: Distribution
    plus: float

    def validate(self) -> None:
        smallest = self.of.minimum()
        if smallest + self.plus < 0.0:
            raise DsimError(
                f"shifted.plus: got {self.plus} on a {self.of.name} that begins at {smallest}; must be at least "
                f"{-smallest}, since values may not be negative"
            )

    def mean(self) -> float:
        return self.of.mean() + self.plus

    def variance(self) -> float:
        return self.of.variance()

    def minimum(self) -> float:
        return self.of.minimum() + self.plus

    def lower(self) -> Law:
        return self.of.lower().affine(1.0, self.plus)


@register
@dataclass(frozen=True)
class Scaled(Distribution):
    """Another distribution times a factor: the same shape, slower or faster."""

    name = "scaled"
    parameters: ClassVar[Parameters] = {
        "of": Parameter("distribution", "the distribution that is scaled"),
        "times": Parameter("ratio", "the factor", at_least=0.0, example="2"),
    }
    forms = (Form(("of", "times")),)

    of: Distribution
    times: float

    def mean(self) -> float:
        return self.times * self.of.mean() if self.times > 0.0 else 0.0

    def variance(self) -> float:
        return self.times**2 * self.of.variance() if self.times > 0.0 else 0.0

    def minimum(self) -> float:
        return self.times * self.of.minimum()

    def lower(self) -> Law:
        return self.of.lower().affine(self.times, 0.0)
