"""The φ accrual detector (Hayashibara et al., SRDS 2004), Cassandra's form of it, and a plain timeout beside it."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log
from statistics import mean

import numpy as np
import pytest

from sim.protocols.detectors import CASSANDRA, PAPER, Heartbeat, PhiAccrual, Scale


def fed(scale: Scale, intervals, detector: type[PhiAccrual] = PhiAccrual) -> tuple[PhiAccrual, float]:
    """A detector that has heard heartbeats at these intervals, and the time of the last."""
    found, now_s = detector(scale, 0.0), 0.0
    for interval_s in intervals:
        now_s += interval_s
        found.heard(now_s)
    return found, now_s


def gaussian(size: int, mean_s: float = 1.0, deviation_s: float = 0.1, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean_s, deviation_s, size)


def convicts_at_the_papers_time(detector: type[PhiAccrual]) -> None:
    """§4.2: φ = 8 at the mean and 5.612 deviations, φ = 3 at 3.090."""
    for threshold, deviations in ((8.0, 5.612), (3.0, 3.090)):
        found, now_s = fed(replace(PAPER, threshold=threshold), gaussian(20_000), detector)
        assert found.convicts_at_s - now_s == pytest.approx(1 + deviations * 0.1, rel=0.01)
        assert found.phi(found.convicts_at_s) == pytest.approx(threshold, rel=1e-6)


def test_gaussian_intervals_convict_at_the_papers_time():
    convicts_at_the_papers_time(PhiAccrual)


def test_cassandra_convicts_after_18_mean_intervals():
    """Cassandra 4.1: φ = t / (mean · ln 10), threshold 8: 18.42 × the mean interval."""
    found, now_s = fed(CASSANDRA, np.full(2000, 1.0))
    assert found.convicts_at_s - now_s == pytest.approx(18.42, rel=0.01)
    assert not found.suspects(now_s + 18.3) and found.suspects(now_s + 18.6)


def test_cassandra_starts_from_two_seconds_and_leaves_out_outages():
    found = PhiAccrual(CASSANDRA, 0.0)
    assert found.convicts_at_s == pytest.approx(8 * log(10) * 2)
    found.heard(60.0)
    assert found.mean_s == 2.0


@pytest.mark.parametrize("threshold, mistakes", [(1.0, 0.1), (2.0, 0.01)])
def test_the_threshold_is_the_chance_of_a_mistake(threshold: float, mistakes: float):
    """§4.1: suspecting at φ = 1 is wrong in about 10 % of cases, at φ = 2 in 1 %."""
    detector, now_s, wrong = PhiAccrual(replace(PAPER, threshold=threshold), 0.0), 0.0, 0
    intervals = gaussian(21_000, seed=4)
    for number, interval_s in enumerate(intervals):
        wrong += number >= 1000 and detector.suspects(now_s + interval_s)
        now_s += interval_s
        detector.heard(now_s)
    error = 3 * (mistakes / 20_000) ** 0.5
    assert wrong / 20_000 == pytest.approx(mistakes, abs=error + 0.05 * mistakes)


@pytest.mark.parametrize("scale", [PAPER, CASSANDRA])
def test_phi_accrues_without_bound_after_a_crash(scale: Scale):
    """Property 1 (asymptotic completeness): it grows, and passes any threshold."""
    found, now_s = fed(scale, gaussian(500))
    grown = [found.phi(now_s + silent_s) for silent_s in np.linspace(0, 400, 300)]
    assert np.all(np.diff([value for value in grown if value < inf]) >= 0) and grown[-1] > 100


def adapts(detector: type[PhiAccrual]) -> None:
    """§4.2: the window slides: after as many heartbeats as it holds, only the new network counts."""
    scale = replace(PAPER, window=200)
    calm, calm_now_s = fed(scale, gaussian(2000), detector)
    turned, now_s = fed(scale, np.concatenate([gaussian(2000), gaussian(200, 2.0, 0.5)]), detector)
    assert calm.convicts_at_s - calm_now_s == pytest.approx(1.56, rel=0.05)
    assert turned.convicts_at_s - now_s == pytest.approx(2 + 5.612 * 0.5, rel=0.1)


def test_it_adapts_to_the_network():
    adapts(PhiAccrual)


def test_a_plain_timeout_detects_half_a_period_early():
    """Uniform in [timeout − period, timeout] after the crash."""
    took = []
    for crashed_s in np.random.default_rng(2).uniform(10, 20, 4000):
        detector = Heartbeat(3.0, 0.0)
        for beat_s in np.arange(0.0, crashed_s, 1.0):
            detector.heard(beat_s)
        assert detector.suspects(detector.convicts_at_s) and not detector.suspects(detector.convicts_at_s - 1e-6)
        took.append(detector.convicts_at_s - crashed_s)
    assert 2.0 <= min(took) < 2.01 and 2.99 < max(took) <= 3.0
    assert mean(took) == pytest.approx(2.5, abs=0.02)


class NaturalLogarithm(PhiAccrual):
    def phi(self, now_s: float) -> float:
        return super().phi(now_s) * log(10)


class NeverForgets(PhiAccrual):
    def _add(self, interval_s: float) -> None:
        self._intervals.append(interval_s)
        self._sum += interval_s
        self._squares += interval_s**2


class IgnoresSpread(PhiAccrual):
    @property
    def deviation_s(self) -> float:
        return 0.05


def test_broken_detectors_are_caught():
    for broken in (NaturalLogarithm, IgnoresSpread):
        with pytest.raises(AssertionError):
            convicts_at_the_papers_time(broken)
    with pytest.raises(AssertionError):
        adapts(NeverForgets)
