"""Small systems with daemons, built in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sim.distributions import Constant
from sim.engine import Run, Simulation
from sim.engine.cluster import Cluster
from sim.engine.daemons import Daemon
from sim.model import Component, Disk, Model
from sim.scenario import load_text

FILE = """
scenario: small
run: {duration: 30s, warmup: 0s, seed: 3}
nodes:
  a: {zones: [a]}
  b: {zones: [b]}
  c: {zones: [b]}
network:
  same_zone: {latency: 1ms}
  across_zones: {latency: 5ms}
services:
  web: {nodes: a, steps: [{call: api}], calls: {api: {timeout: 1s, balance: round_robin}}}
  api: {nodes: [b, c], instances: 2, concurrency: {threads: {workers: 1}}, cpu: 10ms}
traffic:
  users: {to: web, arrivals: constant(1/s)}
"""


@dataclass(frozen=True)
class Made(Component):
    """A component that a test makes."""

    begin: Callable[[Cluster], Any]
    name: str = "made"

    def start(self, cluster: Cluster) -> None:
        cluster.components["made"] = self.begin(cluster)


class Ears(Daemon):
    """Notes what it hears, and when."""

    def __init__(self, cluster: Cluster, host: str) -> None:
        super().__init__(cluster, host, "ears")
        self.heard: list[tuple[float, Any]] = []

    def note(self, what: Any) -> None:
        self.heard.append((round(self.now, 6), what))

    def started(self) -> None:
        self.note("started")

    def stopping(self) -> None:
        self.note("stopping")

    def crashed(self) -> None:
        self.note("crashed")

    def received(self, sender: str, message: Any) -> None:
        self.note(message)

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        self.note(message)
        self.after(message if isinstance(message, float) else 0.0, reply, "yes")


def model_of(text: str = FILE, **changes: Any) -> Model:
    """The system of a file, whose node b-1 has a disk that takes 10 ms to flush."""
    model = load_text(text, "small.yaml").resolve("baseline")
    disk = Disk(fsync=Constant(0.01))
    nodes = tuple(replace(node, disk=disk) if node.name == "b-1" else node for node in model.nodes)
    return replace(model, **({"nodes": nodes} | changes))


def run_with(begin: Callable[[Cluster], Any], text: str = FILE, **changes: Any) -> tuple[Any, Run]:
    """What `begin` made, and the run."""
    simulation = Simulation(model_of(text, components=(Made(begin),), **changes))
    run = simulation.run()
    return simulation.cluster.components["made"], run
