"""Chaos of every kind on systems of every transport: no run breaks an invariant, and nothing dead answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from sim.engine import Simulation
from sim.failures import Partition
from sim.failures.chaos import drawable
from sim.model import Fault, Model, Once
from sim.scenario import load_text
from tests.swarm.conservation import accounts_of, unbalanced

TRANSPORTS = ("ideal", "udp", "tcp", "{tcp: {max_connections: 4}}")
CONCURRENCY = ("goroutines", "event_loop", "{threads: {workers: 4, queue: 6}}")


def model_of(seed: int) -> Model:
    """Three zones with links that lose, jitter and fill, memory and disks, retries and races; chaos of all kinds. One
    seed draws all, and so replays it."""
    rng = random.Random(seed)
    transport = rng.choice(TRANSPORTS)
    idle = {"clock_jump"} if "tcp" in transport else {"clock_jump", "dns_outage"}
    weights = ", ".join(f"{kind}: {rng.randint(1, 5)}" for kind in drawable() if kind not in idle)
    text = f"""
scenario: swarm
run: {{duration: 20s, warmup: 2s, drain: 5s, record: all, seed: {seed}}}
nodes:
  app: {{count: 4, zones: [a, b], cores: 2, memory: 1GB}}
  db: {{count: 2, zones: [b, c], cores: 2, disk: {{access: 1ms}}}}
network:
  same_node: {{latency: 20us}}
  same_zone: {{latency: 200us}}
  across_zones: {{latency: 2ms, jitter: exponential(1ms), loss: 1%, bandwidth: 20Mbps}}
  transport: {transport}
defaults:
  calls: {{balance: {rng.choice(("round_robin", "power_of_two"))}, timeout: 80ms, retry: {{attempts: 3}}}}
services:
  web:
    nodes: app
    instances: 4
    concurrency: {rng.choice(CONCURRENCY)}
    memory: {{base: 100MB, per_request: 1MB}}
    start: {{boot: exponential(300ms)}}
    steps: [{{cpu: exponential(2ms)}}, {{parallel: {{of: [{{call: kv}}, {{call: kv}}], need: 1, rest: cancel}}}}]
  kv:
    nodes: db
    instances: 2
    concurrency: {rng.choice(CONCURRENCY)}
    steps: [{{cpu: exponential(2ms)}}, {{disk: 4kB}}]
traffic:
  far: {{to: web, from: {{zone: a}}, arrivals: poisson(60/s), timeout: 300ms, retry: {{attempts: 2}}}}
  door: {{to: web, arrivals: poisson(40/s), timeout: 300ms}}
chaos: {{mix: {{{weights}}}, every: exponential(500ms), lasting: exponential({rng.choice((300, 1000, 3000))}ms)}}
"""
    return load_text(text, f"swarm {seed}").resolve("baseline")


def struck(model: Model) -> Iterator[tuple[Fault, float, float]]:
    """Each fault with its time; all have one."""
    for fault in model.faults:
        assert isinstance(fault.when, Once)
        assert fault.when.for_s is not None
        yield fault, fault.when.at_s, fault.when.at_s + fault.when.for_s


def dead_that_answer(model: Model, ok: pd.DataFrame) -> Iterator[str]:
    """A request that stands at the door is at its instance from its beginning to its end: it is not ok if that died
    meanwhile, nor if it was dead all the time. (What comes to a dead host is sent again by some transports.)"""
    host_of = {i.name: i.node for service in model.services for i in service.instances}
    door = ok[ok["source"] == "door"]
    for fault, at_s, until_s in struck(model):
        if fault.kills:
            gone = {
                name
                for name, host in host_of.items()
                if ("instance", name) in fault.takes_down or ("node", host) in fault.takes_down
            }
            hit = door["instance"].isin(gone)
            end_s = door["intended_s"] + door["latency_s"]
            killed = (door["intended_s"] < at_s) & (end_s > at_s)
            unborn = (door["intended_s"] >= at_s) & (end_s <= until_s)
            yield from (f"{fault.name}: request {index} is ok" for index in door["index"][hit & (killed | unborn)])


def heard_through_a_cut(model: Model, ok: pd.DataFrame) -> Iterator[str]:
    """A request that begins and ends while its clients and its instance are apart, in either direction, is not ok."""
    host_of = {i.name: i.node for service in model.services for i in service.instances}
    far = ok[ok["source"] == "far"]
    for fault, at_s, until_s in struck(model):
        if isinstance(fault, Partition):
            cut = {
                place
                for way in fault.ways
                for ends in ((way.senders, way.receivers), (way.receivers, way.senders))
                if "source:far" in ends[0]
                for place in ends[1]
            }
            within = (far["intended_s"] >= at_s) & (far["intended_s"] + far["latency_s"] <= until_s)
            apart = far["instance"].map(host_of).isin(cut)
            yield from (f"{fault.name}: request {index} is ok" for index in far["index"][within & apart])


def check(seed: int, folder: Path) -> None:
    """Calls and tasks are not held against each other: networks lose messages, and refuse before a task is there."""
    model = model_of(seed)
    simulation = Simulation(model, requests_path=folder / "rows.parquet")
    accounts = accounts_of(simulation, simulation.run())
    ok = accounts.rows[accounts.rows["outcome"] == "ok"]
    balance = [sentence for sentence in unbalanced(accounts) if not sentence.startswith("edges_and_endpoints")]
    wrong = [*balance, *dead_that_answer(model, ok), *heard_through_a_cut(model, ok)]
    assert len(simulation.fault_episodes) > 15
    assert len(ok) > 200
    assert not wrong, f"seed {seed}: {wrong[:5]}"


@pytest.mark.parametrize("seed", range(4))
def test_invariants_under_chaos(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 60))
def test_invariants_under_more_chaos(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)
