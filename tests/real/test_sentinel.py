"""Redis 7.0.15 Sentinel: what happens when, after the primary was killed.

Measured, 30 kills, 3 sentinels, quorum 2, down-after 2 s: the primary is subjectively down after 2.05 s on average,
when the first sentinel says so; objectively after 2.15; a leader is elected after 2.23, a replica promoted after 2.384.
To hold: each measured mean lies inside the 99 % prediction interval that the simulation gives for a mean of 30 samples.
Nothing is fitted: the times follow from the period of the sentinels' timer, which is 100 to 52 ms at random, and from
how many runs of it each stage takes (`sentinel.c`), with the time of a flush of the sentinel's configuration.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.engine import Simulation
from sim.registries.redis import sentinel
from sim.registries.redis.link import Link
from sim.scenario import load

FILE = Path(__file__).parent / "sentinel.yaml"
KILLED_S = 1.0
SAMPLES = 30
MEASURED_S = {"subjectively_down": 2.05, "objectively_down": 2.15, "elected": 2.23, "promoted": 2.384}
RUNS = 40
Z99 = 2.576


def stages_s(seed: int) -> list[float]:
    """Seconds from the kill to the first event of each stage."""
    model = load(FILE).resolve("baseline")
    log = Simulation(replace(model, run=replace(model.run, seed=seed))).run().control
    return [log.loc[log["event"] == event, "time_s"].min() - KILLED_S for event in MEASURED_S]


def missed(runs: int = RUNS) -> list[str]:
    """Stages whose measured mean the simulation would not have predicted."""
    simulated = np.array([stages_s(seed) for seed in range(1, runs + 1)])
    found = []
    for stage, measured, times in zip(MEASURED_S, MEASURED_S.values(), simulated.T, strict=True):
        half = Z99 * times.std(ddof=1) * np.sqrt(1.0 / SAMPLES + 1.0 / runs)
        print(f"{stage}: measured {measured:.3f}, simulated {times.mean():.4f} ±{half:.4f} s")
        if not abs(times.mean() - measured) < half:
            found.append(stage)
    return found


def test_a_failover_goes_as_measured() -> None:
    assert missed() == []


@pytest.mark.slow
def test_a_failover_goes_as_measured_with_narrower_intervals() -> None:
    assert missed(200) == []


def without_a_ping(self: Link) -> None:
    """A mutant: a link that is made anew counts its silence from the last answer, not from a ping of its own."""
    if not self.is_connected and self.owner.ms - self.last_reconnect >= 1000:
        self.last_reconnect = self.owner.ms
        self.open()


def test_mutant_without_a_ping_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Link, "reconnect", without_a_ping)
    assert "subjectively_down" in missed(5)


def test_mutant_whose_sentinels_are_in_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten runs a second, and all at once: votes are split, which is why the timer is random."""
    draw = sentinel.Sentinel.uniform
    monkeypatch.setattr(sentinel.Sentinel, "uniform", lambda self: 0.05 * draw(self))
    assert "promoted" in missed(5)
