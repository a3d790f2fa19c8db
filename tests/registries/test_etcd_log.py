"""Writes and reads of the scenario at an etcd cluster: replicated by the kernel, led by whom its Raft elects."""

from __future__ import annotations

from functools import cache

import pytest

from sim.engine import Run, Simulation
from sim.scenario import load_text

SCENARIO = """
scenario: kv
run: {duration: 40s, warmup: 2s, window: 250ms, replications: 1}
nodes:
  db: {count: 3, cores: 4, disk: {fsync: {lognormal: {mean: 2ms, cv: 0.5}}}}
network: {same_zone: {latency: 0.3ms}}
stores: {config: {etcd: {members: 3, nodes: db}}}
services: {api: {steps: [{cpu: 0.1ms}, {call: config.put}]}}
traffic:
  writers: {to: config.put, arrivals: poisson(200/s), timeout: 300ms}
  readers: {to: config.get, arrivals: poisson(100/s), timeout: 300ms}
  stale: {to: config.get_stale, arrivals: poisson(50/s), timeout: 300ms}
  others: {to: api, arrivals: poisson(10/s)}
checks: [raft]
failures:
  the leader dies: {at: 10s, crash: {leader: config}, for: 5s}
  and two do: {at: 25s, crash: [config-1, config-2], for: 5s}
"""


@cache
def ran() -> tuple[Run, Simulation]:
    scenario = load_text(SCENARIO, "kv.yaml")
    simulation = Simulation(scenario.resolve(scenario.variants[0]))
    return simulation.run(), simulation


def ok_between(source: str, from_s: float, to_s: float) -> int:
    rows = ran()[0].series
    inside = rows["window_start_s"].between(from_s, to_s, inclusive="left")
    return int(rows[(rows["kind"] == "source") & (rows["name"] == source) & inside]["ok"].sum())


def event_s(event: str, after_s: float) -> float:
    return next(at for at, _, what, _, _ in ran()[1].cluster.log if what == event and at > after_s)


@pytest.mark.parametrize("source", ["writers", "readers"])
def test_between_two_leaders_nothing_is_committed(source: str) -> None:
    """From the crash at 10 s until another has committed an entry of its own; two of three then serve on."""
    ready_s = event_s("ready", 10.0)
    assert 10.9 < ready_s < 13.5
    assert ok_between(source, 10.25, ready_s - 0.25) == 0
    assert ok_between(source, ready_s + 0.25, 15.0) > 0.5 * 100 * (15.0 - ready_s - 0.25)


def test_without_a_majority_only_stale_reads_are_answered() -> None:
    assert ok_between("writers", 25.25, 29.75) == ok_between("readers", 25.25, 29.75) == 0
    assert ok_between("stale", 25.25, 29.75) > 0.2 * 50 * 4.5
    assert ok_between("writers", 33.0, 40.0) > 0.95 * 200 * 7.0


def test_no_leader_lacks_what_was_committed() -> None:
    run, simulation = ran()
    assert simulation.cluster.groups.lost("config") == 0
    assert run.stopped is None
