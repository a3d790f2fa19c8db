"""What explain says of a load that nobody notices is what a simulation of it measures."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest

from sim.analysis import Explanation, explain
from sim.engine import Run
from tests.analysis.simulate import model_from, model_of, run_for

DURATION_S = 30_000.0
ERRORS = 4.5
"""Standard errors: of some thirty comparisons none is farther off by chance."""


@pytest.fixture(scope="module")
def both() -> tuple[Explanation, Run]:
    model = model_of("everything_at_ease")
    return explain(model), run_for(model, DURATION_S)


def test_executions(both: tuple[Explanation, Run]) -> None:
    """Visits with fan-out, choice, repetition and retries at two layers. Counts vary more than a Poisson process's:
    one request brings several."""
    found, run = both
    for endpoint in found.endpoints:
        seen = run.scope("endpoint", endpoint.name).cohort.offered
        several = 1.0 + endpoint.visits["users"]
        assert seen == pytest.approx(endpoint.rate_per_s * DURATION_S, abs=ERRORS * math.sqrt(several * seen))


def test_attempts_along_each_call(both: tuple[Explanation, Run]) -> None:
    """`front.page` calls `orders.place` with two policies; its two edges are told apart by their counts."""
    found, run = both
    expected: dict[str, list[float]] = defaultdict(list)
    measured: dict[str, list[int]] = defaultdict(list)
    for call in found.calls:
        expected[f"{call.caller} → {call.callee}"].append(call.attempts_per_s * DURATION_S)
    for scope in run.scopes:
        if scope.kind == "call":
            measured[scope.name.removesuffix(" (2)")].append(scope.attempts["ok"] + scope.attempts["error"])
    assert len(measured["front.page → orders.place"]) == 2
    for name, counts in measured.items():
        for seen, wanted in zip(sorted(counts), sorted(expected[name]), strict=True):
            assert seen == pytest.approx(wanted, abs=ERRORS * math.sqrt(4.0 * wanted))


def test_the_utilization_law(both: tuple[Explanation, Run]) -> None:
    found, run = both
    for gauge in run.gauges:
        kinds = ("node",) if gauge.kind == "node" else ("event loop",)
        for station in (s for s in found.stations if s.name == gauge.name and s.kind in kinds):
            bursts = station.utilization * DURATION_S / 0.001
            assert gauge.utilization == pytest.approx(station.utilization, rel=ERRORS * 2.0 / math.sqrt(bursts))


def test_latency_at_no_contention(both: tuple[Explanation, Run]) -> None:
    """The simulation's mean is of the requests that succeeded; one in two hundred does not."""
    found, run = both
    latency = run.scope("source", "users").latency
    error_s = math.sqrt(latency.variance_s2 / latency.count)
    assert latency.mean_s == pytest.approx(
        found.source("users").latency_s, abs=ERRORS * error_s + 0.01 * latency.mean_s
    )


def test_workers_are_held_for_the_whole_handler() -> None:
    """Time average of busy workers = rate · residence (Little), at a load without queues."""
    model = model_from(
        """
        scenario: held
        services:
          api: {concurrency: {threads: {workers: 50}}, steps: [{cpu: 2ms}, {call: store}, {io: exponential(5ms)}]}
          store: {io: exponential(10ms)}
        traffic: {users: {to: api, arrivals: poisson(200/s)}}
        """
    )
    run = run_for(model, 500.0, warmup_s=5.0)
    busy = next(gauge.in_system_mean for gauge in run.gauges if gauge.name == "api-1")
    assert busy / 50 == pytest.approx(explain(model).station("api-1", "workers").utilization, rel=0.02)
