"""Distributions of durations and sizes. `sample` and `draw_many` are compiled; Numba is imported when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sim.distributions.base import DISTRIBUTIONS, Distribution
from sim.distributions.composed import Hyperexponential, Mixture, Scaled, Shifted
from sim.distributions.files import load_column
from sim.distributions.parameters import Declared, Form, Parameter
from sim.distributions.plain import Bimodal, Constant, Exponential, Pareto, Uniform, Weibull
from sim.distributions.recorded import Empirical, Replay
from sim.distributions.rows import DISTRIBUTION, DistributionTable, lower_distributions
from sim.distributions.shaped import Erlang, Gamma, Lognormal, Normal

if TYPE_CHECKING:
    from sim.distributions.sampling import draw_many, sample

__all__ = [
    "DISTRIBUTION",
    "DISTRIBUTIONS",
    "Bimodal",
    "Constant",
    "Declared",
    "Distribution",
    "DistributionTable",
    "Empirical",
    "Erlang",
    "Exponential",
    "Form",
    "Gamma",
    "Hyperexponential",
    "Lognormal",
    "Mixture",
    "Normal",
    "Parameter",
    "Pareto",
    "Replay",
    "Scaled",
    "Shifted",
    "Uniform",
    "Weibull",
    "draw_many",
    "load_column",
    "lower_distributions",
    "sample",
]


def __getattr__(name: str) -> Any:
    if name in ("sample", "draw_many"):
        return getattr(import_module("sim.distributions.sampling"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
