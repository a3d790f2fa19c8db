"""A user's own policy, join idle queue with perfect knowledge, in a plugin of at most twenty lines."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest
from typer.testing import CliRunner

from sim.cli import app
from sim.engine import simulate
from sim.engine.run import Run
from sim.scenario import load

FOLDER = Path(__file__).resolve().parents[2] / "scenarios" / "plugins"
PLUGIN, SCENARIO = FOLDER / "join_idle_queue.py", FOLDER / "join_idle_queue.yaml"
SERVICE_S = 0.010


def replication(number: int, servers: int, duration_s: int, requests: Path | None = None) -> Run:
    """At load 0.9."""
    changes = {
        "run.duration": f"{duration_s}s",
        "run.warmup": "10s",
        "run.record": "all" if requests else "none",
        "services.server.instances": str(servers),
        "traffic.users.arrivals": f"poisson({0.9 * servers / SERVICE_S}/s)",
    }
    model = load(SCENARIO, changes, plugins=[PLUGIN]).resolve("join_idle_queue")
    return simulate(model, number, requests_path=requests)


def test_it_is_short() -> None:
    assert len(PLUGIN.read_text().splitlines()) <= 20


def test_it_runs_from_the_command_line() -> None:
    short = ["--set", "run.duration=20s", "--set", "run.warmup=2s", "--replications", "2"]
    result = CliRunner().invoke(app, ["run", str(SCENARIO), "--plugin", str(PLUGIN), "--json", "--quiet", *short])
    assert result.exit_code == 0, result.output
    variants = json.loads(result.stdout)["variants"]
    mean_s = {name: variant["sources"]["users"]["latency_mean_s"]["value"] for name, variant in variants.items()}
    assert mean_s["shortest_queue"] < mean_s["join_idle_queue"] < mean_s["two_choices"]


def test_nobody_waits_while_a_server_idles(tmp_path: Path) -> None:
    """Request by request: who finds an idle server goes to one; each of them has its turn."""
    run = replication(0, servers=4, duration_s=30, requests=tmp_path / "rows")
    assert run.requests is not None
    rows = pd.read_parquet(run.requests).sort_values("intended_s").query("intended_s <= 30")
    free_at = dict.fromkeys(rows["instance"].cat.categories, 0.0)
    found_idle = 0
    for arrived, latency, instance in zip(rows["intended_s"], rows["latency_s"], rows["instance"], strict=True):
        idle = [name for name, free in free_at.items() if free < arrived]
        assert not idle or instance in idle
        found_idle += bool(idle)
        free_at[instance] = max(free_at[instance], arrived + latency)
    assert 0.2 * len(rows) < found_idle < 0.5 * len(rows)
    assert rows["instance"].value_counts(normalize=True).between(0.23, 0.27).all()


@pytest.mark.parametrize(
    "servers, duration_s, mean, error",
    [(10, 600, 2.400, 0.008), (100, 60, 1.0734, 0.001)],
)
def test_mean_sojourn_at_load_09(servers: int, duration_s: int, mean: float, error: float) -> None:
    """Reference values by an independent Monte Carlo run, with its own standard error: mean service times."""
    agrees(servers, duration_s, mean, error)


@pytest.mark.slow
@pytest.mark.parametrize("servers, duration_s, mean, error", [(10, 10_000, 2.400, 0.008), (100, 1000, 1.0734, 0.001)])
def test_mean_sojourn_at_load_09_closely(servers: int, duration_s: int, mean: float, error: float) -> None:
    agrees(servers, duration_s, mean, error)


def agrees(servers: int, duration_s: int, mean: float, error: float, replications: int = 6) -> None:
    found = [
        replication(n, servers, duration_s).scope("source", "users").latency.mean_s / SERVICE_S
        for n in range(replications)
    ]
    own_error = stdev(found) / math.sqrt(replications)
    t_quantile = 5.9  # Student, 5 degrees of freedom, two-sided 0.2 %
    assert abs(fmean(found) - mean) < t_quantile * math.hypot(own_error, error), f"{fmean(found)} ± {own_error}"
    assert own_error < 0.02 * mean
