"""What is measured, and which rows of the kernel's tables add up to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from sim.engine.lowered import Lowered
from sim.engine.run import ScopeKind


@dataclass
class Grouping:
    """Things of one kind. `group[row]` is the number of the thing that a table's row belongs to, -1 for none."""

    kind: ScopeKind
    names: list[str]
    group: np.ndarray

    def add_up(self, values: np.ndarray) -> np.ndarray:
        """Sums by thing. values: shape (rows, …) → shape (things, …)."""
        chosen = self.group >= 0
        total = np.zeros((len(self.names), *values.shape[1:]), values.dtype)
        np.add.at(total, self.group[chosen], values[chosen])
        return total

    def largest(self, values: np.ndarray) -> np.ndarray:
        """The largest value of each thing, -inf without any. values: shape (rows,) → shape (things,)."""
        chosen = self.group >= 0
        found = np.full(len(self.names), -np.inf)
        np.maximum.at(found, self.group[chosen], values[chosen])
        return found

    def rows(self) -> list[np.ndarray]:
        """The rows of each thing, ascending."""
        by_thing = np.argsort(self.group, kind="stable")
        ends = np.searchsorted(self.group[by_thing], np.arange(len(self.names) + 1))
        return [by_thing[start:end] for start, end in pairwise(ends)]


def _grouping(kind: ScopeKind, labels: Iterable[str | None], known: Iterable[str] = ()) -> Grouping:
    """Group rows by label; `known` names things that may have no rows."""
    numbers = {name: number for number, name in enumerate(known)}
    group = [-1 if label is None else numbers.setdefault(label, len(numbers)) for label in labels]
    return Grouping(kind, list(numbers), np.array(group, np.int64))


def stat_groupings(tables: Lowered) -> list[Grouping]:
    """Groupings of the stat rows: server-side rows (instance × endpoint) first, then edges."""
    model, edges, served = tables.model, tables.edges, tables.endpoint_rows
    node_of = {instance.name: instance.node for service in model.services for instance in service.instances}
    no_server: list[Any] = [None] * len(served)
    no_edge: list[Any] = [None] * len(edges)
    return [
        _grouping("source", [*no_server, *(e.caller if e.is_root else None for e in edges)]),
        _grouping("request", [*no_server, *(e.name if e.is_root else None for e in edges)]),
        _grouping("call", [*no_server, *(None if e.is_root else e.name for e in edges)]),
        _grouping("endpoint", [*(endpoint for _, endpoint in served), *no_edge]),
        _grouping("service", [*(endpoint.partition(".")[0] for _, endpoint in served), *no_edge]),
        _grouping("instance", [*(instance for instance, _ in served), *no_edge]),
        _grouping("node", [*(node_of[instance] for instance, _ in served), *no_edge], [n.name for n in model.nodes]),
    ]


def place_groupings(tables: Lowered) -> list[tuple[Grouping, np.ndarray]]:
    """Groupings of the rows of instances, disks and links, with the cores of each thing; a disk and a link have one."""
    model = tables.model
    instances = [instance for service in model.services for instance in service.instances]
    disks = list(tables.disk_row)
    links = [] if tables.wires is None else [f"{sender} → {to}" for sender, to in tables.wires.stations]
    nobody: list[list[Any]] = [[None] * len(things) for things in (instances, disks, links)]
    cores_of_node = {node.name: node.cores for node in model.nodes}
    usable = [min(float(row["cores"]), cores_of_node[i.node]) for row, i in zip(_rows(tables), instances, strict=False)]

    def group(kind: ScopeKind, place: int, names: Iterable[str], known: Iterable[str] = ()) -> Grouping:
        labels = [*nobody[:place], list(names), *nobody[place + 1 :]]
        return _grouping(kind, [label for part in labels for label in part], known)

    return [
        (group("instance", 0, (instance.name for instance in instances)), np.array(usable)),
        (group("node", 0, (i.node for i in instances), cores_of_node), np.array(list(cores_of_node.values()))),
        (group("disk", 1, disks), np.ones(len(disks))),
        (group("link", 2, links), np.ones(len(links))),
    ]


def _rows(tables: Lowered) -> Any:
    return tables.state["instance"][: int(tables.state["instances"])]
