"""The kernel's tables for one replication, and what their rows are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.distributions import Distribution, DistributionTable
from sim.engine.devices import check_room
from sim.engine.wires import Wires, wire_address
from sim.kernel.hooks import forget, set_array
from sim.model import CallPolicy, Model


@dataclass
class Edge:
    """An edge under construction: one caller endpoint (or source) to one callee endpoint with one policy."""

    caller: str
    service: str
    endpoint: str
    policy: CallPolicy
    name: str
    channel: int
    slo_s: float = float("inf")
    is_root: bool = False
    probe: str = ""
    """Of the control plane: the probe's name."""


@dataclass
class Lowered:
    """The kernel's tables for one replication, and what their rows are called."""

    state: Any
    """The kernel's state as a record."""
    entry: Any
    """The state as the kernel's entry points take it."""
    laws: DistributionTable
    data: np.ndarray
    bins: np.ndarray
    model: Model
    replication: int
    sites: dict[str, int]
    edges: list[Edge]
    endpoint_rows: list[tuple[str, str]]
    """(instance, "service.endpoint") of each server-side stat row, in order; edges' stat rows follow."""
    instance_row: dict[str, int]
    node_row: dict[str, int]
    disk_row: dict[str, int]
    """Instance row of each node's disk, by the node's name."""
    behaviours: list[tuple[Any, list[int]]]
    """Generator functions, and the program rows of the calls that each may make."""
    policies: list[str]
    clients: dict[str, dict[str, list[int]]]
    """By client (an instance, or `source:NAME`) and service, the channels whose view follows what it is told."""
    probe_row: dict[str, int]
    """Edges of probes, by name."""
    wires: Wires | None = None
    """Where messages take more than their latencies."""

    def add_law(self, law: Distribution) -> int:
        """The row of a distribution that may not have been known before."""
        row = self.laws.add(law)
        self.renew_laws()
        return row

    def renew_laws(self) -> None:
        """Let the tables have all distributions there are now."""
        rows = self.laws.rows()
        check_room("distribution", len(rows))
        self.state.distribution[: len(rows)] = rows
        forget(self.data)
        self.data = self.laws.data()
        set_array(self.state, "data", self.data)

    def lay_wires(self) -> Wires:
        """From now on messages take the wire."""
        address = wire_address()
        wires = Wires(self.state, self.model, self.sites, self.laws)
        self.renew_laws()
        self.state.instances += len(wires.stations)
        self.state.wire = address
        self.wires = wires
        return wires

    def release(self) -> None:
        """Give the tables' memory back; a run and its processes refer to each other, and would keep it for a while."""
        self.state = self.entry = None
        forget(self.data, self.bins)
        self.data = self.bins = np.empty(0)
