"""Means and variances of joins, chains and mixtures against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from sim.analysis.moments import Moments, kth, mixed

ONE = np.ones(1)


def exponential(mean: float) -> Moments:
    return Moments.of(mean, mean**2, ONE)


def constant(value: float) -> Moments:
    return Moments.of(value, 0.0, ONE)


def harmonic(count: int) -> float:
    return sum(1.0 / k for k in range(1, count + 1))


@pytest.mark.parametrize("count", [2, 5, 20])
def test_the_slowest_of_exponentials_takes_a_harmonic_number(count: int) -> None:
    slowest = kth([exponential(1.0)] * count, count)
    assert slowest.mean[0] == pytest.approx(harmonic(count), rel=1e-4)
    assert slowest.variance[0] == pytest.approx(sum(1.0 / k**2 for k in range(1, count + 1)), rel=1e-3)


def test_the_kth_of_n() -> None:
    """Rényi: the gaps of ordered exponentials are exponential with rates n, n-1 …"""
    assert kth([exponential(1.0)] * 4, 1).mean[0] == pytest.approx(1.0 / 4, rel=1e-4)
    assert kth([exponential(1.0)] * 4, 2).mean[0] == pytest.approx(1.0 / 4 + 1.0 / 3, rel=1e-4)


def test_a_race_of_unequal_exponentials_adds_their_rates() -> None:
    assert kth([exponential(1.0), exponential(0.25)], 1).mean[0] == pytest.approx(0.2, rel=1e-4)


def test_a_constant_beside_an_exponential() -> None:
    """E max(c, X) = c + e^(-c) for mean 1; E min = 1 - e^(-c)."""
    pair = [constant(0.5), exponential(1.0)]
    assert kth(pair, 2).mean[0] == pytest.approx(0.5 + np.exp(-0.5), rel=1e-4)
    assert kth(pair, 1).mean[0] == pytest.approx(1.0 - np.exp(-0.5), rel=1e-4)


def test_constants_need_no_law() -> None:
    found = kth([constant(3.0), constant(1.0), constant(2.0)], 2)
    assert (found.mean[0], found.variance[0]) == (2.0, 0.0)


def test_an_infinite_variance_falls_back_to_means() -> None:
    heavy = Moments.of(2.0, np.inf, ONE)
    found = kth([heavy, exponential(1.0)], 2)
    assert (found.mean[0], found.variance[0]) == (2.0, np.inf)


def test_each_instance_has_its_own() -> None:
    found = kth([Moments.of(1.0, 1.0, np.array([1.0, 2.0, 1.0])), Moments.of(1.0, 1.0, np.ones(3))], 2)
    assert found.mean == pytest.approx([1.5, 2.0 + 1.0 - 2.0 / 3.0, 1.5], rel=1e-4)


def test_one_after_the_other_and_one_of_two() -> None:
    both = constant(1.0).then(exponential(2.0))
    assert (both.mean[0], both.variance[0]) == pytest.approx((3.0, 4.0))
    sometimes = constant(1.0).then(constant(2.0), 0.25)
    assert (sometimes.mean[0], sometimes.variance[0]) == pytest.approx((1.5, 0.75))
    either = mixed((0.25, 0.75), (constant(2.0), constant(0.0)))
    assert (either.mean[0], either.variance[0]) == pytest.approx((0.5, 0.75))
