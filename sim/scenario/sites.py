"""Where nodes and clients stand, and what is between: zones and racks, or the vertices of a graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

from sim.model import Network, Node, Service, Source
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.machines import PoolForm
from sim.scenario.services import FromForm


class Seat(NamedTuple):
    """Of a node: the zone, and what `sim.model.Node` says of `site`, `rack` and `region`."""

    zone: str
    site: str
    rack: str | None = None
    region: str | None = None


class Sites(ABC):
    """One variant's places. Nodes take their seats first, in the order of the file; then the rest can be asked."""

    def __init__(self, form: ScenarioForm, findings: Findings) -> None:
        self.form = form
        self.findings = findings
        self.region_of = form.network.region_of
        """By zone."""

    @abstractmethod
    def of_pool(self, name: str, pool: PoolForm) -> list[Seat]:
        """The seats of a group's nodes."""

    @abstractmethod
    def of_host(self, zone: str) -> Seat:
        """The seat of a host of its own."""

    @abstractmethod
    def of_clients(self, where: FromForm) -> str:
        """The site of some clients. Raises MistakeError or MistakesError."""

    @abstractmethod
    def network(self) -> Network:
        """The links; what is wrong with them goes to the findings."""

    @abstractmethod
    def check(self, nodes: Iterable[Node], services: Iterable[Service], sources: Iterable[Source]) -> None:
        """Hold what is written of the network against who stands where and calls whom."""


def dealt(pool: PoolForm) -> list[str]:
    """The zone of each node of a group."""
    return [pool.zones[i % len(pool.zones)] for i in range(pool.count)]
