"""Which windows met their objective, and what is estimated from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim.engine import Run, simulate
from sim.experiment import run_scenario
from sim.experiment.measures import gauge_estimates, scope_estimates, scope_samples, windows_met
from sim.scenario.loader import load_text
from tests.experiment import fakes, made

OUTAGE = """
scenario: outage
run: {duration: 40s, warmup: 10s, window: 2s, replications: 1}
services:
  api: {cores: 8, steps: [{io: 5ms}]}
traffic:
  users: {to: api, arrivals: constant(50/s), timeout: 500ms, slo: {latency: 100ms}}
failures:
  api dies: {at: 21s, crash: api-1, for: 5s}
"""


def run(
    start_s: list[float],
    offered: list[int],
    ok: list[int],
    failed: list[int],
    good: list[int] | None = None,
    **changes: object,
) -> Run:
    """Measured from 2 to 12 s; all that is ok is good where nothing else is said."""
    series = pd.DataFrame(
        {"window_start_s": start_s, "kind": "source", "name": "users", "offered": offered, "ok": ok, "failed": failed}
    )
    series["cancelled"] = 0
    series["good"] = series["ok"] if good is None else good
    return replace(fakes.run(), series=series, **changes)  # type: ignore[arg-type]


def test_windows_from_the_warm_up_to_the_end_count() -> None:
    """Two before the warm-up do not; of the others one lost too many."""
    starts = [0.0, 1.0, *range(2, 12)]
    failed = [50, 50, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0]
    of = run(starts, [1000] * 12, [1000 - f for f in failed], failed)
    assert windows_met(of, "source", "users") == (9, 10)
    assert windows_met(of, "source", "users", target=0.9985) == (9, 10)
    assert windows_met(of, "source", "users", target=0.9995) == (8, 10)
    assert windows_met(of, "source", "users", target=0.99) == (10, 10)
    assert windows_met(of, "source", "robots") == (0, 0)


def test_a_window_without_requests_does_not_count() -> None:
    of = run([2.0, 4.0, 6.0, 8.0, 10.0], [10, 0, 0, 10, 10], [10, 0, 0, 10, 10], [0] * 5)
    assert windows_met(of, "source", "users") == (3, 3)


def test_a_window_in_which_nothing_ended_is_judged_by_the_next_that_ends() -> None:
    late = run([2.0, 4.0, 6.0, 8.0, 10.0], [10] * 5, [10, 0, 20, 10, 10], [0] * 5)
    assert windows_met(late, "source", "users") == (5, 5)
    lost = run([2.0, 4.0, 6.0, 8.0, 10.0], [10] * 5, [10, 0, 5, 10, 10], [0, 0, 15, 0, 0])
    assert windows_met(lost, "source", "users") == (3, 5)
    never = run([2.0, 4.0, 6.0, 8.0, 10.0], [10] * 5, [10, 10, 10, 0, 0], [0] * 5)
    assert windows_met(never, "source", "users") == (3, 5)


def test_only_whole_windows_count() -> None:
    """One that the warm-up cuts, and a shorter one at the end, do not."""
    cut = run([0.0, 3.0, 6.0, 9.0], [10] * 4, [10] * 4, [0] * 4)
    assert windows_met(cut, "source", "users") == (3, 3)
    short = run([2.0, 6.0, 10.0], [10] * 3, [10, 10, 0], [0, 0, 10])
    assert windows_met(short, "source", "users") == (2, 2)


def test_a_run_that_stopped_counts_up_to_there() -> None:
    of = run([2.0, 4.0, 6.0], [10] * 3, [10, 10, 0], [0] * 3, stopped="full", stopped_at_s=7.0)
    assert windows_met(of, "source", "users") == (2, 2)


def test_no_window_is_a_sentence() -> None:
    of = run([0.0], [10], [10], [0])
    assert windows_met(of, "source", "users") == (0, 0)
    assert "no whole window" in scope_estimates([of, of], "source", "users")["window_availability"].reason


def test_an_answer_that_comes_too_late_for_the_objective_is_not_good() -> None:
    """All are ok; in the third window one of ten is too slow."""
    slow = run([2.0, 4.0, 6.0, 8.0, 10.0], [10] * 5, [10] * 5, [0] * 5, good=[10, 10, 9, 10, 10])
    assert windows_met(slow, "source", "users") == (4, 5)
    assert windows_met(slow, "source", "users", target=0.9) == (5, 5)


QUEUE = """
scenario: queue
run: {duration: 40s, warmup: 10s, window: 2s, replications: 1}
services:
  api: {cores: 1, cpu: 5ms}
traffic:
  users: {to: api, arrivals: {constant: {rate: 50/s}}, slo: {latency: 20ms, availability: 90%}}
failures:
  api stalls: {at: 21s, pause: api-1, for: 120ms}
"""


def test_the_declared_objective_judges_windows_of_a_simulation() -> None:
    """A pause of 120 ms keeps some of the 100 requests of its window longer than 20 ms, and loses none."""
    results = run_scenario(load_text(QUEUE, "queue.yaml"))
    rows = results.timeseries().query("kind == 'source' and window_start_s == 20")
    late = int((rows.ok - rows.good).sum())
    assert rows.failed.sum() == 0 and 1 < late < 10
    assert results.estimates("baseline", "users")["window_availability"].value == 1.0
    strict = run_scenario(load_text(QUEUE, "queue.yaml", {"traffic.users.slo.availability": "99%"}))
    assert strict.estimates("baseline", "users")["window_availability"].value == 14 / 15


def test_an_outage_in_a_simulation() -> None:
    """Down from 21 to 26 s: requests fail from then until then; the windows at 20, 22, 24 lose some. Of 15 measured."""
    of = simulate(load_text(OUTAGE, "outage.yaml").resolve("baseline"))
    assert windows_met(of, "source", "users") == (12, 15)
    estimates = scope_estimates([of], "source", "users")
    assert estimates["window_availability"].value == 0.8
    assert estimates["availability"].value == pytest.approx(1 - 5 / 30, abs=0.001)


def test_good_is_within_the_objective() -> None:
    samples = scope_samples([made.run_of("base", 0, {"users": made.common_luck(failed=100)})], "source", "users")
    scope = fakes.scope("source", "users", np.full(2000, 0.01), 100)
    assert samples["good_share"].estimate().value == scope.cohort.good / 2100 == 1000 / 2100
    assert samples["availability"].estimate().value == 2000 / 2100


def test_gauges_of_runs_that_stopped_have_no_interval() -> None:
    runs = [fakes.run("base", r, stopped="full" if r == 1 else None) for r in range(3)]
    for estimate in gauge_estimates(runs, ["app-1"], "node").values():
        assert not estimate.has_interval
        assert estimate.reason.startswith("1 of 3 replications stopped at a limit")
    assert gauge_estimates([fakes.run("base", r) for r in range(3)], ["app-1"], "node")["in_system_mean"].has_interval


def test_every_estimate_carries_the_caveat() -> None:
    runs = [made.run_of("base", r, {"users": made.common_luck()}) for r in range(3)]
    for estimate in scope_estimates(runs, "source", "users", caveat="no steady state shown").values():
        assert estimate.reason.startswith("no steady state shown")
