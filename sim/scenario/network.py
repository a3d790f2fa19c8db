"""Networks of zones: which places there are, and the links between them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from sim.forms.base import MistakeError, inside, unknown
from sim.model import Link, Network, Node, Service, Source
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.links import BetweenForm, link_of
from sim.scenario.machines import PoolForm
from sim.scenario.services import FromForm
from sim.scenario.sites import Seat, Sites, dealt

ZONES_COME_FROM = {"nodes": "zones", "services": "zone", "traffic": "from", "network": "between"}
"""Section, and the key of its entries that names zones."""
MOST_SITES = 2000
"""Racks, and zones with nodes or clients outside all racks."""


class Zones(Sites):
    """Zones of nodes, and of clients that stand outside all nodes: those that `network.between` names too. A node's
    site is its rack, or its zone where that has none; a client's is the zone."""

    def __init__(self, form: ScenarioForm, findings: Findings) -> None:
        super().__init__(form, findings)
        self.zone_of: dict[str, str] = {}
        """By the site of a node."""
        self.clients_in = {source.from_.zone for source in form.traffic.values() if source.from_ and source.from_.zone}
        self.can_judge = not any(
            gone[0] == section and (len(gone) < 3 or key in gone)
            for gone in findings.removed
            for section, key in ZONES_COME_FROM.items()
        )
        """Were all names of zones read?"""
        self.linked = {zone for between in form.network.between for pair in between.pairs() for zone in pair}

    def of_pool(self, name: str, pool: PoolForm) -> list[Seat]:
        if pool.at is not None:
            text = "got vertices, but the network is no graph; add network: {topology: …}, or remove it"
            self.findings.add(self.form, ("nodes", name, "at"), text, ("network",))
        turns = ((i // len(pool.zones), zone) for i, zone in enumerate(dealt(pool)))
        racks = [f"{zone}-rack-{turn % pool.racks + 1}" if pool.racks else None for turn, zone in turns]
        return [self._seat(zone, rack) for zone, rack in zip(dealt(pool), racks, strict=True)]

    def of_host(self, zone: str) -> Seat:
        return self._seat(zone, None)

    def _seat(self, zone: str, rack: str | None) -> Seat:
        site = rack or zone
        if self.zone_of.setdefault(site, zone) != zone:
            text = f"there is a zone {site} and a rack {site}; must be different names; rename the zone"
            self.findings.add(self.form, ("nodes",), text)
        return Seat(zone, site, rack, self.region_of.get(zone))

    @property
    def of_nodes(self) -> set[str]:
        return set(self.zone_of.values())

    @property
    def all(self) -> list[str]:
        return sorted(self.of_nodes | (self.clients_in & self.linked))

    def of_clients(self, where: FromForm) -> str:
        """Raises MistakesError for a vertex, and for a zone that has neither nodes nor a link of its own."""
        if where.zone is None:
            with inside("vertex"):
                raise MistakeError(
                    "got a vertex, but the network is no graph; write zone: a, or add network: {topology: …}"
                )
        if where.zone not in self.of_nodes | self.linked and self.can_judge:
            outside = "clients outside all nodes need their zone in network.between"
            with inside("zone"):
                raise MistakeError(f"{unknown('zone', where.zone, self.of_nodes)}; {outside}")
        return where.zone

    def network(self) -> Network:
        places = self.zone_of | {zone: zone for zone in self.clients_in & set(self.all)}
        if len(places) > MOST_SITES:
            text = f"makes {len(places):,} racks and zones; must be at most {MOST_SITES:,}"
            self.findings.add(self.form, ("nodes",), text)
            return Network()
        same_node = self.form.network.same_node
        return Network(self._general(places) | self._particular(places), same_node.latency if same_node else None)

    def _general(self, places: dict[str, str]) -> dict[tuple[str, str], Link]:
        """Links by what the way between two sites is called; `places` gives the zone of each site."""
        network = self.form.network
        kinds = ("same_rack", "same_zone", "across_zones", "across_regions")
        laws = {kind: link_of(form) for kind in kinds if (form := getattr(network, kind)) is not None}
        links: dict[tuple[str, str], Link] = {}
        sites = sorted(places) if laws else []
        for sender, receiver in product(sites, sites):
            kind = next((kind for kind in self._kinds(sender, receiver, places) if kind in laws), None)
            if kind is not None:
                links[sender, receiver] = laws[kind]
        return links

    def _particular(self, places: dict[str, str]) -> dict[tuple[str, str], Link]:
        """The links of `between`."""
        sites: dict[str, list[str]] = {}
        for site in sorted(places):
            sites.setdefault(places[site], []).append(site)
        links: dict[tuple[str, str], Link] = {}
        given: set[tuple[str, str]] = set()
        for between in self.form.network.between:
            self._check_between(between, given)
            given |= set(between.pairs())
            for sender, receiver in between.pairs():
                links |= dict.fromkeys(product(sites.get(sender, ()), sites.get(receiver, ())), link_of(between))
        return links

    def _kinds(self, sender: str, receiver: str, places: dict[str, str]) -> tuple[str, ...]:
        """What the way between two sites is called, the most telling name first."""
        a, b = places[sender], places[receiver]
        if a == b:
            return ("same_rack", "same_zone") if sender == receiver and sender != a else ("same_zone",)
        same_region = self.region_of.get(a) == self.region_of.get(b)
        return ("across_zones",) if same_region else ("across_regions", "across_zones")

    def _check_between(self, between: BetweenForm, given: set[tuple[str, str]]) -> None:
        for zone in dict.fromkeys(zone for pair in between.pairs() for zone in pair):
            if zone not in self.all and self.can_judge:
                self.findings.add(between, between.location_of(zone), unknown("zone", zone, self.all))
        twice = [pair for pair in between.pairs() if pair in given]
        if twice:
            text = f"the link from {twice[0][0]} to {twice[0][1]} was given before; remove one of the two"
            self.findings.add(between, (), text)

    def check(self, nodes: Iterable[Node], services: Iterable[Service], sources: Iterable[Source]) -> None:
        self._check_regions()
        self._weigh_racks()

    def _check_regions(self) -> None:
        regions = self.form.network.regions
        for region, zones in regions.items() if self.can_judge else ():
            for i, zone in enumerate(zones):
                if zone not in self.all:
                    self.findings.add(self.form, ("network", "regions", region, i), unknown("zone", zone, self.all))
        if regions:
            text = "got regions, but neither links between them nor faults; add across_regions: {latency: 40ms}, or"
            useful = self.form.network.across_regions is not None or bool(self.form.failures)
            self.findings.weigh(self.form, ("network", "regions"), useful, f"{text} remove them")
        for zone in sorted(self.of_nodes - set(self.region_of)) if regions else ():
            text = f"zone {zone} is in no region; add it to one of {', '.join(regions)}, or to a region of its own"
            self.findings.add(self.form, ("network", "regions"), text, ("nodes",), ("services",))

    def _weigh_racks(self) -> None:
        racked = False
        for name, pool in self.form.nodes.items():
            racked |= pool.racks is not None
            most = -(-pool.count // len(pool.zones))
            if pool.racks is not None:
                text = (
                    f"got {pool.racks} racks, but no zone has more than {most} of these nodes; must be at most {most}"
                )
                self.findings.weigh(self.form, ("nodes", name, "racks"), pool.racks <= most, text)
        if self.form.network.same_rack is not None:
            text = "no node stands in a rack; write racks: 2 in a group of nodes, or remove it"
            self.findings.weigh(self.form, ("network", "same_rack"), racked, text)
