"""What every distribution offers, and the registry of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from sim.distributions.codes import CONSTANT, EXPONENTIAL
from sim.distributions.parameters import Declared


@dataclass(frozen=True, eq=False)
class Law:
    """The compiled form of one distribution: a draw is plus + times · (the standard draw of `code` with a, b, c).

    `data` is the law's own table of numbers. A mixture has `parts` instead: (weight, law) of its components.
    """

    code: int
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    times: float = 1.0
    plus: float = 0.0
    data: np.ndarray | None = None
    parts: tuple[tuple[float, Law], ...] = ()

    @classmethod
    def constant(cls, value: float) -> Law:
        return cls(CONSTANT, a=value)

    def affine(self, times: float, plus: float) -> Law:
        """The law of plus + times · X. Constants and the scale of an exponential fold into `a` (they are hot)."""
        if self.code == CONSTANT:
            return Law.constant(plus + times * self.a)
        if self.code == EXPONENTIAL:
            return replace(self, a=times * self.a, plus=plus + times * self.plus)
        if self.parts:
            return replace(self, parts=tuple((weight, law.affine(times, plus)) for weight, law in self.parts))
        return replace(self, times=times * self.times, plus=plus + times * self.plus)


@dataclass(frozen=True)
class Distribution(Declared, ABC):
    """A distribution of non-negative numbers in some unit, seconds for durations.

    Equal distributions (same class, same parameters, same file contents) compare and hash equal.
    """

    @abstractmethod
    def mean(self) -> float:
        """The expectation; may be inf."""

    @abstractmethod
    def variance(self) -> float:
        """May be inf; inf where the mean is."""

    def minimum(self) -> float:
        """The lower end of the support."""
        return 0.0

    @abstractmethod
    def lower(self) -> Law:
        """What the kernel samples."""


DISTRIBUTIONS: dict[str, type[Distribution]] = {}
"""By the name that a scenario gives."""

_Class = TypeVar("_Class", bound=type[Distribution])


def register(cls: _Class) -> _Class:
    assert cls.name not in DISTRIBUTIONS, f"two distributions are called {cls.name}"
    DISTRIBUTIONS[cls.name] = cls
    return cls
