"""Scenarios of the gallery, run shorter than a reader would, and what their lessons are held against."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

import sim
from sim.engine.run import Run
from sim.experiment import Results
from sim.statistics import Estimate, mean_estimate

FOLDER = Path(__file__).parents[2] / "scenarios"
NAMES = sorted(
    path.relative_to(FOLDER).with_suffix("").as_posix()
    for path in FOLDER.rglob("*.yaml")
    if path.parent.name != "plugins"
)
"""With the folder, where it is one of `scenarios/`'s: `availability/zones`."""


@cache
def results(name: str, replications: int, *overrides: str) -> Results:
    """The scenario `name` with `key=value` overrides, run once for all tests that read it."""
    return sim.run(sim.load(FOLDER / f"{name}.yaml", overrides), replications=replications)


def latency_s(run: Run, source: str, q: float | None = None) -> float:
    """Mean latency, or a quantile, of what a source's requests that succeeded took."""
    latency = run.scope("source", source).latency
    return latency.mean_s if q is None else latency.quantile_s(q)


def longer_s(results: Results, variant: str, than: str, source: str, q: float | None = None) -> Estimate:
    """By how much `variant` is slower `than` another: paired by replication, with its 95 % interval."""
    pairs = zip(results.of(variant), results.of(than), strict=True)
    return mean_estimate([latency_s(a, source, q) - latency_s(b, source, q) for a, b in pairs])


def available(run: Run, source: str, from_s: float = 0.0) -> float:
    """Share of what was offered in the windows from `from_s` on that was answered well."""
    series = run.series
    windows = series[(series["kind"] == "source") & (series["name"] == source) & (series["window_start_s"] >= from_s)]
    return float(windows["ok"].sum() / windows["offered"].sum())


def mean_of(results: Results, variant: str, source: str, q: float | None = None) -> float:
    return float(np.mean([latency_s(run, source, q) for run in results.of(variant)]))


def utilization(results: Results, variant: str, node: str) -> float:
    gauges = results.gauges()
    rows = gauges[(gauges["variant"] == variant) & (gauges["kind"] == "node") & (gauges["name"] == node)]
    return float(rows["utilization"].mean())
