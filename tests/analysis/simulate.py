"""Models of this folder and of texts, and short runs of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sim.distributions import Constant
from sim.engine import Run, simulate
from sim.model import Model
from sim.scenario import load, load_text
from sim.traffic import Arrivals, Closed, Poisson

FOLDER = Path(__file__).parent / "scenarios"


def model_of(name: str) -> Model:
    """The baseline of a scenario of this folder."""
    scenario = load(FOLDER / f"{name}.yaml")
    return scenario.resolve(scenario.baseline)


def model_from(text: str) -> Model:
    scenario = load_text(text, "test.yaml")
    return scenario.resolve(scenario.baseline)


def run_for(model: Model, duration_s: float, warmup_s: float = 0.0, drain_s: float = 10.0) -> Run:
    """One replication in one window."""
    plan = replace(model.run, duration_s=duration_s, warmup_s=warmup_s, window_s=duration_s, drain_s=drain_s)
    run = simulate(replace(model, run=plan))
    assert run.stopped is None, run.stopped
    return run


def sending(model: Model, arrivals: Arrivals) -> Model:
    """The same with other arrivals at its only source."""
    return replace(model, sources=(replace(model.sources[0], arrivals=arrivals),))


def plateau(model: Model) -> float:
    """Completions a second when there is always somebody who waits: 600 users who hardly think."""
    run = run_for(sending(model, Closed(600, Constant(0.05))), duration_s=60.0, warmup_s=20.0, drain_s=0.0)
    return run.scope("source", model.sources[0].name).throughput_per_s


def carried(model: Model, rate_per_s: float) -> float:
    """Completions per arrival of an open load, while it lasts."""
    run = run_for(sending(model, Poisson(rate_per_s)), duration_s=70.0, warmup_s=10.0, drain_s=0.0)
    scope = run.scope("source", model.sources[0].name)
    return scope.throughput_per_s * 60.0 / scope.cohort.offered
