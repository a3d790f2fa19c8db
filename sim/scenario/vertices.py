"""Networks that are graphs: which vertex is whose, and whether everybody reaches whom they call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import cycle, islice

import numpy as np

from sim.forms import MistakeError, MistakesError, inside, listed, unknown
from sim.model import Network, Node, Service, Source
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.idle import calls_in
from sim.scenario.machines import PoolForm
from sim.scenario.services import FromForm
from sim.scenario.sites import Seat, Sites, dealt
from sim.scenario.topologies import Topology

PLACE = ("network", "topology")


class Vertices(Sites):
    """Nodes without `at` take the graph's hosts in turn, those first that no group names; a vertex may have several."""

    def __init__(self, form: ScenarioForm, findings: Findings) -> None:
        super().__init__(form, findings)
        assert form.network.topology is not None
        self.topology = Topology()
        try:
            self.topology = form.network.topology.topology()
        except (MistakeError, MistakesError) as error:
            [name] = form.network.given["topology"]
            findings.add_error(form.network, error, "topology", name)
        named = {vertex for pool in form.nodes.values() for vertex in pool.at or ()}
        free = [host for host in self.topology.hosts if host not in named]
        self.hosts: Iterator[str] = cycle(free or self.topology.hosts or ("nowhere",))

    def of_pool(self, name: str, pool: PoolForm) -> list[Seat]:
        if pool.racks is not None:
            text = "got racks beside a topology, whose vertices say in which rack they are; remove it"
            self.findings.add(self.form, ("nodes", name, "racks"), text, ("network",))
        known = [vertex for vertex in pool.at or () if self._check(name, pool, vertex)]
        sites = islice(cycle(known) if known else self.hosts, pool.count)
        return [self._seat(name, pool, zone, site) for zone, site in zip(dealt(pool), sites, strict=True)]

    def of_host(self, zone: str) -> Seat:
        return self._seat(None, None, zone, next(self.hosts))

    def _seat(self, name: str | None, pool: PoolForm | None, zone: str, site: str) -> Seat:
        vertex = self.topology.vertices.get(site)
        if vertex is None:
            return Seat(zone, site)
        if pool is not None and vertex.zone not in (None, zone) and "zones" in pool.given:
            text = f"got zone {zone} for a node at {site}, which is in zone {vertex.zone} by the graph; remove zones"
            self.findings.add(self.form, ("nodes", str(name), "zones"), text, ("network",))
        zone = vertex.zone or zone
        return Seat(zone, site, vertex.rack, self.region_of.get(zone))

    def _check(self, pool: str, form: PoolForm, vertex: str) -> bool:
        if vertex in self.topology.vertices:
            return True
        assert form.at is not None
        location = ("nodes", pool, "at", form.at.index(vertex))
        if self.topology.vertices:
            self.findings.add(self.form, location, unknown("vertex", vertex, self.topology.vertices), PLACE)
        return False

    def of_clients(self, where: FromForm) -> str:
        if where.vertex is None:
            with inside("zone"):
                host = next(iter(self.topology.hosts), "host-1")
                raise MistakeError(f"got a zone, but the network is a graph; write e.g. vertex: {host}")
        can_judge = bool(self.topology.vertices) and self.findings.can_judge(PLACE)
        if can_judge and where.vertex not in self.topology.vertices:
            with inside("vertex"):
                raise MistakeError(unknown("vertex", where.vertex, self.topology.vertices))
        return where.vertex

    def network(self) -> Network:
        same_node = self.form.network.same_node
        return Network(self.topology.links, same_node.latency if same_node else None, routed=True)

    def check(self, nodes: Iterable[Node], services: Iterable[Service], sources: Iterable[Source]) -> None:
        for sender, receiver in self.topology.links:
            if not np.isfinite(self.topology.links[sender, receiver].latency.mean()):
                text = (
                    f"the latency from {sender} to {receiver} has an infinite mean, by which no shortest way is found"
                )
                self.findings.add(self.form, PLACE, f"{text}; give it a law with a mean")
                break
        self._check_ways(nodes, services, sources)
        for name, pool in self.form.nodes.items():
            for i, vertex in enumerate(pool.at or ()):
                text = f"vertex {vertex} gets no node, since {name} has {pool.count}; write count: {len(pool.at or ())}"
                self.findings.weigh(self.form, ("nodes", name, "at", i), i < pool.count, f"{text}, or remove it")

    def _check_ways(self, nodes: Iterable[Node], services: Iterable[Service], sources: Iterable[Source]) -> None:
        """Whoever calls reaches whom it calls, and is reached by the answer."""
        import networkx as nx

        graph = nx.DiGraph(list(self.topology.links))
        if not graph or nx.is_strongly_connected(graph):
            return
        site_of = {node.name: node.site for node in nodes}
        sites = {
            service.name: {site_of[i.node]: i.name for i in service.instances if i.node in site_of}
            for service in services
        }
        reached: dict[str, set[str]] = {}
        apart = []
        for caller, places, callees in _talks(services, sources, sites):
            for a, b in ((x, y) for callee in callees for x in places for y in sites[callee]):
                for sender, receiver in ((a, b), (b, a)):
                    if sender in graph and sender not in reached:
                        reached[sender] = {sender, *nx.descendants(graph, sender)}
                    if sender != receiver and receiver not in reached.get(sender, {receiver}):
                        apart.append(f"{sender} to {receiver}, but {caller} calls {listed(callees)}")
        ways = list(dict.fromkeys(apart))
        if ways:
            more = f" ({len(ways) - 1} more ways are missing)" if len(ways) > 1 else ""
            text = f"the graph has no way from {ways[0]}{more}; add a link, or put them elsewhere with at:"
            self.findings.add(self.form, PLACE, text, ("nodes",), ("services",), ("traffic",))


def _talks(
    services: Iterable[Service], sources: Iterable[Source], sites: dict[str, dict[str, str]]
) -> Iterator[tuple[str, Iterable[str], list[str]]]:
    """Who calls, from which sites, which services."""
    for source in sources:
        if source.zone is not None:
            yield source.name, [source.zone], sorted({target.service for target in source.targets})
    for service in services:
        callees = {call.service for endpoint in service.endpoints for call in calls_in(endpoint.steps)}
        yield service.name, sites[service.name], sorted(callees)
