"""A process that is told to stop: it serves on for its drain, then ends, and is started again."""

from __future__ import annotations

import pytest

from sim.engine import Run, simulate
from sim.scenario import load_text

FILE = """
scenario: s
run: {duration: 40s, warmup: 0s, drain: 5s, window: 1s}
services:
  api: {instances: 2, io: 100ms, drain: 4s}
traffic: {users: {to: api, arrivals: constant(20/s)}}
failures: {x: {at: 10.03s, restart: api-1, graceful: true, for: 5s}}
"""
REGISTRY = "{etcd: {members: 3}}"


def run_with(**overrides: str) -> Run:
    return simulate(
        load_text(FILE, "s.yaml", {k.replace("__", "."): v for k, v in overrides.items()}).resolve("baseline")
    )


def life(run: Run, instance: str = "api-1") -> list[tuple[float, str]]:
    truth = run.control.query(f"component == 'truth' and subject == '{instance}'")
    return [(round(time_s, 6), event) for time_s, event in zip(truth["time_s"], truth["event"], strict=True)]


def outcomes(run: Run) -> dict[str, int]:
    found = run.scope("source", "users").cohort.outcomes
    return {outcome: count for outcome, count in found.items() if count}


def test_its_life() -> None:
    assert life(run_with()) == [(10.03, "stopping"), (14.03, "down"), (19.03, "up")]
    assert run_with().faults == [("x", 10.03, pytest.approx(19.03))]


def test_it_serves_on_while_it_drains() -> None:
    """Clients with a list that never changes: nothing fails until the process ends; one request is in it then."""
    kept = run_with()
    assert outcomes(kept) == {"ok": 800 - 51, "reset": 1, "refused": 50}
    killed = run_with(failures__x__graceful="false", services__api__drain="null")
    assert outcomes(killed) == {"ok": 800 - 51, "reset": 1, "refused": 50}


def test_with_a_registry_nothing_fails() -> None:
    """It leaves the registry as it is told, and has no request any more when it ends."""
    run = run_with(registry=REGISTRY)
    assert outcomes(run) == {"ok": 800}
    left = run.control.query("event == 'deregistered'")
    assert left["subject"].tolist() == ["api-1"]
    assert left["time_s"].iloc[0] == pytest.approx(10.03, abs=0.05)
    assert run.control.query("event == 'registered' and time_s > 19.0")["subject"].tolist() == ["api-1"]


def test_a_kill_is_found_out_when_the_lease_is_over() -> None:
    """The mutant: without SIGTERM nobody is told."""
    run = run_with(
        registry="{etcd: {members: 3, lease: 2s}}", failures__x__graceful="false", services__api__drain="null"
    )
    assert "deregistered" not in set(run.control["event"])
    assert outcomes(run)["refused"] > 10


def test_without_a_drain_it_ends_at_once() -> None:
    run = run_with(services__api__drain="null", registry=REGISTRY)
    assert life(run) == [(10.03, "stopping"), (10.03, "down"), (15.03, "up")]
    assert run.control.query("event == 'deregistered'")["subject"].tolist() == ["api-1"]
    assert outcomes(run)["reset"] == 1


def test_a_crash_meanwhile_takes_the_rest() -> None:
    """The host dies during the drain and is back before the stop is over: the process stays down until that ends."""
    run = run_with(failures__host="{at: 11s, crash: {node: api-host-1}, for: 1s}")
    assert life(run) == [(10.03, "stopping"), (11.0, "down"), (12.0, "up"), (14.03, "down"), (19.03, "up")]


def test_rolling() -> None:
    run = run_with(
        failures="{x: {at: 5s, rolling_restart: api, every: 12s, graceful: true, for: 3s}}", registry=REGISTRY
    )
    assert life(run, "api-1") == [(5.0, "stopping"), (9.0, "down"), (12.0, "up")]
    assert life(run, "api-2") == [(17.0, "stopping"), (21.0, "down"), (24.0, "up")]
    assert outcomes(run) == {"ok": 800}
