"""What the picture of an architecture says: a box for each source, service and shared node, and the calls between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import networkx as nx

from sim.analysis import Explanation, words
from sim.analysis.explanation import StationLoad
from sim.model import EventLoop, Fault, Model, Node, Service, Threads
from sim.steps.behaviour import Behaviour

NAMES_SHOWN = 4
"""Instances in the box of a node."""
FAULTS_SHOWN = 4
CELLS_APART = 8
"""With more shared nodes than this, those that are alike share a box."""


@dataclass(frozen=True)
class Box:
    """A name and lines below it; a bar for the busiest of its own stations; what is broken in it, and when."""

    name: str
    lines: tuple[str, ...]
    bar: StationLoad | None = None
    broken: tuple[str, ...] = ()
    zone: str = ""
    count: int = 1

    @property
    def is_full(self) -> bool:
        return self.bar is not None and self.bar.limits


def source_key(name: str) -> str:
    return f"source {name}"


def service_key(name: str) -> str:
    return f"service {name}"


def boxes_of(model: Model, found: Explanation) -> dict[str, Box]:
    """Of sources and services, by key."""
    own = _own_hosts(model)
    boxes = {source_key(source.name): _source_box(source.name, model, found) for source in model.sources}
    return boxes | {service_key(service.name): _service_box(service, model, found, own) for service in model.services}


def call_graph(model: Model, found: Explanation) -> nx.DiGraph:
    """Edges carry `rate_per_s`, the attempts at the declared load, or nan where Python decides."""
    graph = nx.DiGraph()
    graph.add_nodes_from(source_key(source.name) for source in model.sources)
    graph.add_nodes_from(service_key(service.name) for service in model.services)
    for call in found.calls:
        caller = service_key(call.caller.partition(".")[0]) if "." in call.caller else source_key(call.caller)
        _add(graph, caller, service_key(call.callee.partition(".")[0]), call.attempts_per_s)
    for service in model.services:
        for step in (step for endpoint in service.endpoints for step in endpoint.steps):
            if isinstance(step, Behaviour):
                for made in step.calls:
                    _add(graph, service_key(service.name), service_key(made.service), float("nan"))
    return graph


def node_cells(model: Model, found: Explanation) -> list[Box]:
    """Of the nodes that services share, in the order of their zones; alike ones together where they are many."""
    own = _own_hosts(model)
    cells = [_node_box(node, model, found) for node in model.nodes if node.name not in own]
    zones = list(dict.fromkeys(cell.zone for cell in cells))
    cells.sort(key=lambda cell: zones.index(cell.zone))
    return cells if len(cells) <= CELLS_APART else list(_together(cells, model))


def _add(graph: nx.DiGraph, caller: str, callee: str, rate_per_s: float) -> None:
    known = graph.get_edge_data(caller, callee, {"rate_per_s": 0.0})["rate_per_s"]
    graph.add_edge(caller, callee, rate_per_s=known + rate_per_s)


def _own_hosts(model: Model) -> dict[str, str]:
    """Hosts that a service without `nodes` has to itself, and whose they are."""
    return {
        instance.node: service.name
        for service in model.services
        for number, instance in enumerate(service.instances, 1)
        if instance.node == f"{service.name}-host-{number}"
    }


def _source_box(name: str, model: Model, found: Explanation) -> Box:
    source = found.source(name)
    load = f"{source.users:,} users" if source.users is not None else words.rate(source.rate_per_s)
    arrivals = "closed, at most " + words.rate(source.rate_per_s) if source.users is not None else source.arrivals
    zone = next(s.zone for s in model.sources if s.name == name)
    return Box(name, (load, arrivals, *([f"from zone {zone}"] if zone is not None else [])))


def _service_box(service: Service, model: Model, found: Explanation, own: dict[str, str]) -> Box:
    names = {instance.name for instance in service.instances}
    hosts = {instance.node for instance in service.instances if own.get(instance.node) == service.name}
    mine = [s for s in found.stations if s.name in (hosts if s.kind == "node" else names)]
    bar = max(mine, key=lambda station: (station.limits, station.utilization), default=None)
    struck = [(f, n) for f in model.faults for n in _struck(f, names, hosts)]
    several = f"{len(service.instances):,} × " if len(service.instances) > 1 else ""
    lines = (several + _concurrency(service), _where(service, hosts))
    return Box(service.name, lines, bar, _first_few([_broken(*of) for of in struck]))


def _struck(fault: Fault, names: set[str], hosts: set[str]) -> Iterator[str]:
    yield from (name for name in fault.instances if name in names)
    yield from (name for name in fault.nodes if name in hosts)


def _concurrency(service: Service) -> str:
    match service.concurrency:
        case Threads(workers=workers, queue=queue):
            bound = "" if queue is None else f", queue {queue:,}"
            return f"{workers:,} thread{'s' if workers > 1 else ''}{bound}"
        case EventLoop():
            return "event loops" if len(service.instances) > 1 else "event loop"
        case _:
            return "goroutines"


def _where(service: Service, hosts: set[str]) -> str:
    if hosts:
        return "a host of its own" if len(hosts) == 1 else f"{len(hosts):,} hosts of its own"
    nodes = list(dict.fromkeys(instance.node for instance in service.instances))
    return "on " + (" and ".join(nodes) if len(nodes) <= 2 else f"{nodes[0]} … {nodes[-1]} ({len(nodes)})")


def _node_box(node: Node, model: Model, found: Explanation) -> Box:
    speed = "" if node.speed == 1.0 else f", speed {words.number(node.speed)}"
    cores = f"{words.number(node.cores)} core{'s' if node.cores != 1 else ''}{speed}"
    instances = [i.name for service in model.services for i in service.instances if i.node == node.name]
    more = len(instances) - NAMES_SHOWN
    shown = [*instances[: NAMES_SHOWN - 1], f"and {more + 1} more"] if more > 0 else instances
    faults = [f for f in model.faults if node.name in f.nodes]
    broken = _first_few([_broken(fault, "") for fault in faults])
    return Box(node.name, (cores, *(shown or ["idle"])), found.station(node.name), broken, node.zone)


def _together(cells: Sequence[Box], model: Model) -> Iterator[Box]:
    """Neighbours that hold the same services and are equally busy as one box."""
    services = {
        node.name: tuple(s.name for s in model.services for i in s.instances if i.node == node.name)
        for node in model.nodes
    }

    def look(box: Box) -> tuple[object, ...]:
        assert box.bar is not None
        busy = words.percentage(box.bar.utilization), box.bar.limits
        return box.zone, box.lines[0], services[box.name], busy, box.broken

    for _, group in groupby(cells, key=look):
        same = list(group)
        if len(same) == 1:
            yield same[0]
            continue
        held = services[same[0].name]
        more = len(held) - NAMES_SHOWN
        shown = (*held[: NAMES_SHOWN - 1], f"and {more + 1} more") if more > 0 else held or ("idle",)
        name = f"{same[0].name} … {same[-1].name}" if len(same) > 2 else f"{same[0].name}, {same[1].name}"
        yield replace(same[0], name=name, lines=(f"{len(same)} × {same[0].lines[0]}", *shown), count=len(same))


def _first_few(broken: Sequence[str]) -> tuple[str, ...]:
    """As many as a box has room for."""
    more = len(broken) - FAULTS_SHOWN
    return (*broken[: FAULTS_SHOWN - 1], f"and {more + 1} more") if more > 0 else tuple(broken)


def _broken(fault: Fault, name: str) -> str:
    return f"{name} {fault.condition} {words.when(fault.when)}".strip()


def rows_of(items: Iterable[Box]) -> list[tuple[str, list[Box]]]:
    """Cells by zone."""
    return [(zone, list(group)) for zone, group in groupby(items, key=lambda box: box.zone)]
