"""Scenario files of this folder, run as often and as long as a test asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.engine import Run, simulate
from sim.model import Model
from sim.scenario import load
from tests.laws.estimate import Comparison, Replications, judge

FOLDER = Path(__file__).parent / "scenarios"
Overrides = Mapping[str, Any]


@dataclass(frozen=True)
class Effort:
    """How many replications, how much longer than the file says, and how wide three standard errors may then be."""

    replications: int
    stretch: float
    widest: float

    def numbers(self, look: int) -> range:
        """Replications of the first look (0), or of the second (1): others, and three times as many."""
        return range(self.replications, 4 * self.replications) if look else range(self.replications)


FAST = Effort(20, 1.0, 0.25)
SLOW = Effort(30, 7.0, 0.08)
EFFORTS = [pytest.param(FAST, id="fast"), pytest.param(SLOW, id="slow", marks=pytest.mark.slow)]


def model_of(name: str, overrides: Overrides | None = None) -> Model:
    """A scenario of this folder."""
    scenario = load(FOLDER / f"{name}.yaml", overrides or {})
    return scenario.resolve(scenario.baseline)


def lengthened(model: Model, stretch: float = 1.0) -> Model:
    """The same `stretch` times as long, in one window, since windows cost time and nobody reads them here; and with a
    drain that always suffices: a request cut off at the end would be missing among the slow ones."""
    duration_s, warmup_s = model.run.duration_s * stretch, model.run.warmup_s * stretch
    plan = replace(model.run, duration_s=duration_s, warmup_s=warmup_s, window_s=duration_s, drain_s=duration_s)
    return replace(model, run=plan)


Claims = Callable[[Replications, Comparison], None]


def hold(model: Model, effort: Effort, claims: Claims) -> Comparison:
    """Hold claims against independent replications of a model, twice where something misses."""
    stretched = lengthened(model, effort.stretch)

    def measure(look: int) -> Replications:
        return Replications(tuple(_finished(simulate(stretched, number)) for number in effort.numbers(look)))

    return judge(measure, claims, effort.widest)


def record(model: Model, folder: Path, replication: int = 0) -> tuple[Run, pd.DataFrame]:
    """One run, and a row for each request of its (only) source that arrived while the run was measured or before."""
    model = replace(model, run=replace(model.run, record="all"))
    run = _finished(simulate(model, replication, requests_path=folder / "requests.parquet"))
    rows = pd.read_parquet(folder / "requests.parquet").sort_values("index", ignore_index=True)
    rows = rows[rows["intended_s"] <= model.run.duration_s]
    assert np.array_equal(rows["index"], np.arange(len(rows))), "a request is missing"
    return run, rows


def _finished(run: Run) -> Run:
    assert run.stopped is None, run.stopped
    assert all(scope.cohort.unfinished == 0 for scope in run.scopes if scope.kind == "source")
    return run
