"""Draws have the law that the name promises."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import stats

from sim.distributions import (
    DISTRIBUTIONS,
    Constant,
    Empirical,
    Erlang,
    Exponential,
    Gamma,
    Hyperexponential,
    Lognormal,
    Normal,
    Pareto,
    Replay,
    Scaled,
    Uniform,
    Weibull,
    draw_many,
)
from sim.distributions.sampling import normal_upper
from sim.kernel.jit import INTERPRETED
from tests.distributions.cases import CASES, KEY, VALUES

DRAWS = 2_000 if INTERPRETED else 200_000
SIGMAS = 4.5
HEAVY = {"lognormal wide", "weibull heavy", "pareto minimum", "pareto no mean"}
"""Whose sample variance converges too slowly for a confidence interval; their distribution function is tested."""


@pytest.fixture(scope="module")
def draws() -> dict[str, np.ndarray]:
    return {name: draw_many(case.distribution, KEY, DRAWS) for name, case in CASES.items()}


def test_every_distribution_has_a_case() -> None:
    assert {type(case.distribution) for case in CASES.values()} == set(DISTRIBUTIONS.values())


@pytest.mark.parametrize("name", CASES)
def test_mean_and_variance_are_those_of_the_name(name: str) -> None:
    case = CASES[name]
    assert case.distribution.mean() == pytest.approx(case.mean, rel=1e-12)
    assert case.distribution.variance() == pytest.approx(case.variance, rel=1e-5)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if math.isfinite(case.variance)])
def test_sample_mean(name: str, draws: dict[str, np.ndarray]) -> None:
    error = SIGMAS * math.sqrt(CASES[name].variance / DRAWS)
    assert abs(draws[name].mean() - CASES[name].mean) <= error + 1e-12 * CASES[name].mean


@pytest.mark.parametrize("name", [name for name in CASES if name not in HEAVY])
def test_sample_variance(name: str, draws: dict[str, np.ndarray]) -> None:
    values = draws[name]
    fourth = np.mean((values - values.mean()) ** 4)
    error = SIGMAS * math.sqrt(max(fourth - values.var() ** 2, 0.0) / DRAWS)
    rounding = 1e-5 * CASES[name].variance + 1e-14 * CASES[name].mean ** 2
    assert abs(values.var() - CASES[name].variance) <= error + rounding


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.law is not None])
def test_distribution_function(name: str, draws: dict[str, np.ndarray]) -> None:
    assert stats.kstest(draws[name], CASES[name].law.cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", CASES)
def test_draws_are_finite_and_within_the_support(name: str, draws: dict[str, np.ndarray]) -> None:
    assert np.isfinite(draws[name]).all()
    assert draws[name].min() >= CASES[name].distribution.minimum() * (1.0 - 1e-12) >= 0.0


def test_the_lognormal_is_not_fed_its_mean_as_mu() -> None:
    """lognormal(mean=1ms, cv=0.3) has median 0.958 ms. Read as μ and σ it would be e^0.001 s."""
    assert np.median(draw_many(Lognormal(1e-3, 0.3), KEY, DRAWS)) == pytest.approx(0.958e-3, rel=0.03)


def test_hyperexponential_has_balanced_means() -> None:
    law = Hyperexponential.build(mean=3.0, cv=4.0)
    (p, q), (m, n) = law.probabilities, law.means
    assert p + q == pytest.approx(1.0)
    assert p * m == pytest.approx(q * n)


@pytest.mark.parametrize("shape", [1.5, 3.0, 10.0])
def test_pareto_tail(shape: float) -> None:
    """P(X > x) = (minimum / x)^shape, one in a hundred beyond minimum · 100^(1/shape)."""
    values = draw_many(Pareto(1.0, shape), KEY, DRAWS)
    beyond = np.mean(values > 100 ** (1 / shape))
    assert abs(beyond - 0.01) < SIGMAS * math.sqrt(0.01 / DRAWS)


@pytest.mark.parametrize("sd", [1e-6, 0.01, 0.3, 0.6, 0.9, 0.99, 0.998])
def test_the_cut_normal_has_its_moments_by_scipy(sd: float) -> None:
    mu, sigma = Normal(1.0, sd).parent()
    law = stats.truncnorm(a=-mu / sigma, b=math.inf, loc=mu, scale=sigma)
    assert law.mean() == pytest.approx(1.0, rel=1e-8)
    assert law.std() == pytest.approx(sd, rel=1e-6)


def test_normal_quantile_against_scipy() -> None:
    p = np.concatenate([np.logspace(-300, -1, 400), np.linspace(0.01, 0.99, 999), 1 - np.logspace(-16, -2, 100)])
    z = _normal_quantiles(p)
    away = np.abs(p - 0.5) > 1e-9
    assert np.allclose(z[away], stats.norm.isf(p[away]), rtol=2e-15, atol=0.0)
    assert np.isfinite(_normal_quantiles(np.array([2.0**-54, 1.0]))).all()


@numba.njit
def _normal_quantiles(p):
    z = np.empty(p.size)
    for i in range(p.size):
        z[i] = normal_upper(p[i])
    return z


def test_limits() -> None:
    """cv 0 is constant; one stage, shape 1 and cv 1 are exponential; many stages are a gamma with that shape."""
    for law in (Lognormal(2.0, 0.0), Gamma(2.0, 0.0), Normal(2.0, 0.0), Uniform(2.0, 2.0)):
        assert set(draw_many(law, KEY, 50)) == {2.0}
    one = draw_many(Exponential(2.0), KEY, 200)
    assert draw_many(Erlang(2.0, 1), KEY, 200) == pytest.approx(one, rel=1e-12)
    assert draw_many(Weibull(2.0, 1.0), KEY, 200) == pytest.approx(one, rel=1e-12)
    single = Hyperexponential.build(mean=2.0, cv=1.0)
    assert single.means == pytest.approx((2.0, 2.0))
    assert draw_many(Erlang(2.0, 100), KEY, 50) == pytest.approx(draw_many(Gamma(2.0, 0.1), KEY, 50), rel=1e-12)
    for law in (Exponential(0.0), Lognormal(0.0, 1.0), Gamma(0.0, 2.0), Normal(0.0, 0.0), Scaled(Pareto(1, 0.5), 0.0)):
        assert law.mean() == law.variance() == 0.0
        assert not draw_many(law, KEY, 50).any()


def test_replay_takes_the_values_in_order_and_begins_again() -> None:
    assert draw_many(Replay(VALUES), KEY, 7, first=3).tolist() == [*VALUES[3:], *VALUES]


def test_empirical_draws_each_value_as_often_as_it_stands_there() -> None:
    values, counts = np.unique(draw_many(Empirical(VALUES), KEY, DRAWS), return_counts=True)
    assert values.tolist() == sorted(set(VALUES))
    assert stats.chisquare(counts, np.array([1, 2, 1, 1]) / 5 * DRAWS).pvalue > 1e-4


def test_a_constant_costs_no_draw() -> None:
    assert (draw_many(Constant(0.1), KEY, 100) == 0.1).all()
