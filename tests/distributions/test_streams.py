"""Draws are pure functions of their key, and keys that belong together give independent draws."""

from __future__ import annotations

from itertools import combinations

import numba
import numpy as np
import pytest
from scipy import stats

from sim.distributions import Empirical, Exponential, Lognormal, Uniform, draw_many, lower_distributions
from sim.distributions.sampling import sample
from sim.kernel.draws import derive, stream_key, uniform
from sim.kernel.jit import INTERPRETED
from tests.distributions.cases import CASES, KEY

COUNT = 4_000 if INTERPRETED else 100_000
MASK = (1 << 64) - 1
INVERSIONS = [
    "exponential",
    "uniform",
    "bimodal",
    "pareto mean",
    "weibull light",
    "normal cut",
    "lognormal",
    "shifted",
    "scaled shifted mixture",
    "empirical",
]


@pytest.fixture(autouse=True)
def _wrapping_arithmetic():
    with np.errstate(over="ignore"):
        yield


@numba.njit
def _uniforms(first, count, derived, k):
    """Word k of consecutive keys, or of the consecutive children of one key."""
    out = np.empty(count)
    for i in range(count):
        key = derive(first, np.uint64(i)) if derived else first + np.uint64(i)
        out[i] = uniform(key, k)
    return out


@numba.njit
def _words(key, count):
    out = np.empty(count)
    for i in range(count):
        out[i] = uniform(key, i)
    return out


@numba.njit
def _sample_at(rows, data, key):
    return sample(rows[0], data, key, 0)


SOURCE = stream_key(7, 0, "source:users")
STREAMS = {
    "words of one key": lambda: _words(SOURCE, COUNT),
    "first words of children": lambda: _uniforms(SOURCE, COUNT, True, 0),
    "second words of children": lambda: _uniforms(SOURCE, COUNT, True, 1),
    "first words of consecutive keys": lambda: _uniforms(KEY, COUNT, False, 0),
    "far words of children": lambda: _uniforms(SOURCE, COUNT, True, 1_000_002),
    "words of another replication": lambda: _words(stream_key(7, 1, "source:users"), COUNT),
}


@pytest.mark.parametrize("name", STREAMS)
def test_uniform(name: str) -> None:
    values = STREAMS[name]()
    assert stats.kstest(values, "uniform").pvalue > 1e-4
    assert stats.chisquare(np.histogram(values, 256, (0, 1))[0]).pvalue > 1e-4
    low_bits = (values * 2.0**40 % 1.0 * 256).astype(int)
    assert stats.chisquare(np.bincount(low_bits, minlength=256)).pvalue > 1e-4


@pytest.mark.parametrize("name", STREAMS)
def test_neighbours_are_independent(name: str) -> None:
    values = STREAMS[name]()
    for lag in (1, 2, 7):
        pairs = np.histogram2d(values[:-lag], values[lag:], 16, ((0, 1), (0, 1)))[0]
        assert stats.chisquare(pairs.ravel()).pvalue > 1e-4


def test_streams_are_independent_of_each_other() -> None:
    """The words of a source's key (arrivals) and the first two words of its children (work) do not move together."""
    for a, b in combinations([draw() for draw in STREAMS.values()], 2):
        assert stats.chisquare(np.histogram2d(a, b, 16, ((0, 1), (0, 1)))[0].ravel()).pvalue > 1e-4


@pytest.mark.parametrize("name", CASES)
def test_a_draw_does_not_depend_on_what_was_drawn_before(name: str) -> None:
    law = CASES[name].distribution
    whole = draw_many(law, KEY, 60)
    assert np.array_equal(whole[40:], draw_many(law, KEY, 20, first=40))
    assert np.array_equal(whole[:1], draw_many(law, KEY, 1))


@pytest.mark.parametrize("name", INVERSIONS)
def test_inversions_are_monotone_in_one_uniform(name: str) -> None:
    """Common random numbers: a long draw of one law is a long draw of every other at the same key."""
    order = np.argsort(draw_many(Uniform(0.0, 1.0), KEY, 2_000))
    values = draw_many(CASES[name].distribution, KEY, 2_000)[order]
    if name == "scaled shifted mixture":
        assert len(set(values)) == 2  # a mixture chooses by the same uniform: first components are the upper tail
        values = -values
    assert (np.diff(values) >= 0.0).all()


def test_the_same_key_correlates_different_laws() -> None:
    pair = np.corrcoef(draw_many(Exponential(1.0), KEY, 2_000), draw_many(Lognormal(5.0, 0.5), KEY, 2_000))
    assert pair[0, 1] > 0.9


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("word", [0, MASK])
def test_the_extreme_words_give_finite_draws(name: str, position: int, word: int) -> None:
    """The smallest and the largest uniform number that the generator can give, as each of a draw's first words."""
    law = CASES[name].distribution
    rows, data, _ = lower_distributions([law])
    draw = _sample_at(rows, data, np.uint64(_key_of(word, position)))
    assert np.isfinite(draw)
    assert draw >= law.minimum() * (1.0 - 1e-12)


@pytest.mark.parametrize("name", ["uniform", "bimodal", "empirical", "pareto mean", "shifted back"])
def test_the_extreme_words_reach_both_ends_of_the_support(name: str) -> None:
    """The smallest uniform is the largest value, and the other way round; no draw reads beside its own data."""
    law = CASES[name].distribution
    rows, data, numbers = lower_distributions([Empirical([77.0]), law, Empirical([99.0])])
    lowest, highest = (_sample_at(rows[numbers[1] :], data, np.uint64(_key_of(word, 0))) for word in (MASK, 0))
    assert lowest == pytest.approx(law.minimum(), rel=1e-12)
    assert highest > law.mean()
    assert highest not in (77.0, 99.0)


def _key_of(word: int, position: int) -> int:
    """The key whose word number `position` is this: SplitMix64's finaliser, backwards."""
    z = word
    z = _unshift(z, 31)
    z = _unshift(z * pow(0x94D049BB133111EB, -1, 1 << 64) & MASK, 27)
    z = _unshift(z * pow(0xBF58476D1CE4E5B9, -1, 1 << 64) & MASK, 30)
    return (z - (position + 1) * 0x9E3779B97F4A7C15) & MASK


def _unshift(z: int, bits: int) -> int:
    """Solve y ^ (y >> bits) = z."""
    y = z
    while True:
        following = z ^ (y >> bits)
        if following == y:
            return y
        y = following
