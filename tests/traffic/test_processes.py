"""Arrival processes that look the same at every time: counts, gaps, bursts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim.distributions import Constant, Erlang, Exponential, Lognormal, Pareto, Replay
from sim.errors import DsimError
from sim.kernel.draws import stream_key
from sim.kernel.jit import INTERPRETED
from sim.traffic import ARRIVALS, Closed, ConstantRate, Mmpp, Poisson, Renewal, arrival_times
from tests.traffic.cases import CASES, KEY

COUNT = 2_000 if INTERPRETED else 200_000
SIGMAS = 4.5


def counts(times: np.ndarray, width_s: float) -> np.ndarray:
    """Arrivals in each full window of this width."""
    return np.histogram(times, np.arange(0.0, times[-1], width_s))[0]


def test_every_open_process_has_a_case() -> None:
    assert {type(arrivals) for arrivals in CASES.values()} == set(ARRIVALS.values()) - {Closed}


@pytest.mark.parametrize("name", CASES)
def test_times_are_finite_and_never_go_back(name: str) -> None:
    times = arrival_times(CASES[name], KEY, until_s=40.0)
    assert times.size > 0
    assert np.isfinite(times).all()
    assert times[0] >= 0.0
    assert times[-1] <= 40.0
    assert (np.diff(times) >= 0.0).all()


@pytest.mark.parametrize("name", CASES)
def test_an_arrival_does_not_depend_on_how_many_are_asked_for(name: str) -> None:
    whole = arrival_times(CASES[name], KEY, until_s=20.0)
    assert np.array_equal(whole[:3], arrival_times(CASES[name], KEY, count=3))
    assert np.array_equal(whole[whole <= 4.0], arrival_times(CASES[name], KEY, until_s=4.0))


def test_poisson_gaps_are_exponential_and_independent() -> None:
    gaps = np.diff(arrival_times(Poisson(50.0), KEY, count=COUNT))
    assert stats.kstest(gaps, stats.expon(scale=0.02).cdf).pvalue > 1e-4
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < SIGMAS / math.sqrt(COUNT)


@pytest.mark.parametrize("width_s", [0.01, 0.1, 1.0])
def test_poisson_counts_have_equal_mean_and_variance(width_s: float) -> None:
    """Mean 50 · width; the index of dispersion is 1 ± its standard error √(2 / windows)."""
    seen = counts(arrival_times(Poisson(50.0), KEY, count=COUNT), width_s)
    assert abs(seen.mean() - 50.0 * width_s) < SIGMAS * math.sqrt(50.0 * width_s / seen.size)
    fourth = np.mean((seen - seen.mean()) ** 4)
    error = SIGMAS * math.sqrt((fourth - seen.var() ** 2) / seen.size) / (50.0 * width_s)
    assert abs(seen.var() / (50.0 * width_s) - 1.0) < error


def test_sources_and_replications_are_independent() -> None:
    keys = [stream_key(1, 0, "source:a"), stream_key(1, 0, "source:b"), stream_key(1, 1, "source:a")]
    gaps = np.array([np.diff(arrival_times(Poisson(50.0), key, count=COUNT)) for key in keys])
    together = np.corrcoef(gaps)[np.triu_indices(3, 1)]
    assert (np.abs(together) < SIGMAS / math.sqrt(COUNT)).all()


def test_a_higher_rate_is_the_same_draws_on_a_shorter_scale() -> None:
    slow, fast = (arrival_times(Poisson(rate), KEY, count=100) for rate in (10.0, 40.0))
    assert slow == pytest.approx(4.0 * fast)


def test_constant_rate_is_a_metronome_without_drift() -> None:
    times = arrival_times(ConstantRate(30.0), KEY, count=1_000)
    assert times.tolist() == [(i + 1) / 30.0 for i in range(1_000)]


def test_poisson_is_renewal_with_exponential_gaps_in_law() -> None:
    gaps = np.diff(arrival_times(Renewal(Exponential(0.02)), KEY, count=COUNT))
    assert stats.kstest(gaps, stats.expon(scale=0.02).cdf).pvalue > 1e-4


@pytest.mark.parametrize("gap", [Erlang(0.02, 4), Lognormal(0.02, 2.0), Constant(0.02)])
def test_renewal_counts(gap: Erlang) -> None:
    """N(t) has mean t/m and variance t·σ²/m³ for long t (Cox, Renewal Theory, 1962, section 3.3)."""
    times = arrival_times(Renewal(gap), KEY, count=COUNT)
    error = SIGMAS * math.sqrt(gap.variance() * COUNT)
    assert abs(times[-1] - COUNT * gap.mean()) <= error + 1e-9 * times[-1]


def test_renewal_replays_gaps_in_order() -> None:
    times = arrival_times(Renewal(Replay([0.5, 0.0, 2.0])), KEY, count=7)
    assert times.tolist() == [0.5, 0.5, 2.5, 3.0, 3.0, 5.0, 5.5]


def test_renewal_without_a_mean_rate() -> None:
    arrivals = Renewal(Pareto(0.01, 0.8))
    assert arrivals.mean_rate(10.0) == 0.0
    assert np.isfinite(arrival_times(arrivals, KEY, count=100)).all()


@pytest.mark.skipif(INTERPRETED, reason="needs many windows")
def test_mmpp_rate_and_dispersion() -> None:
    """Two states: the index of dispersion of counts over t is 1 + 2A - 2A (1 - e^-rt) / rt, with A = (λ₁-λ₂)² s₁s₂ /
    (r² (λ₁s₂ + λ₂s₁)), s the rates of leaving and r their sum (Fischer & Meier-Hellstern 1993)."""
    rates, sojourns_s, width_s = (10.0, 300.0), (2.0, 0.5), 1.0
    times = arrival_times(Mmpp(rates, sojourns_s), KEY, count=COUNT)
    seen = counts(times, width_s)
    leave = 1.0 / sojourns_s[0], 1.0 / sojourns_s[1]
    r = sum(leave)
    bursts = (rates[0] - rates[1]) ** 2 * leave[0] * leave[1] / (r * r * (rates[0] * leave[1] + rates[1] * leave[0]))
    index = 1.0 + 2.0 * bursts * (1.0 - (1.0 - math.exp(-r * width_s)) / (r * width_s))
    mean = (10.0 * 2.0 + 300.0 * 0.5) / 2.5
    assert Mmpp(rates, sojourns_s).mean_rate(1.0) == pytest.approx(mean)
    batches = seen[: seen.size // 30 * 30].reshape(30, -1)
    spread = batches.mean(axis=1).std(ddof=1) / math.sqrt(30)
    assert abs(seen.mean() - mean * width_s) < 4.0 * spread
    dispersion = batches.var(axis=1) / seen.mean()
    assert (
        abs(dispersion.mean() - index) < 4.0 * dispersion.std(ddof=1) / math.sqrt(30) + index * 2.0 / batches.shape[1]
    )
    assert index > 30.0


def test_mmpp_begins_like_any_other_moment() -> None:
    """Over many keys, the first 0.2 s hold the long-run rate: the first state is not always the same."""
    arrivals = Mmpp((10.0, 300.0), (2.0, 0.5))
    keys = [stream_key(1, n, "source:a") for n in range(200 if INTERPRETED else 2_000)]
    seen = np.array([arrival_times(arrivals, key, until_s=0.2, count=1_000).size for key in keys])
    assert abs(seen.mean() - 68.0 * 0.2) < SIGMAS * seen.std() / math.sqrt(len(keys))


def test_mmpp_states_follow_each_other_as_declared() -> None:
    """Burst, silence, trickle: every silence comes after a burst and before a trickle."""
    arrivals = Mmpp((2_000.0, 0.0, 20.0), (1.0, 100.0, 10.0))
    gaps = np.diff(arrival_times(arrivals, KEY, count=10 * COUNT))
    silences = np.flatnonzero(gaps > 5.0)[1:-1]
    assert silences.size > (3 if INTERPRETED else 300)
    assert np.mean(gaps[silences - 1] < 0.005) > 0.95
    assert np.mean(gaps[silences + 1] > 0.005) > 0.8


def test_closed_users_declare_their_bound() -> None:
    closed = Closed.build(users=20, think=Exponential(2.0))
    assert closed.mean_rate(1.0) == 10.0
    assert math.isinf(Closed(20, Constant(0.0)).mean_rate(1.0))
    assert arrival_times(closed, KEY, until_s=10.0).size == 0, "only the engine can move users"


@pytest.mark.parametrize(
    "name, given, sentence",
    [
        ("poisson", {"rate": 0}, "poisson.rate: got 0; must be a number per second above 0"),
        ("constant", {"rate": -2.0}, "constant.rate: got -2.0; must be a number per second above 0"),
        ("renewal", {"gap": 0.1}, "renewal.gap: got 0.1; must be a distribution"),
        (
            "renewal",
            {"gap": Constant(0.0)},
            "renewal.gap: got a distribution that is always 0; its mean must be above 0",
        ),
        ("mmpp", {"states": [{"rate": 1, "for": 1}]}, "mmpp.states: got rates 1; must be at least two states"),
        ("mmpp", {"states": [{"rate": 0, "for": 1}] * 2}, "mmpp.states: got rates 0, 0; must be at least two states"),
        (
            "mmpp",
            {"states": [{"rate": 1, "for": 0}] * 2},
            "mmpp.states[0].for: got 0; must be a number of seconds above 0",
        ),
        ("steps", {"steps": [{"at": 1, "rate": 2}, {"at": 1, "rate": 3}]}, "steps: got a step at 1 s after one at 1 s"),
        ("steps", {"steps": [{"at": 1, "rate": -2}]}, "steps.steps[0].rate: got -2; must be a number per second of at"),
        ("ramp", {"from": 1, "to": 2}, "ramp: got from, to; must have from and to and over (optional: at)"),
        ("spike", {"base": 1, "peak": 2, "at": 3, "for": 0}, "spike.for: got 0; must be a number of seconds above 0"),
        (
            "diurnal",
            {"mean": 1, "amplitude": 1.2, "period": 3},
            "diurnal.amplitude: got 1.2; must be a ratio of at least 0",
        ),
        ("closed", {"users": 0, "think": Constant(1.0)}, "closed.users: got 0; must be an integer of at least 1"),
    ],
)
def test_sentences(name: str, given: dict[str, object], sentence: str) -> None:
    with pytest.raises(DsimError) as caught:
        ARRIVALS[name].build(**given)
    assert sentence in str(caught.value)
