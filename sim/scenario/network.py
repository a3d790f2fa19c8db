"""Which zones there are, and the links between them."""

from __future__ import annotations

from collections.abc import Mapping

from sim.forms.base import MistakeError, unknown
from sim.model import Link, Network, Node
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.machines import BetweenForm

ZONES_COME_FROM = {"nodes": "zones", "services": "zone", "traffic": "from", "network": "between"}
"""Section, and the key of its entries that names zones."""


class Zones:
    """The zones of nodes, and of clients that stand outside all nodes: those that `network.between` names too."""

    def __init__(self, form: ScenarioForm, nodes: Mapping[str, Node], findings: Findings) -> None:
        self.findings = findings
        self.of_nodes = {node.zone for node in nodes.values()}
        self.of_clients = {source.from_.zone for source in form.traffic.values() if source.from_}
        self.can_judge = not any(
            gone[0] == section and (len(gone) < 3 or key in gone)
            for gone in findings.removed
            for section, key in ZONES_COME_FROM.items()
        )
        """Were all names of zones read?"""
        self.linked = {zone for between in form.network.between for pair in between.pairs() for zone in pair}

    @property
    def all(self) -> list[str]:
        return sorted(self.of_nodes | (self.of_clients & self.linked))

    def check_client(self, zone: str) -> None:
        """Raises MistakeError for a zone that has neither nodes nor a link of its own."""
        if zone not in self.of_nodes | self.linked and self.can_judge:
            outside = "clients outside all nodes need their zone in network.between"
            raise MistakeError(f"{unknown('zone', zone, self.of_nodes)}; {outside}")

    def network(self, form: ScenarioForm) -> Network:
        network = form.network
        links = {}
        for sender in self.all:
            for receiver in self.all:
                link = network.same_zone if sender == receiver else network.across_zones
                if link is not None:
                    links[sender, receiver] = Link(link.latency)
        given: set[tuple[str, str]] = set()
        for between in network.between:
            self._check_between(between, given)
            given |= set(between.pairs())
            links |= dict.fromkeys(between.pairs(), Link(between.latency))
        return Network(links, network.same_node.latency if network.same_node else None)

    def _check_between(self, between: BetweenForm, given: set[tuple[str, str]]) -> None:
        for zone in dict.fromkeys(zone for pair in between.pairs() for zone in pair):
            if zone not in self.all and self.can_judge:
                self.findings.add(between, between.location_of(zone), unknown("zone", zone, self.all))
        twice = [pair for pair in between.pairs() if pair in given]
        if twice:
            text = f"the latency from {twice[0][0]} to {twice[0][1]} was given before; remove one of the two"
            self.findings.add(between, (), text)
