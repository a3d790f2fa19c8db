"""Runs with known numbers, without an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sim.engine.run import Counts, Gauge, Latency, Run, Scope, ScopeKind
from sim.errors import DsimError
from sim.experiment.outline import Outline, outline
from sim.kernel.histogram import bin_edges
from sim.model import (
    Balance,
    CallPolicy,
    Endpoint,
    Goroutines,
    Instance,
    Model,
    Network,
    Node,
    RunPlan,
    Service,
    Source,
    Target,
)
from sim.scenario.resolved import plain
from sim.traffic import Poisson

ENDPOINTS = (Endpoint("main", ()),)
POLICY = CallPolicy(Balance("random"))
PLAN = RunPlan(duration_s=12.0, warmup_s=2.0, drain_s=1.0, window_s=1.0, seed=7, replications=3)


def model(variant: str = "base", run: RunPlan = PLAN) -> Model:
    """Sources `users` and `robots`; service `api` of two instances on node `app-1`, `db` of one on `db-1`."""
    services = (
        Service("api", Goroutines(), (Instance("api-1", "app-1", 4), Instance("api-2", "app-1", 4)), ENDPOINTS),
        Service("db", Goroutines(), (Instance("db-1", "db-1", 8),), ENDPOINTS),
    )
    sources = tuple(
        Source(n, Poisson(rate_per_s=100.0), (Target("api", "main", 1.0),), None, POLICY) for n in ("users", "robots")
    )
    nodes = (Node("app-1", "a", 4), Node("db-1", "a", 8))
    return Model("fake", variant, "", run, nodes, Network(), services, sources)


def outlined(variant: str = "base", run: RunPlan = PLAN) -> Outline:
    """What results need of that model."""
    return outline(plain(model(variant, run)))


def scope(kind: ScopeKind, name: str, latencies_s: np.ndarray, failed: int = 0, unfinished: int = 0) -> Scope:
    histogram = np.histogram(latencies_s, bin_edges())[0]
    bins = np.flatnonzero(histogram)
    ok = len(latencies_s)
    counts = Counts(ok + failed + unfinished, {"ok": ok, "timeout": failed}, unfinished, good=ok // 2)
    moments = (latencies_s.mean(), latencies_s.var(), latencies_s.min(), latencies_s.max()) if ok else (np.nan,) * 4
    return Scope(
        kind, name, counts, counts, Latency(ok, *moments, bins, histogram[bins]), ok / 10.0, ok / 20.0, {"started": ok}
    )


def run(
    variant: str = "base", replication: int = 0, *, failed: int = 0, stopped: str | None = None, n: int = 2000
) -> Run:
    """10 s are measured; `users` sees exponential latencies of mean 10 ms, `robots` exactly 20 ms."""
    generator = np.random.default_rng([replication, len(variant)])
    users = scope("source", "users", generator.exponential(0.01, n), failed)
    robots = scope("source", "robots", np.full(1000, 0.02))
    gauges = [
        Gauge("instance", "api-1", 2.0 + replication, 0.5, 1.0, 0.25),
        Gauge("instance", "api-2", 4.0 + replication, 0.5, 3.0, 0.75),
        Gauge("instance", "db-1", 1.0, 0.0, 7.2, 0.9),
        Gauge("node", "app-1", 6.0, 1.0, 4.0, 0.6),
        Gauge("node", "db-1", 1.0, 0.0, 7.2, 0.9),
    ]
    series = pd.DataFrame(
        {
            "window_start_s": [0.0, 1.0],
            "kind": "source",
            "name": "users",
            "offered": [100, 101],
            "ok": 100,
            "good": 100,
            "failed": 0,
            "cancelled": 0,
        }
    )
    return Run(
        scenario="fake", variant=variant, replication=replication, seed=7, warmup_s=2.0, duration_s=12.0,
        stopped=stopped, stopped_at_s=12.5, scopes=[users, robots], gauges=gauges, series=series, requests=None,
        events=1000, wall_s=0.01, faults=[("db dies", 4.0, 6.0)],
    )  # fmt: skip


@dataclass
class FakeScenario:
    """Offers what the runner asks of a scenario."""

    plan: RunPlan = PLAN
    variants: tuple[str, ...] = ("base", "other")
    name: str = "fake"
    texts: Mapping[str, str] = field(default_factory=lambda: {"title": "A fake"})
    files: Mapping[str, str] = field(default_factory=lambda: {"fake.yaml": "scenario: fake\n"})
    overrides: tuple[str, ...] = ("run.seed=7",)
    notes: tuple[str, ...] = ("nobody judges this",)

    @property
    def records(self) -> bool:
        return self.plan.record != "none"

    def resolve(self, variant: str) -> Model:
        if variant not in self.variants:
            raise DsimError(f"no variant {variant!r}")
        return model(variant, self.plan)


def simulate(
    model: Model,
    replication: int,
    *,
    requests_path: Path | None = None,
    progress: Callable[[float, int], None] | None = None,
) -> Run:
    """Stands in for `sim.engine.simulate`."""
    result = run(model.variant, replication)
    result.seed = model.run.seed
    if requests_path is not None:
        pd.DataFrame({"index": [0, 1], "latency_s": [0.1, replication]}).to_parquet(requests_path)
        result.requests = requests_path
    if progress is not None:
        progress(model.run.duration_s, 1000)
    return result
