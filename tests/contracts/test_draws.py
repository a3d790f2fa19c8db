"""A draw is a function of (seed, name of the stream, position): what is changed elsewhere leaves it alone (contract 2).

In these scenarios requests never compete: waits hold no CPU, instances are alike. So a request's latency is made of its
own draws alone — arrival, mix, network, waits, branches, back-offs — and is compared to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest

from sim.engine import simulate
from sim.engine.run import Run
from sim.scenario.loader import load_text

BASE = """
scenario: draws
run: {duration: 20s, warmup: 0s, drain: 1min, record: all, seed: 5}
nodes: {host: {count: 3, zones: [a], cores: 1000}}
network: {same_zone: {latency: {lognormal: {mean: 1ms, cv: 0.5}}}}
services:
  front:
    nodes: host
    instances: 3
    endpoints:
      buy:
        - io: exponential(10ms)
        - choose: [{weight: 50%, steps: [{io: exponential(20ms)}]}, {weight: 50%, steps: []}]
        - repeat: {times: 2, steps: [{call: back}]}
        - parallel: [{io: exponential(5ms)}, {io: exponential(5ms)}]
        - fail: 5%
      look: [{io: exponential(3ms)}, {call: side}]
  back: {nodes: host, instances: 3, io: exponential(8ms)}
  side: {nodes: host, instances: 3, io: exponential(30ms)}
traffic:
  users: {to: {front.buy: 60%, front.look: 40%}, from: {zone: a}, arrivals: poisson(50/s), balance: random}
"""
FIRST = {"services": "services:\n  added: {nodes: host, instances: 2, cpu: exponential(5ms), io: exponential(5ms)}"}
BUSY = {"traffic": "traffic:\n  others: {to: added, from: {zone: a}, arrivals: poisson(80/s)}"}


def runs(text: str, overrides: Mapping[str, str] | None = None, replication: int = 0) -> tuple[Run, pd.DataFrame]:
    """A run, and the requests of `users` by their number."""
    model = load_text(text, "draws.yaml", overrides or {}).resolve("baseline")
    with TemporaryDirectory() as folder:
        run = simulate(model, replication, requests_path=Path(folder) / "requests.parquet")
        rows = pd.read_parquet(Path(folder) / "requests.parquet")
    assert run.stopped is None
    return run, rows[rows["source"] == "users"].set_index("index").sort_index()


@cache
def base() -> pd.DataFrame:
    return runs(BASE)[1]


def with_more(section_heads: Mapping[str, str]) -> str:
    """The scenario with something put in front of a section, so that every row number behind it moves."""
    text = BASE
    for section, head in section_heads.items():
        assert text.count(f"\n{section}:\n") == 1
        text = text.replace(f"\n{section}:\n", f"\n{head}\n")
    return text


def unchanged(
    rows: pd.DataFrame, columns: tuple[str, ...] = ("intended_s", "latency_s", "outcome", "endpoint")
) -> None:
    """Every request of the cohort is what it was, to the bit."""
    before, after = (frame[frame["intended_s"] <= 20.0] for frame in (base(), rows))
    assert len(before) > 900
    for column in columns:
        assert after[column].astype(before[column].dtype).equals(before[column]), column


ELSEWHERE: dict[str, tuple[str, dict[str, str]]] = {
    "another service": (with_more(FIRST), {}),
    "another service and its traffic": (with_more(FIRST | BUSY), {}),
    "an overload elsewhere": (
        with_more(FIRST | BUSY),
        {"services.added.concurrency": "{threads: {workers: 1, queue: 2}}"},
    ),
    "a crash elsewhere": (with_more(FIRST | BUSY), {"failures": "{added dies: {at: 3s, crash: added-1, for: 5s}}"}),
    "more instances": (BASE, {"services.back.instances": "7"}),
    "another endpoint": (
        BASE.replace("      buy:\n", "      ask: [{io: 1ms}, {call: side}]\n      buy:\n"),
        {"traffic.askers": "{to: front.ask, from: {zone: a}, arrivals: poisson(20/s)}"},
    ),
    "a timeout that nobody reaches": (BASE, {"traffic.users.timeout": "100s"}),
    "shorter windows, a longer run": (BASE, {"run.window": "10ms", "run.duration": "25s"}),
}


@pytest.mark.parametrize("change", ELSEWHERE)
def test_what_happens_elsewhere_changes_no_draw(change: str) -> None:
    text, overrides = ELSEWHERE[change]
    unchanged(runs(text, overrides)[1])


@pytest.mark.parametrize(
    "balance",
    ["round_robin", "least_outstanding", "power_of_two", "{weighted_round_robin: {weights: [1, 2, 3]}}"],
)
def test_another_policy_changes_no_draw(balance: str) -> None:
    """Everywhere: at the source, and between services. Requests go elsewhere, and do the same there."""
    _, rows = runs(BASE, {"traffic.users.balance": balance, "defaults.calls.balance": balance})
    unchanged(rows)
    assert (rows["instance"].astype(str) != base()["instance"].astype(str)).mean() > 0.1


def test_work_on_cores_is_drawn_the_same_way() -> None:
    """CPU instead of waits: rounding depends on who else runs, draws do not."""
    text = BASE.replace("io: exp", "cpu: exp")
    plain, other = (
        runs(text, {"defaults.calls.balance": balance})[1]["latency_s"] for balance in ("random", "least_outstanding")
    )
    assert len(plain) > 900
    np.testing.assert_allclose(plain, other.loc[plain.index], rtol=0, atol=1e-9)


def test_a_retry_changes_its_own_request_only() -> None:
    """`look` calls `side` once; a timeout there sends some of the calls twice."""
    run, rows = runs(BASE, {"services.front.calls": "{side: {timeout: 40ms, retry: {attempts: 2, on: [timeout]}}}"})
    attempts = run.scope("call", "front.look → side.main").attempts
    retried = attempts["started"] - run.scope("call", "front.look → side.main").total.offered
    known = base().index.intersection(rows.index)
    changed = [i for i in known if rows.latency_s[i] != base().latency_s[i]]
    assert {rows.endpoint[i] for i in changed} == {"front.look"}
    assert 80 < len(changed) == retried


def test_a_retry_at_the_source_changes_its_own_request_only() -> None:
    _, rows = runs(BASE, {"traffic.users.timeout": "60ms", "traffic.users.retry": "{attempts: 3}"})
    rows = rows[rows.index.isin(base().index)]  # the others were answered after the base's run had ended
    once, again = rows[rows.attempts == 1], rows[rows.attempts > 1]
    assert len(once) > 400 and len(again) > 200
    assert (once.latency_s == base().latency_s[once.index]).all()
    slow_or_failed = (base().latency_s > 0.06) | (base().outcome == "error")
    assert set(again.index) == set(base().index[slow_or_failed]) & set(rows.index)


def test_requests_of_a_seed_and_of_a_replication_are_their_own() -> None:
    for rows in (runs(BASE, {"run.seed": "6"})[1], runs(BASE, replication=1)[1]):
        common = base().index.intersection(rows.index)
        assert not (rows.latency_s[common] == base().latency_s[common]).any()


def test_the_order_in_the_file_means_nothing() -> None:
    side = "  side: {nodes: host, instances: 3, io: exponential(30ms)}\n"
    text = BASE.replace(side, "").replace("services:\n", "services:\n" + side)
    unchanged(runs(text)[1])


def test_more_users_leave_the_others_alone() -> None:
    """Closed traffic: draws belong to (user, cycle). The answers of three users are among those of five."""
    text = BASE.replace("poisson(50/s)", "{closed: {users: 3, think: exponential(50ms)}}")
    three, five = (set(runs(text.replace("users: 3", f"users: {n}"))[1]["latency_s"]) for n in (3, 5))
    assert len(three) > 300 and len(five) > 1.3 * len(three)
    assert three <= five


# draw: attempt | request ---------------------------------------------------------------------------------------------

RETRIED = """
scenario: retried
run: {duration: 50s, warmup: 0s, drain: 1min, record: all, seed: 9}
services:
  api: {steps: [STEPS]}
  deep: {steps: [{io: exponential(10ms), draw: request}]}
traffic:
  users:
    to: api
    arrivals: poisson(40/s)
    timeout: LIMIT
    retry: {attempts: 4, backoff: {initial: 8ms, factor: 2, max: 1s, jitter: none}}
"""


def retried(steps: str, timeout: str = "10s") -> pd.DataFrame:
    return runs(RETRIED.replace("STEPS", steps).replace("LIMIT", timeout))[1]


def share(condition: pd.Series, expected: float) -> None:
    """Within four standard errors of a binomial."""
    n = len(condition)
    assert abs(condition.mean() - expected) < 4 * (expected * (1 - expected) / n) ** 0.5, f"{condition.mean()} of {n}"


@pytest.mark.parametrize(
    "step",
    [
        "{io: exponential(10ms), draw: DRAW}",
        "{choose: [{weight: 2, steps: []}, {weight: 1, steps: [{io: 99ms}]}], draw: DRAW}",
    ],
)
def test_slow_work_is_drawn_again_or_repeated(step: str) -> None:
    """An attempt in three or so is too slow for its caller."""
    slow = 1 / 3 if "choose" in step else float(np.exp(-1.2))
    repeated = retried(step.replace("DRAW", "request"), timeout="12ms")
    assert set(repeated.attempts[repeated.outcome == "ok"]) == {1}
    assert set(repeated.attempts[repeated.outcome == "timeout"]) == {4}
    share(repeated.outcome == "timeout", slow)
    anew = retried(step.replace("DRAW", "attempt"), timeout="12ms")
    share(anew.outcome == "timeout", slow**4)
    for made in (1, 2, 3):
        share(anew.attempts > made, slow**made)
    assert (anew.attempts[anew.attempts == 1].index == repeated.attempts[repeated.outcome == "ok"].index).all()


def test_failures_are_drawn_again_or_repeated() -> None:
    repeated, anew = (retried(f"{{fail: 30%, draw: {draw}}}") for draw in ("request", "attempt"))
    assert set(repeated.attempts[repeated.outcome == "ok"]) == {1}
    assert set(repeated.attempts[repeated.outcome == "error"]) == {4}
    share(anew.outcome == "error", 0.3**4)


def test_a_kept_draw_stays_the_same_below_a_retried_call() -> None:
    """The source retries the whole request; two calls down, `deep` repeats its wait in every attempt."""
    once = retried("{call: deep}")
    rows = retried("{call: deep}, {fail: 40%}")
    backoffs_s = 0.008 * (2.0 ** (rows.attempts - 1) - 1)
    assert (rows.attempts > 1).sum() > 500
    np.testing.assert_allclose(rows.latency_s - backoffs_s, rows.attempts * once.latency_s[rows.index], atol=1e-9)


def test_a_fresh_draw_has_nothing_to_do_with_the_one_before() -> None:
    """The second attempt's latency is uncorrelated with the first's."""
    first = retried("{io: exponential(10ms)}")
    both = retried("{io: exponential(10ms)}, {fail: 40%}")
    second = (both.latency_s - first.latency_s - 0.008)[both.attempts == 2]
    correlation = np.corrcoef(first.latency_s[second.index], second)[0, 1]
    assert len(second) > 300
    assert abs(correlation) < 4 / len(second) ** 0.5
    assert abs(second.mean() - 0.010) < 4 * 0.010 / len(second) ** 0.5
