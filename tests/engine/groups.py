"""Groups for tests: members on nodes and in zones of their own, with disks and links of constant times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from sim.distributions import Constant, Distribution
from sim.engine import Run, Simulation
from sim.model import (
    Disk,
    Endpoint,
    Goroutines,
    Instance,
    Link,
    Model,
    Network,
    ReplicatedLog,
    Service,
    Source,
)
from sim.steps.replicate import Replicate
from tests.reference.build import node, source, story

MILLISECOND = Constant(0.001)
SIZE = 1000.0


@dataclass(frozen=True)
class Act:
    """At a time a member leads (`leader` is itself), follows somebody, or nobody (None), in a term."""

    at_s: float
    member: int
    term: int
    leader: int | None


FIRST_LEADS = (Act(0.0, 0, 1, 0),)


def name(member: int) -> str:
    return f"etcd-{member}"


def group_of(
    count: int,
    fsync: Distribution | Sequence[Distribution | None] | None = None,
    latency: Distribution | Mapping[tuple[int, int], Distribution] = MILLISECOND,
    log: ReplicatedLog | None = None,
) -> tuple[Any, ...]:
    """Nodes, network and service `etcd` of so many members."""
    laws = fsync if isinstance(fsync, Sequence) else [fsync] * count
    nodes = [
        replace(node(f"m{i}", zone=f"z{i}"), disk=None if law is None else Disk(None, law))
        for i, law in enumerate(laws)
    ]
    ways = {
        (f"z{i}", f"z{j}"): Link(latency[i, j] if isinstance(latency, Mapping) else latency)
        for i in range(count)
        for j in range(count)
        if i != j
    }
    service = Service(
        "etcd",
        Goroutines(),
        tuple(Instance(name(i), f"m{i}", 100.0) for i in range(count)),
        (Endpoint("put", (Replicate(SIZE),)), Endpoint("get", (Replicate(None),))),
        log=log or ReplicatedLog(),
    )
    return (*nodes, Network(ways), service)


def requests(label: str, times: Sequence[float], endpoint: str = "put", timeout_s: float | None = None) -> Source:
    """A source at the door. Of one called `put2` or `get2` all goes to member 2; else members take turns."""
    return source(label, f"etcd.{endpoint}", list(times), timeout_s=timeout_s)


def told(
    model: Model,
    acts: Sequence[Act] = FIRST_LEADS,
    watch: Callable[[Simulation], None] = lambda simulation: None,
) -> tuple[Run, pd.DataFrame, Simulation]:
    """A run in which members learn what `acts` say."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "requests.parquet"
        simulation = Simulation(model, 0, requests_path=path)
        groups = simulation.cluster.groups

        def tell() -> Any:
            for act in sorted(acts, key=lambda act: act.at_s):
                yield simulation.env.at(act.at_s)
                if act.leader == act.member:
                    groups.leads(name(act.member), act.term)
                else:
                    groups.follows(name(act.member), None if act.leader is None else name(act.leader), act.term)

        for client in model.sources:
            if client.name[-1].isdigit():
                simulation.cluster.publish(f"source:{client.name}", "etcd", [name(int(client.name[-1]))])
        simulation.env.process(tell())
        watch(simulation)
        run = simulation.run()
        rows = pd.read_parquet(path).astype({"source": str, "outcome": str})
    rows["end_s"] = rows["intended_s"] + rows["latency_s"]
    return run, rows.sort_values(["source", "index"], ignore_index=True), simulation


def answers(parts: Sequence[Any], acts: Sequence[Act] = FIRST_LEADS, until_s: float = 20.0) -> dict[str, list[Any]]:
    """(outcome, latency in ms) of the requests of each source, in order."""
    run, rows, simulation = told(story(*parts, until_s=until_s), acts)
    assert run.stopped is None
    assert simulation.cluster.groups.lost("etcd") == 0
    found: dict[str, list[Any]] = {}
    for label, outcome, latency_s in zip(rows["source"], rows["outcome"], rows["latency_s"], strict=True):
        found.setdefault(label, []).append((outcome, round(1000.0 * latency_s, 6)))
    return found
