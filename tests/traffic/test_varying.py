"""Rates that follow the clock: arrivals in each part are Poisson with the integral of the rate as their mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from sim.kernel.jit import INTERPRETED
from sim.traffic import Arrivals, Diurnal, Mmpp, Poisson, Ramp, Spike, Steps, arrival_times
from tests.traffic.cases import KEY

SIGMAS = 4.5
SCALE = 1.0 if INTERPRETED else 100.0
Rate = Callable[[float], float]


def build(name: str) -> tuple[Arrivals, Rate, list[float]]:
    """A process, its rate as a person reads it, and the times between which arrivals are counted."""
    k = SCALE
    match name:
        case "steps":
            steps = [
                {"at": 2, "rate": 20 * k},
                {"at": 5, "rate": 100 * k},
                {"at": 9, "rate": 0},
                {"at": 12, "rate": 40 * k},
            ]
            rates = {2: 20 * k, 5: 100 * k, 9: 0.0, 12: 40 * k}
            return Steps.build(steps=steps), lambda t: rates[max(s for s in rates if s <= t)], [2, 3, 5, 6, 9, 12, 15]
        case "ramp up":
            ramp = Ramp.build(**{"from": 0, "to": 80 * k, "over": 10, "at": 2})
            return ramp, lambda t: 80 * k * min(max(t - 2, 0) / 10, 1), [2, 4, 7, 11, 12, 14]
        case "ramp down":
            ramp = Ramp.build(**{"from": 80 * k, "to": 0, "over": 10})
            return ramp, lambda t: 80 * k * max(1 - t / 10, 0), [0, 1, 4, 9, 10]
        case "spike":
            spike = Spike.build(**{"base": 20 * k, "peak": 200 * k, "at": 6, "for": 3})
            return spike, lambda t: 200 * k if 6 <= t < 9 else 20 * k, [0, 3, 6, 7, 9, 12]
        case "diurnal":
            day = Diurnal.build(mean=50 * k, amplitude=0.6, period=8, phase=0.1)
            return day, lambda t: 50 * k * (1 + 0.6 * math.sin(2 * math.pi * (t / 8 + 0.1))), [0, 1, 3, 5, 8, 13, 24]
        case _:
            day = Diurnal.build(mean=50 * k, amplitude=1, period=8, phase=0.75)
            return day, lambda t: 50 * k * (1 - math.cos(2 * math.pi * t / 8)), [0, 1, 3, 7.5, 8.5, 13, 24]


NAMES = ["steps", "ramp up", "ramp down", "spike", "diurnal", "diurnal to zero"]


def integral(rate: Rate, begin: float, end: float) -> float:
    return integrate.quad(rate, begin, end, limit=200)[0]


@pytest.mark.parametrize("name", NAMES)
def test_counts_between_the_marks(name: str) -> None:
    arrivals, rate, marks = build(name)
    times = arrival_times(arrivals, KEY, until_s=marks[-1])
    seen = np.histogram(times, marks)[0]
    for begin, end, count in zip(marks[:-1], marks[1:], seen, strict=True):
        expected = integral(rate, begin, end)
        assert abs(count - expected) <= SIGMAS * math.sqrt(expected), f"[{begin}, {end})"
    assert times.size == seen.sum(), "nothing arrives before the first mark"


@pytest.mark.parametrize("name", NAMES)
def test_mean_rate_is_the_integral_over_the_time(name: str) -> None:
    arrivals, rate, marks = build(name)
    for end in marks[1:]:
        pieces = [integral(rate, a, min(b, end)) for a, b in pairwise(marks) if a < end]
        assert arrivals.mean_rate(end) == pytest.approx(sum(pieces) / end)


@pytest.mark.parametrize("name", NAMES)
def test_within_a_part_the_arrivals_follow_the_rate(name: str) -> None:
    """Given their number, arrivals are independent with density proportional to the rate."""
    arrivals, rate, marks = build(name)
    times = arrival_times(arrivals, KEY, until_s=marks[-1])
    for begin, end in pairwise(marks):
        inside = times[(times >= begin) & (times < end)]
        if inside.size > 50:
            grid = np.linspace(begin, end, 400, endpoint=False)
            table = np.concatenate([[0.0], np.cumsum([rate(t + (end - begin) / 800) for t in grid])])
            uniform = np.interp(inside, np.append(grid, end), table / table[-1])
            assert stats.kstest(uniform, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_the_cumulative_rate_is_hit_exactly(name: str) -> None:
    """Λ(arrival i) is the sum of the first i + 1 standard exponentials, whatever the rate: those of a Poisson source of
    rate 1 with the same key."""
    arrivals, _, marks = build(name)
    times = arrival_times(arrivals, KEY, until_s=marks[-1])
    reached = [arrivals.mean_rate(t) * t for t in times]
    assert reached == pytest.approx(arrival_times(Poisson(1.0), KEY, count=times.size).tolist(), rel=1e-9)


@pytest.mark.parametrize("amplitude", [0.0, 0.3, 0.99, 1.0])
@pytest.mark.parametrize("mean", [0.01, 1.0, 3_000.0])
def test_diurnal_inversion_at_any_pace(amplitude: float, mean: float) -> None:
    """From many days between arrivals to thousands an hour, through nights without traffic."""
    day = Diurnal(mean, amplitude, 24.0, 0.6)
    times = arrival_times(day, KEY, count=300)
    exponentials = np.diff([0.0, *(day.mean_rate(t) * t for t in times)])
    expected = np.diff(arrival_times(Poisson(1.0), KEY, count=300), prepend=0.0)
    assert exponentials == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_equal_rates_are_one_poisson_process() -> None:
    """Cut into steps or states of equal rate, many of them between two arrivals, a source is what it was."""
    poisson = arrival_times(Poisson(5.0), KEY, count=200)
    starts_s = tuple(0.03 * n for n in range(2_000))
    assert arrival_times(Steps(starts_s, (5.0,) * 2_000), KEY, count=200) == pytest.approx(poisson, rel=1e-9)
    assert arrival_times(Mmpp((5.0,) * 3, (0.01, 0.1, 0.3)), KEY, count=200) == pytest.approx(poisson, rel=1e-9)
    flat = [Ramp(5.0, 5.0, 3.0, 1.0), Spike(5.0, 5.0, 1.0, 2.0), Diurnal(5.0, 0.0, 3.0)]
    for arrivals in flat:
        assert arrival_times(arrivals, KEY, count=200) == pytest.approx(poisson, rel=1e-9)


def test_nothing_arrives_after_the_rate_has_become_zero() -> None:
    times = arrival_times(Ramp(80.0, 0.0, 10.0), KEY)
    assert times.size < 1_000
    assert times[-1] <= 10.0
    assert arrival_times(Steps((0.0,), (0.0,)), KEY).size == 0


def test_a_higher_peak_moves_arrivals_forward_only() -> None:
    low, high = (arrival_times(Spike(20.0, peak, 2.0, 3.0), KEY, count=300) for peak in (50.0, 200.0))
    before = low < 2.0
    assert np.array_equal(low[before], high[before])
    assert (high <= low + 1e-12).all()
