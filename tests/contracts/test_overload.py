"""Memory grows with what is in flight, not with what has finished; growth without bound is stopped (contract 7)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sim
from sim.cli import app
from sim.engine import Simulation
from sim.scenario.loader import load_text
from tests.swarm.conservation import accounts_of, unbalanced
from tests.swarm.invariants import broken

ROOT = Path(__file__).resolve().parents[2]
OVERLOAD = """
scenario: overload
run: {duration: 100s, warmup: 2s, replications: 2, max_in_flight: 2000, record: all}
services:
  front: {instances: 2, steps: [{call: worker}]}
  worker: {concurrency: {threads: {workers: 4}}, nodes: host, cpu: 10ms}
nodes: {host: {count: 1, cores: 4}}
traffic:
  users: {to: front, arrivals: poisson(500/s)}
variants:
  too_much: {}
  enough: {traffic: {users: {arrivals: poisson(300/s)}}}
"""
CAPACITY_PER_S, OFFERED_PER_S, LIMIT = 400.0, 500.0, 2000
MEMORY = """
scenario: memory
run: {{duration: {duration_s}s, warmup: 1s, replications: 1, record: {record}}}
nodes: {{host: {{count: 2, zones: [a, b], cores: 2}}}}
network: {{same_zone: {{latency: exponential(0.2ms)}}, across_zones: {{latency: exponential(1ms)}}}}
services:
  front: {{nodes: host, instances: 2, steps: [{{cpu: exponential(0.2ms)}}, {{call: worker, timeout: 20ms}}]}}
  worker: {{nodes: host, instances: 2, concurrency: {{threads: {{workers: 2, queue: 20}}}}, cpu: exponential(1ms)}}
traffic:
  users: {{to: front, from: {{zone: a}}, arrivals: poisson(1000/s), timeout: 50ms, retry: {{attempts: 2}}}}
"""
PEAK = """
import json, resource, sys
from pathlib import Path
from sim.engine import simulate
from sim.scenario import load
run = simulate(load(sys.argv[1]).resolve("baseline"), requests_path=Path(sys.argv[1]).with_suffix(".rows"))
offered = run.scope("source", "users").total.offered
print(json.dumps([offered, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""
MB = 1 << 20


def test_an_overload_stops_at_the_limit(tmp_path: Path) -> None:
    """After about limit / (offered - capacity) seconds; what it did up to there is kept, and adds up."""
    model = load_text(OVERLOAD, "overload.yaml").resolve("too_much")
    simulation = Simulation(model, requests_path=tmp_path / "rows")
    run = simulation.run()
    assert run.stopped is not None
    at_s = run.stopped_at_s
    assert at_s == pytest.approx(LIMIT / (OFFERED_PER_S - CAPACITY_PER_S), rel=0.2)
    assert f"stopped at {at_s:.6g} s: more than 2,000 requests in flight (run.max_in_flight)" in run.stopped
    assert re.search(r"at instance (worker-1|front-[12]) \([\d,]+ tasks\)", run.stopped)
    users = run.scope("source", "users")
    assert users.total.unfinished == LIMIT + 1
    assert users.total.outcomes["ok"] == pytest.approx(CAPACITY_PER_S * at_s, rel=0.02)
    assert users.throughput_per_s == pytest.approx(CAPACITY_PER_S, rel=0.02)
    assert run.series["window_start_s"].max() < at_s
    assert not broken(simulation.tables)
    assert not unbalanced(accounts_of(simulation, run))


def test_the_command_line_keeps_what_there_is_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other variant is finished as if nothing had happened; exit status 3."""
    monkeypatch.chdir(tmp_path)
    Path("overload.yaml").write_text(OVERLOAD)
    result = CliRunner().invoke(app, ["run", "overload.yaml", "--out", "out"])
    assert result.exit_code == 3, result.output
    assert "Traceback" not in result.output
    told = " ".join(result.stdout.split())
    assert "too_much" in told and "more than 2,000 requests in flight" in told
    unstable = json.loads(Path("out/manifest.json").read_text())["unstable"]
    assert list(unstable) == ["too_much"]
    kept = sim.load_results("out").scopes().query("kind == 'source'").groupby("variant")["total_offered"].sum()
    assert kept["enough"] == pytest.approx(2 * 100 * 300, rel=0.02)
    assert 0 < kept["too_much"] < 0.3 * 2 * 100 * OFFERED_PER_S
    assert len(list(Path("out/requests").iterdir())) == 4


def test_a_stable_load_is_not_stopped_by_a_close_limit(tmp_path: Path) -> None:
    text = OVERLOAD.replace("max_in_flight: 2000", "max_in_flight: 60")
    run = Simulation(load_text(text, "overload.yaml").resolve("enough"), requests_path=tmp_path / "rows").run()
    assert run.stopped is None


@pytest.mark.slow
def test_the_tables_may_overflow_before_the_limit(tmp_path: Path) -> None:
    """Requests that split into a thousand waiting branches: more tasks than rows, at a thousand requests in flight."""
    branches = ", ".join(["{io: 1h}"] * 1000)
    text = f"""
scenario: wide
run: {{duration: 100s, warmup: 0s, record: all}}
services: {{api: {{steps: [{{parallel: [{branches}]}}]}}}}
traffic: {{users: {{to: api, arrivals: constant(100/s)}}}}
"""
    simulation = Simulation(load_text(text, "wide.yaml").resolve("baseline"), requests_path=tmp_path / "rows")
    run = simulation.run()
    assert run.stopped is not None
    assert run.stopped.startswith(f"stopped at {run.stopped_at_s:.6g} s: the kernel's tables are full (1,0")
    assert "api-1" in run.stopped
    assert not unbalanced(accounts_of(simulation, run))


def peak(folder: Path, requests: int, record: str) -> int:
    """Bytes that a process takes at most, which runs so many requests."""
    path = folder / f"memory_{requests}.yaml"
    path.write_text(MEMORY.format(duration_s=requests // 1000, record=record))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    offered, taken = json.loads(done.stdout)
    assert offered == pytest.approx(requests, rel=0.02)
    return int(taken)


@pytest.mark.parametrize(
    "record, few, many",
    [("none", 100_000, 3_000_000), pytest.param("all", 300_000, 3_000_000, marks=pytest.mark.slow)],
)
def test_memory_does_not_grow_with_what_has_finished(tmp_path: Path, record: str, few: int, many: int) -> None:
    """Less than eight bytes a request: not even a latency is kept. Recorded requests go to disk."""
    short, long = peak(tmp_path, few, record), peak(tmp_path, many, record)
    assert long <= 1.2 * short
    assert long - short < (16 * MB if record == "none" else 48 * MB), f"{short / MB:.0f} MB, {long / MB:.0f} MB"


def test_the_fullest_place_may_be_a_link() -> None:
    text = """
    scenario: narrow
    run: {duration: 10s, max_in_flight: 50}
    nodes: {app: {zones: [a]}, far: {zones: [b]}}
    network: {across_zones: {latency: 1ms, bandwidth: 10kbps}}
    services: {api: {nodes: app, cpu: 1ms}}
    traffic: {users: {to: api, from: {zone: b}, arrivals: constant(100/s)}}
    """
    run = Simulation(load_text(text, "narrow.yaml").resolve("baseline")).run()
    assert run.stopped is not None
    assert "most of them at the link from b to a" in run.stopped
