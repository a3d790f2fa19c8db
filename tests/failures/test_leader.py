"""Faults that strike whoever leads: the same entry under every kind of registry."""

from __future__ import annotations

import pytest

from sim.engine import Run, simulate
from sim.failures.leader import AtLeader
from sim.scenario import load_text

FILE = """
scenario: s
run: {duration: 60s, warmup: 0s, drain: 1s, window: 10s}
nodes: {app: {count: 3}, control: {count: 3, disk: {fsync: 1ms}}}
network: {same_zone: {latency: 1ms}}
services:
  api: {nodes: app, instances: 3, io: 1ms}
registry: {etcd: {nodes: control}}
stores: {locks: {etcd: {members: 5, nodes: control}}}
traffic: {users: {to: api, from: {zone: default}, arrivals: constant(20/s)}}
failures: {leader: {at: 20s, crash: {leader: registry}, for: 10s}}
"""


def run_with(fault: str = "", registry: str = "{etcd: {nodes: control}}") -> Run:
    overrides = {"registry": registry} | ({"failures": f"{{x: {{{fault}}}}}"} if fault else {})
    return simulate(load_text(FILE, "s.yaml", overrides).resolve("baseline"))


def died(run: Run) -> list[str]:
    return run.control.query("component == 'truth' and event == 'down'")["subject"].tolist()


def test_the_leader_dies_and_another_is_elected() -> None:
    run = run_with()
    elected = run.control.query("component == 'etcd' and event == 'elected'")["subject"].tolist()
    assert died(run) == elected[:1]
    assert len(elected) == 2 and elected[1] != elected[0]
    assert run.control.query("event == 'up'")["time_s"].tolist() == [30.0]


def test_who_leads_is_asked_when_it_strikes() -> None:
    """The second time it is the one that was elected after the first, not the one that led at the start."""
    run = run_with("crash: {leader: etcd}, mtbf: 15s, mttr: 5s")
    elected = run.control.query("component == 'etcd' and event == 'elected'")["subject"].tolist()
    assert len(died(run)) >= 2
    assert died(run)[:2] == elected[:2]


def test_a_store_has_a_leader_of_its_own() -> None:
    run = run_with("crash: {leader: locks}, at: 20s, for: 10s")
    [dead] = died(run)
    assert dead.startswith("locks-")


def test_faults_of_nodes_strike_where_it_stands() -> None:
    """`slow_disk` strikes nodes: the one of the leader."""
    model = load_text(FILE, "s.yaml", {"failures": "{x: {at: 20s, slow_disk: {leader: registry}, factor: 0.1}}"})
    [fault] = model.resolve("baseline").faults
    assert isinstance(fault, AtLeader) and fault.part is not None
    assert (fault.part.target_kind, fault.part.target) == ("node", "control-1")
    assert [name for name, _, _ in run_with("slow_disk: {leader: registry}, at: 20s, factor: 0.1").faults] == ["x"]


@pytest.mark.parametrize("registry", ["static", "dns", "eureka"])
def test_where_nobody_leads_nothing_is_struck(registry: str) -> None:
    """The log says so, and there is no episode."""
    run = run_with(registry=registry)
    assert died(run) == [] and run.faults == []
    told = run.control.query("event == 'not_struck'")
    assert told[["component", "subject", "detail"]].values.tolist() == [["faults", "leader", "the leader of registry"]]
