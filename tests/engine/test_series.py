"""Time series: every window once, nothing counted twice."""

from __future__ import annotations

import pytest

from sim.engine import Run, simulate
from sim.scenario import load_text

TEXT = """
scenario: windows
run: {{duration: {duration}, warmup: 0s, window: {window}, drain: 0s, replications: 1, max_in_flight: {limit}}}
services:
  api: {{concurrency: {{threads: {{workers: 1}}}}, cpu: exponential(8ms)}}
traffic:
  users: {{to: api, arrivals: poisson({rate})}}
"""


def run(duration: str, window: str = "1s", rate: str = "100/s", limit: int = 100_000) -> Run:
    scenario = load_text(TEXT.format(duration=duration, window=window, rate=rate, limit=limit), "windows.yaml")
    return simulate(scenario.resolve(scenario.variants[0]))


@pytest.mark.parametrize(
    "duration, window, starts",
    [("3s", "1s", [0, 1, 2]), ("3s", "2s", [0, 2]), ("1s", "1s", [0]), ("0.3s", "0.1s", [0, 0.1, 0.2])],
)
def test_windows_cover_the_measured_interval_once(duration: str, window: str, starts: list[float]) -> None:
    measured = run(duration, window)
    for (_, _), rows in measured.series.groupby(["kind", "name"]):
        assert rows.window_start_s.tolist() == pytest.approx(starts)
    users = measured.series[measured.series.kind == "source"]
    total = measured.scope("source", "users").total
    assert users.offered.sum() == total.offered
    assert users.ok.sum() == total.outcomes["ok"]


def test_a_run_that_stops_keeps_the_window_in_which_it_stopped() -> None:
    measured = run("60s", rate="1000/s", limit=2000)
    assert measured.stopped is not None and measured.stopped_at_s < 60.0
    users = measured.series[measured.series.kind == "source"]
    assert users.window_start_s.max() < measured.stopped_at_s
    assert users.offered.sum() == measured.scope("source", "users").total.offered


def test_rates_of_a_stopped_run_are_per_second_of_what_was_simulated() -> None:
    measured = run("60s", rate="1000/s", limit=2000)
    users = measured.scope("source", "users")
    assert users.throughput_per_s == pytest.approx(users.total.outcomes["ok"] / measured.stopped_at_s)
