"""M/M/1 at 70 % load, simulated: latencies are exponential, so that every mean and quantile is known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from sim.engine import Run, simulate
from sim.experiment import Results
from sim.experiment.outline import outline
from sim.model import Model
from sim.scenario.loader import load_text
from sim.scenario.resolved import plain

RATE_PER_S, WARMUP_S = 0.7, 500.0
MEAN_S = 1.0 / (1.0 - RATE_PER_S)
SLOWER = 1.05
"""How much slower the variant `slower` is, in its mean and in every quantile."""
SLOWER_SERVICE_S = 1.0 / (RATE_PER_S + 1.0 / (SLOWER * MEAN_S))
TEXT = f"""
scenario: mm1
run: {{duration: 5000s, warmup: {WARMUP_S:g}s, window: 5000s, drain: 5000s}}
services:
  counter: {{concurrency: {{threads: {{workers: 1}}}}, cpu: exponential(1s)}}
traffic:
  users: {{to: counter, arrivals: poisson({RATE_PER_S:g}/s)}}
variants:
  plain: {{}}
  same: {{}}
  slower: {{services: {{counter: {{cpu: exponential({SLOWER_SERVICE_S:.12g}s)}}}}}}
"""


def quantile_s(q: float) -> float:
    return -MEAN_S * math.log(1.0 - q)


@lru_cache
def _models() -> dict[str, Model]:
    scenario = load_text(TEXT, "mm1.yaml")
    return {variant: scenario.resolve(variant) for variant in scenario.variants}


def model(variant: str, duration_s: float, seed: int) -> Model:
    """In one window, since windows cost time and nobody reads them here; with a drain that always suffices."""
    of = _models()[variant]
    plan = replace(of.run, duration_s=duration_s, window_s=duration_s, drain_s=duration_s, seed=seed)
    return replace(of, run=plan)


def replicate(of: Model, replications: Iterable[int]) -> list[Run]:
    runs = [simulate(of, replication) for replication in replications]
    assert all(run.scope("source", "users").cohort.unfinished == 0 for run in runs)
    return runs


@lru_cache
def runs(seed: int, duration_s: float, replications: int = 10) -> tuple[Run, ...]:
    """Of the plain variant. Seeds are independent of each other."""
    return tuple(replicate(model("plain", duration_s, seed), range(replications)))


def results(models: Iterable[Model], runs: Iterable[Run]) -> Results:
    return Results({model.variant: outline(plain(model)) for model in models}, list(runs), 0.0)


def renamed(runs: Iterable[Run], variant: str) -> list[Run]:
    return [replace(run, variant=variant) for run in runs]
