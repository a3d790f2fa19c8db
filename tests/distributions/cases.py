"""One or more distributions of every kind, with what others say about them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from sim.distributions import (
    Bimodal,
    Constant,
    Distribution,
    Empirical,
    Erlang,
    Exponential,
    Gamma,
    Hyperexponential,
    Lognormal,
    Mixture,
    Normal,
    Pareto,
    Replay,
    Scaled,
    Shifted,
    Uniform,
    Weibull,
)

MS = 1e-3


class Case(NamedTuple):
    """The moments are written by hand from the name's promise; `law` is scipy's own, made from other parameters."""

    distribution: Distribution
    mean: float
    variance: float
    law: Any = None


def lognormal_of(mean: float, cv: float) -> Any:
    sigma = math.sqrt(math.log(1.0 + cv * cv))
    return stats.lognorm(s=sigma, scale=mean / math.sqrt(1.0 + cv * cv))


def normal_of(mean: float, sd: float) -> Any:
    """scipy's truncated normal, from the parent's parameters."""
    mu, sigma = Normal(mean, sd).parent()
    return stats.truncnorm(a=-mu / sigma, b=math.inf, loc=mu, scale=sigma)


SSD = Mixture((0.9122, 0.0878), (Pareto(0.235 * MS, 10.0), Exponential(MS / 1.66)))
"""Storage latency of the PBS study (Bailis et al., VLDB 2012): 91.22 % Pareto(.235, 10) + 8.78 % Exp(1.66), in ms."""

SSD_VARIANCE = (0.9122 * 0.235**2 * 10 / 8 + 0.0878 * 2 / 1.66**2) * MS**2 - (0.291078 * MS) ** 2

VALUES = (4 * MS, 1 * MS, 2 * MS, 9 * MS, 2 * MS)

CASES = {
    "constant": Case(Constant(3 * MS), 3 * MS, 0.0),
    "exponential": Case(Exponential(8 * MS), 8 * MS, 64 * MS**2, stats.expon(scale=8 * MS)),
    "uniform": Case(Uniform(2 * MS, 5 * MS), 3.5 * MS, 0.75 * MS**2, stats.uniform(2 * MS, 3 * MS)),
    "bimodal": Case(Bimodal(0.5, 10.5, 0.05), 1.0, 4.75),
    "pareto mean": Case(Pareto.build(mean=1.0, shape=9.0), 1.0, 1 / 63, stats.pareto(9.0, scale=8 / 9)),
    "pareto minimum": Case(Pareto.build(minimum=2.0, shape=1.5), 6.0, math.inf, stats.pareto(1.5, scale=2.0)),
    "pareto no mean": Case(Pareto.build(minimum=2.0, shape=0.9), math.inf, math.inf, stats.pareto(0.9, scale=2.0)),
    "weibull light": Case(
        Weibull(1.0, 2.0), 1.0, 4 / math.pi - 1.0, stats.weibull_min(2.0, scale=2 / math.sqrt(math.pi))
    ),
    "weibull heavy": Case(Weibull(1.0, 0.5), 1.0, 5.0, stats.weibull_min(0.5, scale=0.5)),
    "normal narrow": Case(Normal(1.0, 0.1), 1.0, 0.01, stats.norm(1.0, 0.1)),
    "normal cut": Case(Normal(1.0, 0.5), 1.0, 0.25, normal_of(1.0, 0.5)),
    "normal cut deep": Case(Normal(1.0, 0.95), 1.0, 0.9025, normal_of(1.0, 0.95)),
    "lognormal": Case(Lognormal(1 * MS, 0.3), 1 * MS, 0.09 * MS**2, lognormal_of(1 * MS, 0.3)),
    "lognormal wide": Case(
        Lognormal(1.0, math.sqrt(math.e - 1)), 1.0, math.e - 1, stats.lognorm(1.0, scale=math.exp(-0.5))
    ),
    "gamma": Case(Gamma(2.0, 0.5), 2.0, 1.0, stats.gamma(4.0, scale=0.5)),
    "gamma near 1": Case(Gamma(1.0, 0.99), 1.0, 0.9801, stats.gamma(1 / 0.9801, scale=0.9801)),
    "gamma wide": Case(Gamma(1.0, 2.0), 1.0, 4.0, stats.gamma(0.25, scale=4.0)),
    "erlang": Case(Erlang(3.0, 3), 3.0, 3.0, stats.gamma(3.0, scale=1.0)),
    "erlang 12": Case(Erlang(1.0, 12), 1.0, 1 / 12, stats.gamma(12.0, scale=1 / 12)),
    "erlang 13": Case(Erlang(1.0, 13), 1.0, 1 / 13, stats.gamma(13.0, scale=1 / 13)),
    "hyperexponential": Case(Hyperexponential.build(mean=2.0, cv=2.0), 2.0, 16.0),
    "hyperexponential phases": Case(Hyperexponential((0.2, 0.3, 0.5), (5.0, 2.0, 0.4)), 1.8, 9.32),
    "mixture": Case(Mixture((0.7, 0.3), (Erlang(1.0, 2), Uniform(4.0, 10.0))), 2.8, 8.81),
    "mixture ssd": Case(SSD, 0.9122 * 0.235 * MS * 10 / 9 + 0.0878 * MS / 1.66, SSD_VARIANCE),
    "mixture of mixtures": Case(
        Mixture((0.5, 0.5), (Mixture((0.5, 0.5), (Constant(0.0), Exponential(4.0))), Constant(1.0))), 1.5, 6.25
    ),
    "shifted": Case(Shifted(Exponential(1.0), 2.0), 3.0, 1.0, stats.expon(loc=2.0)),
    "shifted back": Case(Shifted(Uniform(2.0, 4.0), -1.5), 1.5, 1 / 3, stats.uniform(0.5, 2.0)),
    "scaled": Case(Scaled(Gamma(2.0, 0.5), 3.0), 6.0, 9.0, stats.gamma(4.0, scale=1.5)),
    "scaled shifted exponential": Case(Scaled(Shifted(Exponential(1.0), 2.0), 3.0), 9.0, 9.0, stats.expon(6.0, 3.0)),
    "shifted scaled gamma": Case(
        Shifted(Scaled(Shifted(Gamma(2.0, 0.5), 1.0), 3.0), 2.0), 11.0, 9.0, stats.gamma(4.0, loc=5.0, scale=1.5)
    ),
    "scaled constant": Case(Scaled(Shifted(Constant(2.0), 1.0), 0.5), 1.5, 0.0),
    "scaled shifted mixture": Case(
        Scaled(Shifted(Mixture((0.5, 0.5), (Constant(0.0), Constant(2.0))), 1), 2), 4.0, 4.0
    ),
    "empirical": Case(Empirical(VALUES), 3.6 * MS, 8.24 * MS**2),
    "replay": Case(Replay(VALUES), 3.6 * MS, 8.24 * MS**2),
}
KEY = np.uint64(0x5EED)
