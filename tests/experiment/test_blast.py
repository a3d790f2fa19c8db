"""What faults cost, from series with known numbers and from simulations with and without the fault."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim.engine import Run
from sim.errors import DsimError
from sim.experiment import Results, run_scenario
from sim.experiment.blast import blasts, impacts
from sim.experiment.outline import FaultOutline
from sim.scenario import load_text
from tests.experiment import fakes

WINDOWS = 60
Faults = list[tuple[str, float, float]]


def run(bad: dict[int, int], faults: Faults, replication: int = 0) -> Run:
    """60 windows of 1 s with 100 requests each, the first two in the warm-up; so many `bad` ones by window."""
    lost = np.array([bad.get(window, 0) for window in range(WINDOWS)])
    series = pd.DataFrame(
        {
            "window_start_s": np.arange(float(WINDOWS)),
            "kind": "source",
            "name": "users",
            "offered": 100,
            "ok": 100 - lost,
            "good": 100 - lost,
            "failed": lost,
            "cancelled": 0,
        }
    )
    of = fakes.run("base", replication)
    return replace(of, series=series, faults=faults, duration_s=float(WINDOWS), stopped_at_s=float(WINDOWS))


def results(*runs: Run, patience_s: float = 0.0) -> Results:
    names = dict.fromkeys(name for of in runs for name, _, _ in of.faults)
    faults = tuple(FaultOutline(name, name.partition(" (")[0], "down", ("node", "n"), (), True) for name in names)
    model = replace(fakes.outlined(), faults=faults, patience_s=patience_s)
    return Results({"base": model}, runs, 0.1)


def test_failures_from_the_start_until_it_is_over() -> None:
    """Struck from 20 to 25 s; the class is back at 28 s."""
    lost = {**dict.fromkeys(range(20, 28), 40), 45: 1}
    [impact] = impacts(results(run(lost, [("f", 20.0, 25.0)])))
    assert (impact.failed, impact.ended, impact.recovered_s) == (320.0, 800, 28.0)
    assert impact.beyond_s == 3.0 and not impact.overlaps


def test_the_level_before_is_taken_off() -> None:
    """2 % fail at any time: 8 windows with 42 each lost 40 more."""
    lost = dict.fromkeys(range(WINDOWS), 2) | dict.fromkeys(range(20, 28), 42)
    [impact] = impacts(results(run(lost, [("f", 20.0, 25.0)])))
    assert impact.failed == pytest.approx(320.0)
    assert impact.recovered_s == 28.0


def test_failures_may_come_as_late_as_callers_give_up() -> None:
    """Silence: what was sent at 20 s ends at 29 s, when all others are fine again."""
    lost = {20: 5, 29: 30, 30: 30}
    patient = results(run(lost, [("f", 20.0, 21.0)]), patience_s=9.0)
    assert impacts(patient)[0].recovered_s == 31.0
    assert impacts(patient)[0].failed == 65.0
    hasty = results(run(lost, [("f", 20.0, 21.0)]), patience_s=2.0)
    assert (impacts(hasty)[0].recovered_s, impacts(hasty)[0].failed) == (21.0, 5.0)


def test_a_class_that_does_not_recover() -> None:
    [impact] = impacts(results(run(dict.fromkeys(range(20, WINDOWS), 60), [("f", 20.0, 25.0)])))
    assert math.isinf(impact.recovered_s) and impact.failed == 40 * 60
    lasting = impacts(results(run(dict.fromkeys(range(20, WINDOWS), 60), [("f", 20.0, math.inf)])))[0]
    assert (lasting.end_s, lasting.recovered_s) == (60.0, math.inf)


def test_episodes_of_one_entry_are_averaged_and_those_that_overlap_left_out() -> None:
    """20 lost in the first run, none in the second, where another episode overlaps with a fault of another entry."""
    first = run({20: 20}, [("f (a)", 20.0, 21.0)])
    second = run({30: 50}, [("f (b)", 10.0, 11.0), ("f (a)", 30.0, 31.0), ("g", 30.5, 30.9)], 1)
    of = results(first, second)
    table = {blast.cause: blast for blast in blasts(impacts(of), {"base": 2})}
    f, g = table["f"], table["g"]
    assert (f.episodes, f.overlapping, f.not_recovered) == (3, 1, 0)
    assert f.failed.value == 10.0
    assert f.failed_share.value == pytest.approx(20 / 200)
    assert (g.episodes, g.overlapping) == (1, 1)
    assert g.failed.value == 50.0 and "another fault" in g.failed.reason
    assert len(of.blast_radius()) == 2 and len(of.blast_radius(each=True)) == 4


def test_faults_before_the_measured_time_are_left_out() -> None:
    assert impacts(results(run({1: 50}, [("f", 0.5, 1.5)]))) == []


CRASH = """
scenario: crash
run: {duration: 60s, warmup: 10s, window: 1s, replications: 4}
services:
  api: {instances: 2, cpu: exponential(2ms), fail: 5%}
traffic:
  users: {to: api, arrivals: poisson(100/s), timeout: 200ms}
failures:
  dies: {at: 30s, crash: api-1, for: 10s}
"""


def test_the_difference_from_the_same_runs_without_the_fault() -> None:
    """Half of 1000 requests are lost, of which 5 % would have failed. On common random numbers the calm run tells of
    each window what it would have lost; the level before knows only the average."""
    struck = run_scenario(load_text(CRASH, "crash.yaml"))
    calm = run_scenario(load_text(CRASH, "crash.yaml", {"failures": None}))
    [paired], [level] = (blasts(impacts(struck, of), {"baseline": 4}) for of in (calm, None))
    assert paired.failed.value == pytest.approx(475.0, rel=0.1)
    assert level.failed.value == pytest.approx(paired.failed.value, rel=0.05)
    assert paired.beyond_s_max <= 1.0
    lost = [sum(run.scope("source", "users").total.outcomes["refused"] for run in of.runs) for of in (struck, calm)]
    assert lost[1] == 0 and 4 * paired.failed.value < lost[0] < 4 * paired.failed.value / 0.9


def test_a_calm_run_that_does_not_fit_is_refused() -> None:
    struck = run_scenario(load_text(CRASH, "crash.yaml"), replications=2)
    with pytest.raises(DsimError, match="calm: got results in which faults struck"):
        struck.blast_radius(struck)
    other = run_scenario(load_text(CRASH, "crash.yaml", {"failures": None}), replications=2, seed=99)
    with pytest.raises(DsimError, match="calm: got other seeds"):
        struck.blast_radius(other)
    with pytest.raises(DsimError, match="kind: got 'zone'; must be one of source, request, service"):
        struck.blast_radius(kind="zone")  # type: ignore[arg-type]
