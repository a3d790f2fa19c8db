"""Handlers written as SimPy generators: exact times, where everything is deterministic."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sim.engine import Simulation
from sim.plugins import load_plugin
from sim.scenario.loader import load_text
from tests.swarm.invariants import broken

HANDLERS = Path(__file__).parent / "handlers.py"
SCENARIO = """
scenario: behaviours
run: {duration: 1s, warmup: 0s, drain: 5s, record: all}
services:
  shop:
    cores: 8
    endpoints: {main: {behaviour: "handlers:HANDLER", calls: [CALLS]}}
  store: {endpoints: {write: [{cpu: 5ms}], fail: [{io: 2ms}, {fail: 100%}]}}
  audit: {io: 7ms}
traffic:
  users: {to: shop, arrivals: constant(RATE/s)}
"""
ORDER_S = 0.002 + 0.005 + 0.003
"""What an order takes until it may fail."""


@pytest.fixture(autouse=True)
def _plugin() -> None:
    load_plugin(HANDLERS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where requests are recorded."""
    return tmp_path


class Story:
    """A finished run: its rows by number, and the simulation as it stands."""

    def __init__(self, folder: Path, handler: str, calls: str = "", rate: int = 10, **changes: str) -> None:
        text = SCENARIO.replace("HANDLER", handler).replace("CALLS", calls).replace("RATE", str(rate))
        model = load_text(text, "behaviours.yaml", {k.replace("__", "."): v for k, v in changes.items()}).resolve(
            "baseline"
        )
        self.simulation = Simulation(model, requests_path=folder / "rows", slice_events=20)
        self.broken: list[str] = []
        self.simulation.env.on_look = lambda: self.broken.extend(broken(self.simulation.tables))
        self.run = self.simulation.run()
        assert not self.broken
        assert not broken(self.simulation.tables)
        rows = pd.read_parquet(folder / "rows").set_index("index").sort_index()
        self.rows = rows[rows["intended_s"] <= model.run.duration_s]
        self.outcomes = [str(outcome) for outcome in self.rows["outcome"]]
        self.latencies_s = self.rows["latency_s"].tolist()
        self.ends_s = (self.rows["intended_s"] + self.rows["latency_s"]).tolist()

    def takes(self, latency_s: float) -> None:
        """Every request does."""
        assert len(self.latencies_s) >= 10
        assert self.latencies_s == pytest.approx([latency_s] * len(self.latencies_s), abs=1e-12)


def test_goroutines(folder: Path) -> None:
    """Nobody waits for anybody: each takes what its steps take, overlapping or not."""
    story = Story(folder, "order", "store.write", rate=100, services__store__cores="8")
    assert len(story.rows) == 100
    fails = [index % 3 == 2 for index in story.rows.index]
    assert story.outcomes == ["error" if fail else "ok" for fail in fails]
    assert story.latencies_s == pytest.approx([ORDER_S + (0.0 if fail else 0.001) for fail in fails], abs=1e-12)


def test_thread_pool(folder: Path) -> None:
    """One worker is held for the whole handler, its waits included: a queue, by Lindley's recursion."""
    story = Story(folder, "order", "store.write", rate=100, services__shop__concurrency="{threads: {workers: 1}}")
    ended_s, expected_s = 0.0, []
    for index, intended_s in story.rows["intended_s"].items():
        ended_s = max(ended_s, intended_s) + ORDER_S + (0.0 if index % 3 == 2 else 0.001)
        expected_s.append(ended_s)
    assert expected_s[-1] > 1.05
    assert story.ends_s == pytest.approx(expected_s, abs=1e-9)


def test_bounded_queue_sheds(folder: Path) -> None:
    """Three at once every 100 ms: one runs, one waits, one is shed."""
    story = Story(
        folder,
        "order",
        "store.write",
        services__shop__concurrency="{threads: {workers: 1, queue: 1}}",
        traffic__others="{to: shop, arrivals: constant(10/s)}",
        traffic__third="{to: shop, arrivals: constant(10/s)}",
    )
    at_once = story.rows.groupby("intended_s")["outcome"].apply(lambda outcomes: (outcomes == "shed").sum())
    assert set(at_once) == {1}
    shed = story.rows[story.rows["outcome"] == "shed"]
    assert set(shed["latency_s"]) == {0.0}


def test_event_loop(folder: Path) -> None:
    """Two requests at the same time: bursts one after the other, waits side by side."""
    story = Story(
        folder,
        "order",
        "store.write",
        services__shop__concurrency="event_loop",
        services__shop__cores="1",
        services__store__cores="8",
        traffic__others="{to: shop, arrivals: constant(10/s)}",
    )
    latencies = {name: rows["latency_s"].tolist() for name, rows in story.rows.groupby("source", observed=True)}
    assert latencies["users"][:2] == pytest.approx([ORDER_S + 0.001] * 2, abs=1e-12)
    assert latencies["others"][:2] == pytest.approx([ORDER_S + 0.003] * 2, abs=1e-12)


def test_all_of_takes_as_long_as_the_longest(folder: Path) -> None:
    Story(folder, "all_of", "store.write, audit").takes(0.008)


def test_any_of_goes_on_with_the_first(folder: Path) -> None:
    story = Story(folder, "any_of", "audit")
    story.takes(0.005)
    calls = story.run.scope("call", "shop.main → audit.main").total
    assert calls.outcomes["ok"] + calls.unfinished == calls.offered == 10


def test_bursts_of_one_handler_share_its_cores(folder: Path) -> None:
    Story(folder, "two_bursts").takes(0.004)
    Story(folder, "two_bursts", services__shop__cores="1").takes(0.006)


def test_a_call_answers_with_its_outcome(folder: Path) -> None:
    """Errors, and time-outs of one millisecond."""
    Story(folder, "outcomes", "store.fail").takes(4 * 0.012)
    hurried = Story(folder, "outcomes", "{call: store.fail, timeout: 1ms}")
    hurried.takes(4 * 0.101)
    again = Story(
        folder, "outcomes", "{call: store.fail, retry: {attempts: 3, backoff: {initial: 1ms, factor: 2, jitter: none}}}"
    )
    again.takes(4 * (3 * 0.002 + 0.001 + 0.002 + 0.010))


def test_the_clock_and_things_that_have_happened(folder: Path) -> None:
    story = Story(folder, "clock")
    assert story.outcomes == ["ok"] * 10
    story.takes(0.005)


def test_a_process_of_its_own(folder: Path) -> None:
    Story(folder, "nested").takes(0.005)


def test_draws_are_the_attempts_own(folder: Path) -> None:
    """The same in every run, whoever else is there; other ones for each request, and uniform."""
    alone, beside = (
        Story(folder, "drawn", rate=1000, **more).rows
        for more in ({}, {"traffic__others": "{to: shop, arrivals: constant(77/s)}"})
    )
    beside = beside[beside["source"] == "users"]
    assert alone["latency_s"].tolist() == beside["latency_s"].tolist()
    assert alone["latency_s"].nunique() == 1000
    assert alone["latency_s"].mean() == pytest.approx(0.001, abs=4 * 0.001 / (6 * 1000) ** 0.5)


@pytest.mark.parametrize(
    "handler, calls", [("order", "store.write"), ("all_of", "store.write, audit"), ("stubborn", "")]
)
@pytest.mark.parametrize("concurrency", ["goroutines", "{threads: {workers: 2}}", "event_loop"])
@pytest.mark.parametrize("at_ms", [501, 504, 507.5])
def test_a_crash_while_it_works_or_waits(
    folder: Path, handler: str, calls: str, concurrency: str, at_ms: float
) -> None:
    """The request that arrived at 500 ms is in its burst, in its call or in its wait when the process dies."""
    story = Story(
        folder,
        handler,
        calls,
        services__shop__concurrency=concurrency,
        services__shop__cores="1",
        failures=f"{{shop dies: {{at: {at_ms}ms, crash: shop-1, for: 150ms}}}}",
    )
    hit = [
        n for n, t in enumerate(story.rows["intended_s"]) if t < at_ms / 1000 and (handler == "stubborn" or t > 0.45)
    ]
    refused = [n for n, t in enumerate(story.rows["intended_s"]) if at_ms / 1000 < t < at_ms / 1000 + 0.15]
    assert len(hit) >= 1 and len(refused) >= 1
    for n in hit:
        assert (story.outcomes[n], story.ends_s[n]) == ("reset", pytest.approx(at_ms / 1000, abs=1e-12))
    for n in refused:
        assert (story.outcomes[n], story.latencies_s[n]) == ("refused", 0.0)
    others = set(range(len(story.rows))) - set(hit) - set(refused)
    assert {story.outcomes[n] for n in others} <= {"ok", "error", "unfinished"}
    assert story.run.scope("instance", "shop-1").total.outcomes["killed"] == len(hit)


def test_a_crash_of_the_host_is_silence(folder: Path) -> None:
    story = Story(
        folder,
        "order",
        "store.write",
        services__shop__nodes="host",
        nodes="{host: {count: 1, cores: 8}}",
        traffic__users__timeout="30ms",
        failures="{host dies: {at: 504ms, crash: host, for: 150ms}}",
    )
    for n in (4, 5):
        assert (story.outcomes[n], story.latencies_s[n]) == ("timeout", pytest.approx(0.030, abs=1e-12))
    assert set(story.outcomes) == {"ok", "error", "timeout"}


def test_a_cancelled_handler_stops(folder: Path) -> None:
    """A race in front of it: the loser is told to stop, its generator is gone, and so are its operations."""
    story = Story(
        folder,
        "order",
        "store.write",
        services__front="{steps: [{parallel: {need: 1, rest: cancel, of: [{call: shop}, {io: 4ms}]}}]}",
        traffic__users__to="front",
    )
    story.takes(0.004)
    served = story.run.scope("service", "shop").total
    assert (served.outcomes["cancelled"], served.outcomes["ok"]) == (10, 0)
    assert story.run.scope("call", "shop.main → store.write").total.outcomes["cancelled"] == 10
