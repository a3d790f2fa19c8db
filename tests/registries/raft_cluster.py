"""Five Raft members on five nodes, and clients in their processes: a small system built in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sim.distributions import Constant
from sim.engine import Run, Simulation
from sim.engine.cluster import Cluster
from sim.model import Component, Disk
from sim.registries.raft_group import Done, RaftGroup, Timers, etcd_timers
from sim.registries.raft_member import RaftMember, StateMachine
from sim.scenario import load_text

FILE = """
scenario: group
run: {duration: 30s, warmup: 0s, seed: 3}
nodes:
  db: {count: 5, zones: [a]}
network:
  same_zone: {latency: 1ms}
services:
  kv: {nodes: db, instances: 5, cpu: 1ms}
traffic:
  users: {to: kv, from: {zone: a}, arrivals: constant(0.1/s)}
"""
HOSTS = tuple(f"kv-{number}" for number in range(1, 6))
NODES = {f"kv-{number}": f"db-{number}" for number in range(1, 6)}


class Numbers(StateMachine):
    """A list; an entry's result is its place."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def apply(self, index: int, data: Any) -> int:
        self.taken.append(data)
        return len(self.taken)

    def snapshot(self) -> tuple[Any, ...]:
        return tuple(self.taken)

    def restore(self, snapshot: Any) -> None:
        self.taken = list(snapshot or ())


class Story(Component):
    """A group of `size` members to which `acts` (by time in s) happen."""

    name = "group"

    def __init__(self, acts: dict[float, Callable[[Story], Any]], timers: Timers, size: int) -> None:
        self.acts, self.timers, self.size = acts, timers, size
        self.told: list[tuple[float, str, Any]] = []

    def start(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.group = RaftGroup(cluster, "kv", HOSTS[: self.size], self.timers)
        self.members = {host: RaftMember(cluster, host, self.group, Numbers()) for host in self.group.hosts}
        cluster.env.process(self._play())

    def _play(self) -> Any:
        for time_s in sorted(self.acts):
            yield self.cluster.env.at(time_s)
            self.acts[time_s](self)

    def propose(self, host: str, data: Any, timeout_s: float = 5.0) -> None:
        self.members[host].propose(data, self._note(data), timeout_s)

    def read(self, host: str, name: str, timeout_s: float = 5.0) -> None:
        self.members[host].read(self._note(name), timeout_s)

    def _note(self, what: str) -> Callable[[Done], None]:
        return lambda done: self.told.append((round(self.cluster.env.now, 6), what, done.outcome))

    def cut(self, *hosts: str) -> None:
        """These from the others, until `heal`."""
        here = frozenset(NODES[host] for host in hosts)
        there = frozenset(NODES.values()) - here
        self._handles = [self.cluster.impair(here, there, loss=1.0), self.cluster.impair(there, here, loss=1.0)]

    def heal(self) -> None:
        for handle in self._handles:
            self.cluster.mend(handle)

    def taken(self) -> list[list[Any]]:
        return [member.state_machine.taken for member in self.members.values() if member.is_up]


def play(
    acts: dict[float, Callable[[Story], Any]],
    size: int = 5,
    seed: int = 3,
    duration_s: float = 30.0,
    fsync_s: float = 0.001,
    checks: tuple[str, ...] = ("raft",),
    **timers: Any,
) -> tuple[Story, Run]:
    model = load_text(FILE, "group.yaml").resolve("baseline")
    nodes = tuple(replace(node, disk=Disk(fsync=Constant(fsync_s))) for node in model.nodes)
    story = Story(acts, replace(etcd_timers(), **timers), size)
    run = replace(model.run, seed=seed, duration_s=duration_s)
    simulation = Simulation(replace(model, nodes=nodes, components=(story,), run=run, checks=checks))
    result = simulation.run()
    violations = simulation.cluster.violations()
    assert not violations, violations
    return story, result


def lines(run: Run, *events: str) -> list[tuple[float, str, str]]:
    """(time, event, subject) of the group's lines."""
    control = run.control[(run.control["component"] == "kv")]
    return [(line.time_s, line.event, line.subject) for line in control.itertuples() if line.event in events]
