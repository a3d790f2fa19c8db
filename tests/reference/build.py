"""Short forms of the machine model for stories: everything constant, nothing random unless asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.distributions import Constant
from sim.failures import Crash, Pause, Slow
from sim.model import (
    FAILURES,
    Balance,
    CallPolicy,
    Concurrency,
    Endpoint,
    Fault,
    Goroutines,
    Instance,
    Link,
    Model,
    Network,
    Node,
    Once,
    Retry,
    RunPlan,
    Service,
    Source,
    Target,
)
from sim.steps.call import Call
from sim.steps.cpu import Cpu
from sim.steps.fail import Fail
from sim.steps.io import Io
from sim.traffic import Arrivals, Trace

FAIL = Fail(1.0)


def cpu(work: float) -> Cpu:
    return Cpu(Constant(work))


def io(wait_s: float) -> Io:
    return Io(Constant(wait_s))


def policy(timeout_s: float | None = None, retry: Retry | None = None, balance: str = "round_robin") -> CallPolicy:
    return CallPolicy(Balance(balance), timeout_s, retry)


def retry(attempts: int, initial_s: float, on: tuple[Any, ...] = FAILURES) -> Retry:
    """Exponential back-off by factor 2 without jitter."""
    return Retry(attempts, initial_s, factor=2.0, max_s=100.0, jitter="none", on=on)


def call(name: str, optional: bool = False, **how: Any) -> Call:
    """`name` is service.endpoint."""
    return Call(*name.split("."), policy=policy(**how), optional=optional)


def service(
    name: str,
    *steps: Any,
    nodes: tuple[str, ...] = ("n",),
    concurrency: Concurrency | None = None,
    cores: float = 100.0,
    **endpoints: tuple[Any, ...],
) -> Service:
    """One instance per entry of `nodes`; `steps` are those of endpoint `e`."""
    handlers = {"e": steps, **endpoints}
    return Service(
        name,
        concurrency or Goroutines(),
        tuple(Instance(f"{name}-{i}", node, cores) for i, node in enumerate(nodes)),
        tuple(Endpoint(endpoint, tuple(own)) for endpoint, own in handlers.items()),
    )


def source(name: str, to: str, arrivals: Arrivals | list[float], zone: str | None = None, **how: Any) -> Source:
    arrivals = Trace(np.array(arrivals)) if isinstance(arrivals, list) else arrivals
    return Source(name, arrivals, (Target(*to.split("."), weight=1.0),), zone, policy(**how))


def node(name: str = "n", cores: float = 100.0, zone: str = "a", speed: float = 1.0) -> Node:
    return Node(name, zone, cores, speed)


def network(seconds: dict[str, float], same_node: float | None = None) -> Network:
    """By pairs of one-letter zones: {"ab": 0.1} is from a to b."""
    links = {(pair[0], pair[1]): Link(Constant(s)) for pair, s in seconds.items()}
    return Network(links, None if same_node is None else Constant(same_node))


def crash(target: str, at_s: float, for_s: float | None = None) -> Crash:
    """A target named like `x-0` is an instance, any other a node."""
    return Crash(f"{target} at {at_s}", "crash", "instance" if "-" in target else "node", target, Once(at_s, for_s))


def pause(target: str, at_s: float, for_s: float | None = None) -> Pause:
    """Of an instance or a node, as with `crash`."""
    return Pause(f"{target} at {at_s}", "pause", "instance" if "-" in target else "node", target, Once(at_s, for_s))


def slow(target: str, factor: float, at_s: float, for_s: float | None = None) -> Slow:
    """Of a node."""
    return Slow(f"{target} at {at_s}", "slow", "node", target, Once(at_s, for_s), factor)


def story(*parts: Any, until_s: float = 100.0, depth_limit: int = 64) -> Model:
    """A model of the parts, in their order; without a node among them it is node `n` with 100 cores in zone a."""
    return Model(
        scenario="story",
        variant="story",
        title="",
        run=RunPlan(until_s, 0.0, 0.0, 1.0, seed=1, replications=1, record="all", depth_limit=depth_limit),
        nodes=tuple(part for part in parts if isinstance(part, Node)) or (node(),),
        network=next((part for part in parts if isinstance(part, Network)), Network()),
        services=tuple(part for part in parts if isinstance(part, Service)),
        sources=tuple(part for part in parts if isinstance(part, Source)),
        faults=tuple(part for part in parts if isinstance(part, Fault)),
    )
