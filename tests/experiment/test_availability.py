"""Downtime, its causes, error budgets and burn rates, from series with known numbers and from simulations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim.engine import Run
from sim.errors import DsimError
from sim.experiment import Results, run_scenario
from sim.experiment.availability import accounts, burn_rates, burn_window_s, mtbf
from sim.experiment.downtime import course
from sim.experiment.outline import FaultOutline
from sim.experiment.patience import patience_s
from sim.experiment.windows import windows_by_thing, windows_of
from sim.scenario import load_text
from sim.scenario.resolved import plain
from tests.experiment import fakes

FAULT = FaultOutline("db dies (db-1)", "db dies", "down", ("instance", "db-1"), (("instance", "db-1"),), False)


def run(good: list[int], offered: list[int] | None = None, faults: list[tuple[str, float, float]] | None = None) -> Run:
    """Ten windows of 1 s from the warm-up at 2 s on, with 100 requests each where nothing else is said; after two."""
    offered = [100] * 10 if offered is None else offered
    series = pd.DataFrame(
        {
            "window_start_s": np.arange(12.0),
            "kind": "source",
            "name": "users",
            "offered": [100, 100, *offered],
            "ok": [0, 0, *good],
            "good": [0, 0, *good],
            "failed": [100, 100, *(np.array(offered) - good)],
            "cancelled": 0,
        }
    )
    return replace(fakes.run(), series=series, faults=faults or [])


def episodes(of: Run, lag_s: float = 1.0, below: float = 0.9) -> list[tuple[float, float, float, tuple[str, ...]]]:
    seen = course(of, windows_of(of, "source", "users"), [FAULT], lag_s, below).episodes
    return [(e.start_s, e.end_s, e.down_s, e.causes) for e in seen]


def test_downtime_is_a_row_of_windows_below_the_threshold() -> None:
    """What is lost before the warm-up does not count; exactly 90 % is up."""
    of = run([100, 89, 0, 50, 90, 100, 100, 80, 100, 100])
    assert episodes(of) == [(3.0, 6.0, 3.0, ("no fault",)), (9.0, 10.0, 1.0, ("no fault",))]
    seen = course(of, windows_of(of, "source", "users"), [], 0.0, 0.9)
    assert (seen.up_s, seen.down_s, seen.windows_up, seen.windows) == (6.0, 4.0, 6, 10)
    assert [e.failed for e in seen.episodes] == [11 + 100 + 50, 20]
    assert episodes(of, below=0.5) == [(4.0, 5.0, 1.0, ("no fault",))]


def test_windows_without_requests_are_neither_up_nor_down() -> None:
    of = run([100, 0, 0, 0, 0, 100, 100, 100, 100, 100], [100, 100, 0, 0, 100, 100, 100, 100, 100, 100])
    assert episodes(of) == [(3.0, 7.0, 2.0, ("no fault",))]
    seen = course(of, windows_of(of, "source", "users"), [], 0.0, 0.9)
    assert (seen.up_s, seen.down_s) == (6.0, 2.0)


def test_causes_are_faults_in_force_or_shortly_before() -> None:
    """Down from 5 to 7 s; failures may end 1.5 s after their fault."""
    good = [100, 100, 100, 0, 0, 100, 100, 100, 100, 100]

    def causes(*spans: tuple[float, float]) -> tuple[str, ...]:
        [(*_, found)] = episodes(run(good, faults=[("db dies (db-1)", *span) for span in spans]), 1.5)
        return found

    assert causes((6.5, 9.0)) == ("db dies",)
    assert causes((0.0, 3.6)) == causes((6.0, 6.1)) == ("db dies",)
    assert causes((0.0, 3.4)) == causes((7.0, 9.0)) == ("no fault",)


def test_an_episode_that_lasts_says_so() -> None:
    of = run([100] * 8 + [0, 0])
    [last] = course(of, windows_of(of, "source", "users"), [], 0.0, 0.9).episodes
    assert last.lasts and (last.start_s, last.end_s) == (10.0, 12.0)


def test_burn_rates_slide_over_whole_windows() -> None:
    """Objective 99 %: a loss of 1 % burns at 1."""
    windows = windows_of(run([100, 100, 90, 100, 100, 100, 100, 100, 100, 98]), "source", "users")
    ends_s, rates = burn_rates(windows, 0.99, 1.0)
    assert ends_s.tolist() == [*range(3, 13)]
    assert rates == pytest.approx([0, 0, 10, 0, 0, 0, 0, 0, 0, 2])
    ends_s, rates = burn_rates(windows, 0.99, 2.0)
    assert ends_s.tolist() == [*range(4, 13)]
    assert rates == pytest.approx([0, 5, 5, 0, 0, 0, 0, 0, 1])
    assert burn_rates(windows, 0.99, 1e9)[1] == pytest.approx([1.2])
    assert (burn_window_s(3600.0), burn_window_s(120.0)) == (300.0, 10.0)


def test_time_between_downtimes() -> None:
    """Up for 190 s of 200 with two downtimes; none at all is a bound of a third of the time."""
    few = mtbf([90.0, 100.0], [1, 1])
    assert few.value == 95.0
    assert (few.low, few.high) == pytest.approx((190 / 7.2247, 190 / 0.24221), rel=1e-3)
    none = mtbf([100.0, 100.0], [0, 0])
    assert math.isinf(none.value) and none.low == pytest.approx(200 / 2.9957, rel=1e-3)
    assert "a one-sided bound" in none.reason
    assert math.isnan(mtbf([0.0], [1]).value)


OUTAGE = """
scenario: outage
run: {duration: 120s, warmup: 20s, window: 1s, replications: 3}
nodes: {app: {count: 2, cores: 8}}
services:
  web: {nodes: app, instances: 2, endpoints: {page: [{io: 1ms}, {call: stock}], home: [{io: 1ms}]}}
  stock: {nodes: app, instances: 2, io: 1ms}
traffic:
  users: {to: web.page, arrivals: constant(50/s), timeout: 500ms, slo: {latency: 100ms, availability: 99%}}
  robots: {to: web.home, arrivals: constant(50/s)}
failures:
  stock dies: {at: 50s, crash: [stock-1, stock-2], for: 10s}
"""


@pytest.fixture(scope="module")
def outage() -> Results:
    return run_scenario(load_text(OUTAGE, "outage.yaml"))


def test_the_accounts_of_an_outage(outage: Results) -> None:
    """10 of 100 s lost: 500 of 5000 requests, ten times the budget of 1 %; robots do not notice."""
    table = outage.availability()
    users = table.loc["baseline", "source", "users"]
    assert users.good_share == pytest.approx(0.9, abs=0.0005)
    assert users.nines == pytest.approx(1.0, abs=0.002)
    assert users.budget_used == pytest.approx(10.0, abs=0.05)
    assert users.mttr_s == 10.0
    assert users.up_share == 0.9
    assert (users.downtimes, users.causes) == (3, "stock dies ×3")
    assert users.worst_burn_rate == pytest.approx(100.0)
    assert math.isnan(users.mtbf_s) and "on a schedule" in users.notes
    robots = table.loc["baseline", "source", "robots"]
    assert (robots.good_share, robots.downtimes) == (1.0, 0)
    assert math.isinf(robots.mtbf_s) and robots.mtbf_s_low == pytest.approx(300 / 2.9957, rel=1e-3)
    assert math.isnan(robots.budget_used)
    assert [set(of.causes) for of in accounts(outage) if of.downtimes] == [{"stock dies"}] * 3


def test_a_service_is_accounted_for_as_its_callers_see_it(outage: Results) -> None:
    """Half of the calls to web are users', who fail; a dead process refuses, and no stock task sees it."""
    table = outage.availability().xs(("baseline", "service"), level=("variant", "kind"))
    assert table.good_share.to_dict() == pytest.approx({"stock": 0.9, "web": 0.95}, abs=0.0005)
    assert table.downtimes.to_dict() == {"stock": 3, "web": 3}
    episodes = outage.downtime().query("kind == 'service'")
    assert set(episodes.start_s) == {50.0} and set(episodes.end_s) == {60.0}
    assert set(windows_by_thing(outage.runs[0])) >= {("request", "users → web.page"), ("service", "stock")}


def test_an_objective_below_the_threshold_is_the_threshold() -> None:
    """One of two stocks is dead: half is good for ten seconds."""
    text = OUTAGE.replace("crash: [stock-1, stock-2]", "crash: stock-1")
    for objective, downtimes in (("40%", 0), ("60%", 2), ("95%", 2)):
        of = run_scenario(
            load_text(text, "half.yaml", {"traffic.users.slo.availability": objective}), replications=2
        ).availability()
        assert of.loc["baseline", "source", "users"].downtimes == downtimes
    assert of.loc["baseline", "service", "stock"].downtimes == 2


def test_cancelled_calls_are_neither_good_nor_bad() -> None:
    """The slower of two is always cancelled, and none has failed."""
    text = """
scenario: race
run: {duration: 20s, warmup: 5s, replications: 2}
services:
  web: {steps: [{parallel: {of: [{call: fast}, {call: slow}], need: 1, rest: cancel}}]}
  fast: {io: 1ms}
  slow: {io: 50ms}
traffic:
  users: {to: web, arrivals: constant(20/s)}
"""
    results = run_scenario(load_text(text, "race.yaml"))
    assert results.runs[0].scope("call", "web.main → slow.main").cohort.outcomes["cancelled"] > 250
    table = results.availability().xs(("baseline", "service"), level=("variant", "kind"))
    assert table.good_share.fillna(1.0).to_dict() == {"web": 1.0, "fast": 1.0, "slow": 1.0}
    assert table.downtimes.sum() == 0


def test_a_threshold_that_is_no_share_is_refused(outage: Results) -> None:
    with pytest.raises(DsimError, match="down_below: got 90; must be a share above 0 and at most 1"):
        outage.availability(down_below=90)
    with pytest.raises(DsimError, match="over_s: got 0; must be a time in seconds above 0"):
        outage.burn_rate(over_s=0)


def test_burn_rates_of_a_run(outage: Results) -> None:
    table = outage.burn_rate(over_s=20.0)
    assert set(table.source) == {"users"}
    assert table.query("replication == 0 and end_s == 60").burn_rate.item() == pytest.approx(50.0)
    assert table.query("replication == 0 and end_s == 50").burn_rate.item() == 0.0


def test_requests_that_never_end_are_told() -> None:
    """A dead host is silent, and these users wait for ever."""
    text = OUTAGE.replace("crash: [stock-1, stock-2], for: 10s", "crash: app-1, for: 10s").replace(
        "timeout: 500ms, ", ""
    )
    found = accounts(run_scenario(load_text(text, "silent.yaml"), replications=2))
    users = next(of for of in found if of.name == "users")
    assert any("requests never ended" in note for note in users.notes)
    assert users.good_share.value < 0.97


def test_small_windows_are_told() -> None:
    text = OUTAGE.replace("constant(50/s)", "constant(5/s)")
    users = accounts(run_scenario(load_text(text, "few.yaml"), replications=2))[0]
    assert any("make run.window longer" in note for note in users.notes)


@pytest.mark.parametrize(
    "policy, expected_s",
    [
        ("timeout: 500ms", 0.5),
        ("timeout: 1s, retry: {attempts: 3, backoff: {initial: 100ms, factor: 2, max: 150ms}}", 3.25),
        ("timeout: none", 0.2),
    ],
)
def test_patience(policy: str, expected_s: float) -> None:
    text = OUTAGE.replace("timeout: 500ms", policy).replace("{call: stock}", "{call: stock, timeout: 200ms}")
    assert patience_s(plain(load_text(text, "p.yaml").resolve("baseline"))) == pytest.approx(expected_s)
