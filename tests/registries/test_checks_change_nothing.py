"""Checks only watch: the same run, with and without them. (Members hand out messages in a shorter way without.)"""

from __future__ import annotations

from dataclasses import replace

from sim.engine import Run, simulate
from sim.scenario import load_text

FILE = """
scenario: watched
run: {duration: 40s, warmup: 0s, seed: 5}
nodes: {app: {count: 4, zones: [a, b]}, reg: {count: 3, zones: [a, b]}}
network: {same_zone: {latency: exponential(0.5ms)}, across_zones: {latency: exponential(2ms), loss: 1%}}
services:
  web: {nodes: app, steps: [{call: api}], calls: {api: {timeout: 100ms}}}
  api: {nodes: app, instances: 4, cpu: 1ms}
registry: {etcd: {members: 3, nodes: reg, lease: 5s}}
traffic: {users: {to: web, from: {zone: a}, arrivals: poisson(50/s)}}
failures:
  leader: {at: 5s, crash: etcd-1, for: 8s}
  apart: {at: 16s, partition: [{zone: a}, {zone: b}], for: 5s}
  dies: {at: 27s, crash: api-2, for: 8s}
"""


def told(run: Run) -> tuple[object, ...]:
    return run.control.to_numpy().tolist(), run.scope("source", "users").total, run.events


def test_a_run_is_the_same_with_checks_and_without() -> None:
    model = load_text(FILE, "watched.yaml").resolve("baseline")
    plain, watched = simulate(model), simulate(replace(model, checks=("raft", "views")))
    assert told(plain) == told(watched)
    assert {"elected", "expired", "view"} <= set(plain.control["event"])
    assert not watched.violations


def test_a_check_watches_only_where_there_is_something_to_watch() -> None:
    registry = "registry: {etcd: {members: 3, nodes: reg, lease: 5s}}"
    variants = "variants: {etcd: {}, eureka: {registry: {eureka: {nodes: reg}}}}\nbaseline: etcd"
    text = FILE.replace(registry, f"{registry}\nchecks: [views, raft]\n{variants}").replace(
        "etcd-1", "{leader: registry}"
    )
    scenario = load_text(text, "watched.yaml")
    assert scenario.resolve("etcd").checks == ("views", "raft")
    assert scenario.resolve("eureka").checks == ()
