"""MSER against its formula, and on series whose transient is known."""

from __future__ import annotations

import numpy as np
import pytest

from sim.statistics import mser_cut
from sim.statistics.mser import mser


def check_the_formula() -> None:
    """MSER(d) = 1/(n - d)² · Σ (Z_i - mean)², over what is left."""
    values = np.random.default_rng(1).normal(5.0, 1.0, 40).cumsum()
    expected = [np.sum((values[d:] - values[d:].mean()) ** 2) / (40 - d) ** 2 for d in range(30)]
    assert mser(values) == pytest.approx(expected, rel=1e-9)


def test_the_formula() -> None:
    check_the_formula()


def test_a_high_level_does_not_drown_the_squares() -> None:
    noise = np.random.default_rng(2).normal(0.0, 1.0, 50)
    assert mser(1e9 + noise) == pytest.approx(mser(noise), rel=1e-5)


def autoregressive(generator: np.random.Generator, n: int, coefficient: float) -> np.ndarray:
    """AR(1) of unit spread, in equilibrium from the start."""
    values = np.empty(n)
    values[0] = generator.normal()
    for i in range(1, n):
        values[i] = coefficient * values[i - 1] + np.sqrt(1 - coefficient**2) * generator.normal()
    return values


def check_a_transient_is_cut() -> None:
    """A start 10 spreads too low that decays as e^(-i/5): after 20 batches 0.2 spreads are left."""
    generator = np.random.default_rng(3)
    bias = -10.0 * np.exp(-np.arange(100) / 5)
    cuts = [mser_cut(bias + autoregressive(generator, 100, 0.3)) for _ in range(200)]
    assert np.mean([5 <= cut <= 35 for cut in cuts]) > 0.95


def test_a_transient_is_cut() -> None:
    check_a_transient_is_cut()


def test_a_steady_series_is_hardly_ever_called_unsteady() -> None:
    generator = np.random.default_rng(4)
    cuts = np.array([mser_cut(autoregressive(generator, 100, 0.5)) for _ in range(500)])
    assert np.mean(cuts > 50) < 0.05
    assert np.median(cuts) <= 5


@pytest.mark.parametrize("shape", ["line", "square", "late step"])
def test_a_series_that_never_settles_is_cut_in_its_second_half(shape: str) -> None:
    time = np.arange(100)
    trend = {"line": time, "square": time**2 / 100, "late step": 100.0 * (time > 60)}[shape]
    noise = np.random.default_rng(5).normal(0.0, 3.0, 100)
    assert mser_cut(trend + noise) > 50


def test_constant_and_short_series() -> None:
    assert mser_cut([2.0] * 20) == 0
    assert mser_cut([2.0]) == 0
    assert mser_cut([9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]) == 1
