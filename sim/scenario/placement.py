"""Where everything stands: nodes from pools, instances spread over them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence

from sim.forms import MistakeError, MistakesError, inside, listed
from sim.forms.base import Mistake, read_each, unknown
from sim.model import Instance, Node
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.machines import PoolForm
from sim.scenario.services import ServiceForm
from sim.scenario.sites import Sites

DEFAULT_ZONE = "default"
NOWHERE = Node("nowhere", DEFAULT_ZONE, 1e9)
"""Stands in for nodes that do not exist, so that the rest can be judged."""


class Placement:
    """Nodes and instances of a scenario, placed service by service in the order of the file."""

    def __init__(self, form: ScenarioForm, sites: Sites, findings: Findings) -> None:
        self.findings = findings
        self.sites = sites
        self.pools = {name: pool_nodes(name, pool, sites) for name, pool in form.nodes.items()}
        self.nodes: dict[str, Node] = {node.name: node for pool in self.pools.values() for node in pool}
        self.load: Counter[str] = Counter()
        """Instances on each node, by its name."""
        self.lent: set[str] = set()
        """Groups of nodes on which registries and stores stand."""
        self.flushed: set[str] = set()
        """Those of them whose disks are flushed to."""
        self.instances = {name: self._instances(name, service) for name, service in form.services.items()}

    def _instances(self, name: str, form: ServiceForm) -> tuple[Instance, ...]:
        hosts = self._hosts(name, form) if form.nodes is None else self.spread(form.instances, self._shared(form))
        return tuple(Instance(f"{name}-{i + 1}", host.name, self._cores(form, host)) for i, host in enumerate(hosts))

    def add_servers(
        self, name: str, count: int, pools: Sequence[str] | None, key: str, *, flushing: bool
    ) -> tuple[Instance, ...]:
        """Instances of a service that the file does not list: on groups of nodes, or each on a host of its own.

        Raises MistakesError, located at the key that names the groups.
        """
        if pools is None:
            hosts = self._own_hosts(name, [DEFAULT_ZONE] * count, 1.0)
        else:
            with inside(key):
                read_each(pools, self._check_pool)
            self.lent.update(pools)
            self.flushed.update(pools if flushing else ())
            hosts = self.spread(count, [node for pool in pools for node in self.pools[pool]])
        self.instances[name] = tuple(Instance(f"{name}-{i}", host.name, host.cores) for i, host in enumerate(hosts, 1))
        return self.instances[name]

    def add_agents(self, name: str, nodes: Sequence[str], *, flushing: bool) -> tuple[Instance, ...]:
        """One instance on each of some nodes, called after it."""
        if flushing:
            self.flushed.update(name for name, pool in self.pools.items() if any(node.name in nodes for node in pool))
        self.instances[name] = tuple(Instance(f"{name}-{node}", node, self.nodes[node].cores) for node in nodes)
        return self.instances[name]

    def _check_pool(self, pool: str) -> None:
        if pool not in self.pools:
            removed = self.findings.can_judge(("nodes", pool))
            raise MistakesError([Mistake((), self._unknown(pool))] if removed else [])

    def spread(self, count: int, nodes: Sequence[Node]) -> list[Node]:
        """The node of each instance of one service.

        Each goes to the node that holds the fewest of its own service; among those, to the zone that holds the fewest
        of its service; then to the node with the fewest instances of any service; then to the first in order.
        """
        zones: dict[str, list[tuple[int, int, int]]] = {}
        for order, node in enumerate(nodes):
            zones.setdefault(node.zone, []).append((0, self.load[node.name], order))
        for queue in zones.values():
            heapq.heapify(queue)
        own: Counter[str] = Counter()
        chosen = []
        for _ in range(count):
            zone = min(zones, key=lambda z: (zones[z][0][0], own[z], *zones[z][0][1:]))
            held, load, order = zones[zone][0]
            heapq.heapreplace(zones[zone], (held + 1, load + 1, order))
            own[zone] += 1
            self.load[nodes[order].name] += 1
            chosen.append(nodes[order])
        return chosen

    def _hosts(self, name: str, form: ServiceForm) -> list[Node]:
        try:
            return self._own_hosts(name, [form.zone or DEFAULT_ZONE] * form.instances, _host_cores(form))
        except MistakeError as error:
            self.findings.add(form, (), error.text, ("nodes",))
            return [NOWHERE] * form.instances

    def _own_hosts(self, name: str, zones: Sequence[str], cores: float) -> list[Node]:
        """One host an instance: name-host-1, name-host-2 … Raises MistakeError where a node has such a name."""
        seats = [self.sites.of_host(zone) for zone in zones]
        hosts = [
            Node(f"{name}-host-{i}", seat.zone, cores, site=seat.site, rack=seat.rack, region=seat.region)
            for i, seat in enumerate(seats, 1)
        ]
        taken = next((host.name for host in hosts if host.name in self.nodes), None)
        if taken:
            raise MistakeError(
                f"needs a host called {taken}, but a node has that name; rename the nodes or the service"
            )
        self.nodes |= {host.name: host for host in hosts}
        return hosts

    def _shared(self, form: ServiceForm) -> list[Node]:
        found: list[Node] = []
        for position, pool in enumerate(form.nodes or ()):
            if pool in self.pools:
                found += self.pools[pool]
            else:
                self.findings.add(form, ("nodes", position), self._unknown(pool), ("nodes", pool))
        return found or [NOWHERE]

    def _unknown(self, pool: str) -> str:
        if not self.pools:
            return f"got {pool}, but the scenario has no nodes; remove it, or add nodes: {{{pool}: {{count: 3}}}}"
        if pool in self.nodes:
            return f"got {pool}, which is a single node; must be a whole group: {listed(self.pools, 'or')}"
        return unknown("nodes", pool, {*self.pools, *self.findings.names_removed("nodes")})

    def _cores(self, form: ServiceForm, host: Node) -> float:
        if form.cores is None:
            return min(1.0, host.cores) if form.concurrency == "event_loop" else host.cores
        if form.cores > host.cores:
            text = f"got {form.cores:g}, but {host.name} has {host.cores:g}; must be at most {host.cores:g}"
            self.findings.add(form, ("cores",), text, ("nodes",))
        return form.cores


def pool_nodes(name: str, pool: PoolForm, sites: Sites) -> tuple[Node, ...]:
    """name-1, name-2 …"""
    disk, clock = pool.disk.disk() if pool.disk else None, pool.clock.clock() if pool.clock else None
    return tuple(
        Node(
            f"{name}-{i}",
            seat.zone,
            pool.cores,
            pool.speed,
            seat.site,
            seat.rack,
            seat.region,
            disk,
            pool.memory,
            clock,
        )
        for i, seat in enumerate(sites.of_pool(name, pool), 1)
    )


def _host_cores(form: ServiceForm) -> float:
    """Cores of a dedicated host: one a worker by default, so that workers never wait for each other."""
    if form.cores is not None:
        return form.cores
    return 1.0 if isinstance(form.concurrency, str) else float(form.concurrency.workers)
