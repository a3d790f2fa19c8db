"""Faults at random: a server with breakdowns, and the share of time that a component is well."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sim.engine import Run, simulate
from sim.model import Model
from sim.scenario import load_text
from tests.laws import closed_forms as law
from tests.laws.estimate import Comparison, Replications, jackknife, ratio
from tests.laws.simulate import EFFORTS, Effort, hold, model_of

STATIONS = {"rare": (0.5, 0.01, 0.1), "loaded": (0.7, 0.01, 0.1), "frequent": (0.5, 0.1, 1.0)}
"""Arrivals, breakdowns and repairs per s, of a server that serves one request per s while it is well."""


def struck_s(run: Run, name: str) -> float:
    """Time of the measured interval in which a fault was in force."""
    spans = np.array([(start, end) for fault, start, end in run.faults if fault == name])
    return float(np.diff(np.clip(spans, run.warmup_s, run.duration_s)).sum())


def claims(runs: Replications, table: Comparison) -> None:
    for name, (arrivals, breakdowns, repairs) in STATIONS.items():
        table.hold(f"{name} T", runs.mean(name), law.breakdowns_time(arrivals, 1.0, breakdowns, repairs))
        parts = [(struck_s(run, f"{name} stops"), run.duration_s - run.warmup_s) for run in runs.runs]
        table.hold(f"{name} unavailable", jackknife(parts, ratio), breakdowns / (breakdowns + repairs))


@pytest.mark.parametrize("effort", EFFORTS)
def test_breakdowns_with_preemption_and_resumption(effort: Effort) -> None:
    """M/M/1 with breakdowns at any time: equal availability of 10/11, different delays."""
    hold(model_of("breakdowns"), effort, claims).close()


def test_a_pause_that_spares_who_is_served_is_noticed() -> None:
    """A mutant: a server that computes on in its pauses has T = 1 / (μ − λ)."""
    well = replace(model_of("breakdowns"), faults=())

    def delays(runs: Replications, table: Comparison) -> None:
        table.hold("T", runs.mean("frequent"), law.breakdowns_time(0.5, 1.0, 0.1, 1.0))

    assert hold(well, Effort(10, 1.0, 1.0), delays).misses


def test_longer_repairs_are_noticed() -> None:
    """A mutant: repairs a tenth longer."""
    longer = model_of("breakdowns", {"failures.frequent stops.mttr": "exponential(1.1s)"})
    assert hold(longer, Effort(10, 1.0, 1.0), claims).misses


WELL, STRUCK = "{erlang: {mean: 9s, stages: 2}}", "{uniform: {low: 1s, high: 2s}}"


def crashing(*nodes: str) -> Model:
    text = f"""
scenario: s
run: {{duration: 500s, warmup: 0s, window: 500s}}
nodes: {{app: {{count: 3}}}}
services: {{api: {{nodes: app, instances: 3, cpu: 1ms}}}}
traffic: {{users: {{to: api, arrivals: poisson(1/s)}}}}
failures: {{dies: {{crash: [{", ".join(nodes)}], mtbf: {WELL}, mttr: {STRUCK}}}}}
"""
    return load_text(text, "f.yaml").resolve("baseline")


def episodes_by_target(model: Model, replication: int = 0) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for name, start, end in simulate(model, replication).faults:
        found.setdefault(name.rpartition("(")[2].rstrip(")"), []).append((start, end))
    return found


def test_targets_fail_independently_and_another_one_changes_nothing() -> None:
    two, three = episodes_by_target(crashing("app-1", "app-2")), episodes_by_target(crashing("app-1", "app-2", "app-3"))
    assert two == {name: three[name] for name in ("app-1", "app-2")}
    assert two["app-1"] != two["app-2"] != three["app-3"]
    assert two == episodes_by_target(crashing("app-1", "app-2"))
    assert two["app-1"] != episodes_by_target(crashing("app-1", "app-2"), replication=1)["app-1"]
    for spans in three.values():
        assert 30 < len(spans) < 70
        assert all(1.0 <= end - start <= 2.0 for start, end in spans)
        assert all(before[1] < after[0] for before, after in pairwise(spans))
