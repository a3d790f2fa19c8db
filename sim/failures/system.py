"""What there is to break: the names that faults strike, and who sends messages to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from sim.forms import MistakeError, inside, listed
from sim.forms.base import unknown
from sim.model import Instance, Network, Node, Service, Source, TargetKind

GroupKind = Literal["zone", "rack", "region", "vertex", "node", "nodes", "source"]
GROUP_KINDS: tuple[GroupKind, ...] = ("zone", "rack", "region", "vertex", "node", "nodes", "source")
AREAS: tuple[TargetKind, ...] = ("zone", "rack", "region")
"""Kinds of groups that fail as one: they share power, cooling, or a control plane."""

REGISTRY = "registry"
"""In a fault: the registry, whichever kind the variant has."""
AREAS_COME_FROM = {
    "zone": "write zones: [a, b] in nodes",
    "rack": "write racks: 2 in nodes",
    "region": "write regions: {eu: [a, b]} in network",
    "vertex": "the network is no graph",
}


class TargetName(NamedTuple):
    """`kind` None: whichever of the two has the name."""

    kind: TargetKind | None
    name: str


class LeaderName(NamedTuple):
    """Whoever leads a cluster: `registry`, or the name of a registry's kind or of a store."""

    cluster: str


class GroupName(NamedTuple):
    """Some places: the nodes of a zone and the clients that stand in it, one node, all `nodes` of a group …"""

    kind: GroupKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


Group = tuple[GroupName, ...]
"""Its members are those of all of these."""


def source_place(name: str) -> str:
    """Clients as a place that messages come from, beside the names of nodes."""
    return f"source:{name}"


class System:
    """One variant's nodes, instances, sources and links, by the names that a fault may give them."""

    def __init__(
        self,
        nodes: Mapping[str, Node],
        pools: Mapping[str, tuple[Node, ...]],
        instances: Mapping[str, tuple[Instance, ...]],
        services: Iterable[Service] = (),
        sources: Iterable[Source] = (),
        network: Network | None = None,
        calls: Iterable[tuple[str, str]] = (),
        clients_in: Mapping[str, Mapping[str, str | None]] | None = None,
        dialled: Iterable[str] = (),
        clusters: Mapping[str, tuple[str, ...]] | None = None,
        registry_kinds: Iterable[str] = (),
        wall_clocks: Iterable[str] = (),
    ) -> None:
        """`calls` are pairs of services, a caller and whom it may call; `clients_in` tells, by the name of each source
        that stands somewhere, the zone, rack, region and vertex; `dialled` are services that somebody calls by tcp, or
        looks up; `clusters` are the members that may lead, by the name of a registry or a store, the registry first;
        `registry_kinds` are all that there could be; `wall_clocks` are services of registries that go by these."""
        self.nodes, self.pools, self.instances = nodes, pools, instances
        self.services = {service.name: service for service in services}
        self.sources = {source.name: source for source in sources}
        self.network = network or Network()
        self.dialled = frozenset(dialled)
        self._clusters = dict(clusters or {})
        self._registry_kinds = frozenset(registry_kinds)
        self.wall_clocks = frozenset(wall_clocks)
        self._clients_in = dict(clients_in or {})
        self._names: dict[TargetKind, set[str]] = {
            "node": set(nodes),
            "instance": {instance.name for group in instances.values() for instance in group},
        }
        self._groups: dict[TargetKind, Mapping[str, tuple[Node, ...] | tuple[Instance, ...]]] = {
            "node": pools,
            "instance": instances,
        }
        self.node_of = {instance.name: instance.node for group in instances.values() for instance in group}
        self.occupied = set(self.node_of.values())
        self.service_of = {instance.name: name for name, group in instances.items() for instance in group}
        self._areas: dict[str, dict[str, frozenset[str]]] = {}
        self._flows = list(self._flows_of(calls))

    def find(self, target: TargetName, allowed: tuple[TargetKind, ...]) -> tuple[TargetKind, str]:
        """What a fault strikes that may strike some kinds of things; a lone node also by the name of its pool, a lone
        instance by that of its service. Raises MistakeError or MistakesError."""
        kinds = allowed if target.kind is None else (target.kind,)
        if not set(kinds) <= set(allowed):
            raise MistakeError(f"got {{{target.kind}: {target.name}}}; must be a {' or '.join(allowed)}; remove it")
        exact = [(kind, target.name) for kind in kinds if target.name in self._names[kind]]
        found = exact or [
            (kind, group[0].name)
            for kind in kinds
            for group in [self._groups[kind].get(target.name, ())]
            if len(group) == 1
        ]
        with inside(*([target.kind] if target.kind else [])):
            if len(found) > 1:
                ways = listed([f"{{{kind}: {name}}}" for kind, name in found], "or")
                raise MistakeError(f"got {target.name}, which is both a node and an instance; write {ways}")
            if not found:
                raise MistakeError(self._unknown(target, kinds))
        return found[0]

    def cluster(self, leader: LeaderName) -> tuple[str, tuple[str, ...]]:
        """The name of a registry or a store, and its members that may lead. Raises MistakesError."""
        if leader.cluster == REGISTRY:
            return next(iter(self._clusters.items()))
        if leader.cluster not in self._clusters:
            names = [REGISTRY, *(name for name in self._clusters if name != next(iter(self._clusters)))]
            with inside("leader"):
                raise MistakeError(unknown("cluster", leader.cluster, names))
        return leader.cluster, self._clusters[leader.cluster]

    def _unknown(self, target: TargetName, kinds: tuple[TargetKind, ...]) -> str:
        for kind in kinds:
            group = self._groups[kind].get(target.name, ())
            if len(group) > 1:
                ways = f"{group[0].name} to {group[-1].name}"
                return f"got {target.name}, which has {len(group)} {kind}s; must be one of {ways}, or a list of them"
        names = set().union(*(self._names[kind] for kind in kinds))
        cluster = target.name.partition("-")[0]
        if cluster in self._registry_kinds and (members := self.instances.get(cluster)):
            ways = " to ".join(dict.fromkeys((members[0].name, members[-1].name)))
            return f"got {target.name}, which is no member of {cluster}; must be one of {ways}"
        if cluster in self._registry_kinds:
            return (
                f"got {target.name}, but this scenario, or this variant of it, has no such member; to strike whoever "
                f"leads the registry, whichever it is, write {{leader: {REGISTRY}}}"
            )
        return unknown(" or ".join(kinds), target.name, names)

    def members(self, group: Group) -> frozenset[str]:
        """Names of nodes, and of clients as `source:NAME`. Raises MistakeError or MistakesError."""
        return frozenset[str]().union(*(self._members(name) for name in group))

    def _members(self, group: GroupName) -> frozenset[str]:
        with inside(group.kind):
            match group.kind:
                case "node":
                    return frozenset({self.find(TargetName(None, group.name), ("node",))[1]})
                case "nodes":
                    if group.name not in self.pools:
                        raise MistakeError(unknown("group of nodes", group.name, self.pools))
                    return frozenset(node.name for node in self.pools[group.name])
                case "source":
                    return frozenset({self._source(group.name)})
                case area:
                    return self._in_area(area, group.name)

    def _source(self, name: str) -> str:
        if name not in self.sources:
            raise MistakeError(unknown("source", name, self.sources))
        if self.sources[name].zone is None:
            text = f"got {name}, whose clients stand at the door and cross no network"
            raise MistakeError(f"{text}; give it from: {{zone: …}} in traffic")
        return source_place(name)

    def _in_area(self, kind: str, name: str) -> frozenset[str]:
        areas = self._areas.get(kind) or self._areas.setdefault(kind, self._divided(kind))
        if name not in areas:
            raise MistakeError(unknown(kind, name, areas, AREAS_COME_FROM[kind] if not areas else ""))
        return areas[name]

    def _divided(self, kind: str) -> dict[str, frozenset[str]]:
        """Who is in which of the areas of a kind."""
        areas: dict[str, set[str]] = {}
        for node in self.nodes.values():
            areas.setdefault(self._area_of(node, kind), set()).add(node.name)
        for source, places in self._clients_in.items():
            areas.setdefault(places.get(kind) or "", set()).add(source_place(source))
        areas.pop("", None)
        return {area: frozenset(members) for area, members in areas.items()}

    def _area_of(self, node: Node, kind: str) -> str:
        if kind == "vertex":
            return node.site if self.network.routed else ""
        return {"zone": node.zone, "rack": node.rack, "region": node.region}[kind] or ""

    def nodes_in(self, kind: TargetKind, name: str) -> tuple[str, ...]:
        """The hosts of a zone, a rack or a region, in the order of the file. Raises MistakeError."""
        assert kind in AREAS
        found = self._in_area(kind, name)
        hosts = tuple(node for node in self.nodes if node in found)
        if not hosts:
            raise MistakeError(f"got {name}, in which only clients stand; must have nodes that may fail; remove it")
        return hosts

    def at_site(self, site: str) -> frozenset[str]:
        """Who stands at an end of links."""
        clients = {source_place(source.name) for source in self.sources.values() if source.zone == site}
        return frozenset({node.name for node in self.nodes.values() if node.site == site} | clients)

    @property
    def everywhere(self) -> frozenset[str]:
        """All places that messages come from or go to."""
        clients = {source_place(source.name) for source in self.sources.values() if source.zone is not None}
        return frozenset(self.occupied | clients)

    def _flows_of(self, calls: Iterable[tuple[str, str]]) -> Iterable[tuple[frozenset[str], frozenset[str]]]:
        hosts = {name: frozenset(i.node for i in group) for name, group in self.instances.items()}
        nobody: frozenset[str] = frozenset()
        for caller, callee in calls:
            yield hosts.get(caller, nobody), hosts.get(callee, nobody)
        for source in self.sources.values():
            if source.zone is not None:
                for target in source.targets:
                    yield frozenset({source_place(source.name)}), hosts.get(target.service, nobody)

    def exchange(self, senders: frozenset[str], receivers: frozenset[str]) -> bool:
        """Does any message, a request or its answer, go from one of the senders to one of the receivers, and not
        within one node?"""
        ways = [way for ends in self._flows for way in (ends, ends[::-1])]
        return any(_cross(start & senders, end & receivers) for start, end in ways)


def _cross(starts: frozenset[str], ends: frozenset[str]) -> bool:
    return bool(starts and ends) and not (len(starts) == 1 and starts == ends)
