"""What one execution of a handler asks for on average: core time, waiting, calls.

A step counts as often as it is reached: what stands after a step that may fail is reached less often. All branches of
a `parallel` count in full, whether or not a decided join cancels the rest: an upper bound, which is noted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.analysis.failing import EndpointName, Failing, FailingOf, failing_step, failing_steps, rounds, tries
from sim.distributions import Distribution
from sim.model import CallPolicy, Model
from sim.steps.behaviour import Behaviour
from sim.steps.call import Call
from sim.steps.choose import Choose
from sim.steps.cpu import Cpu
from sim.steps.disk import DiskOperation
from sim.steps.fail import Fail
from sim.steps.guard import Guard
from sim.steps.io import Io
from sim.steps.leads import Leads
from sim.steps.lock import Lock
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat


@dataclass(slots=True)
class Edge:
    """Calls along one edge with one policy. `client` is the service or source whose balancer picks the instance.

    `calls` and `attempts` are per execution of the caller, or per request of the source."""

    caller: str
    client: str
    service: str
    endpoint: str
    policy: CallPolicy
    calls: float = 0.0
    attempts: float = 0.0

    @property
    def callee(self) -> EndpointName:
        return self.service, self.endpoint


@dataclass(slots=True)
class Handler:
    """Means over executions, failed ones included. What could not be counted, and what was counted in full although it
    may be cut short, stands in `behaviours`, `cancels`, `infinite` and `unknown`."""

    name: EndpointName
    failing: Failing
    cpu_s: float = 0.0
    """Core-seconds at speed 1."""
    io_s: float = 0.0
    disk: list[tuple[float, DiskOperation]] = field(default_factory=list)
    """How often each operation of the disk is reached."""
    edges: list[Edge] = field(default_factory=list)
    behaviours: list[Behaviour] = field(default_factory=list)
    cancels: bool = False
    """Does a `parallel` cancel branches that are not needed any more?"""
    infinite: set[str] = field(default_factory=set)
    """Kinds of steps with an infinite mean."""
    unknown: set[str] = field(default_factory=set)
    locks: set[str] = field(default_factory=set)
    """Keys of the locks that it waits for."""
    is_elected: bool = False
    """Does the leader of its service run it alone?"""

    @property
    def text(self) -> str:
        return ".".join(self.name)


def handlers(model: Model, failing: FailingOf) -> dict[EndpointName, Handler]:
    """Of every endpoint."""
    found = {}
    for service in model.services:
        for endpoint in service.endpoints:
            name = (service.name, endpoint.name)
            handler = Handler(name, failing[name])
            _Walk(handler, failing).steps(endpoint.steps, 1.0)
            found[name] = handler
    return found


def source_edges(name: str, mix: Mapping[EndpointName, float], policy: CallPolicy, failing: FailingOf) -> list[Edge]:
    """The edges of a source, per request."""
    return [
        Edge(name, f"source {name}", *target, policy, share, share * tries(failing[target], policy).attempts)
        for target, share in mix.items()
    ]


class _Walk:
    """Adds up a handler's steps; `reached` is how often a step is executed, per execution of the handler."""

    def __init__(self, handler: Handler, failing: FailingOf) -> None:
        self.handler = handler
        self.failing = failing
        self.known: dict[tuple[EndpointName, str], Edge] = {}

    def steps(self, steps: Sequence[Any], reached: float) -> None:
        for step in steps:
            if reached > 0.0:
                self.step(step, reached)
            reached *= 1.0 - failing_step(step, self.failing).share

    def step(self, step: Any, reached: float) -> None:
        match step:
            case Cpu():
                self.handler.cpu_s += reached * self._mean(step.work, "cpu")
            case Io():
                self.handler.io_s += reached * self._mean(step.wait, "io")
            case DiskOperation():
                self.handler.disk.append((reached, step))
            case Call():
                edge = self._edge(step)
                edge.calls += reached
                edge.attempts += reached * tries(self.failing[edge.callee], step.policy).attempts
            case Parallel():
                self.handler.cancels |= step.cancel and self._is_decided_early(step)
                for branch in step.branches:
                    self.steps(branch, reached)
            case Choose():
                for weight, branch in zip(step.weights, step.branches, strict=True):
                    self.steps(branch, reached * weight)
            case Repeat():
                goes_on = 1.0 - failing_steps(step.steps, self.failing).share
                self.steps(step.steps, reached * rounds(goes_on, step.times))
            case Behaviour():
                self.handler.behaviours.append(step)
            case Lock():
                self.handler.locks.add(step.key)
                self.steps(step.steps, reached)
            case Leads():
                self.handler.is_elected = True
            case Fail() | Guard():
                pass
            case _:
                self.handler.unknown.add(type(step).__name__)

    def _mean(self, law: Distribution, kind: str) -> float:
        if math.isinf(law.mean()):
            self.handler.infinite.add(kind)
        return law.mean()

    def _is_decided_early(self, step: Parallel) -> bool:
        can_fail = any(failing_steps(branch, self.failing).share > 0.0 for branch in step.branches)
        return step.need < len(step.branches) or can_fail

    def _edge(self, step: Call) -> Edge:
        key = ((step.service, step.endpoint), repr(step.policy))
        if key not in self.known:
            edge = Edge(self.handler.text, self.handler.name[0], step.service, step.endpoint, step.policy)
            self.known[key] = edge
            self.handler.edges.append(edge)
        return self.known[key]
