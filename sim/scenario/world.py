"""Latencies by zone pair, and what breaks when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sim.failures import FaultForm
from sim.failures.form import TargetName
from sim.forms import MistakesError, inside, listed
from sim.forms.base import MistakeError, unknown
from sim.model import Fault, Instance, Network, Node, Once, Renewal, RunPlan, TargetKind
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.machines import BetweenForm
from sim.units import format_duration

MOST_EPISODES = 100_000
"""Of one random fault in a run."""
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
        latency = {}
        for sender in self.all:
            for receiver in self.all:
                link = network.same_zone if sender == receiver else network.across_zones
                if link is not None:
                    latency[sender, receiver] = link.latency
        given: set[tuple[str, str]] = set()
        for between in network.between:
            self._check_between(between, given)
            given |= set(between.pairs())
            latency |= dict.fromkeys(between.pairs(), between.latency)
        return Network(latency, network.same_node.latency if network.same_node else None)

    def _check_between(self, between: BetweenForm, given: set[tuple[str, str]]) -> None:
        for zone in dict.fromkeys(zone for pair in between.pairs() for zone in pair):
            if zone not in self.all and self.can_judge:
                self.findings.add(between, between.location_of(zone), unknown("zone", zone, self.all))
        twice = [pair for pair in between.pairs() if pair in given]
        if twice:
            text = f"the latency from {twice[0][0]} to {twice[0][1]} was given before; remove one of the two"
            self.findings.add(between, (), text)


class Targets:
    """What a fault may name: nodes and instances; a lone node also by its pool, a lone instance by its service."""

    def __init__(
        self,
        nodes: Mapping[str, Node],
        pools: Mapping[str, tuple[Node, ...]],
        instances: Mapping[str, tuple[Instance, ...]],
    ) -> None:
        self.groups: dict[str, Mapping[str, tuple[Node, ...] | tuple[Instance, ...]]] = {
            "node": pools,
            "instance": instances,
        }
        self.names: dict[str, set[str]] = {
            "node": set(nodes),
            "instance": {instance.name for group in instances.values() for instance in group},
        }
        self.occupied = {instance.node for group in instances.values() for instance in group}

    def find(self, target: TargetName, allowed: tuple[TargetKind, ...]) -> tuple[TargetKind, str]:
        """What a fault strikes that may strike some kinds of things. Raises MistakeError or MistakesError."""
        kinds = allowed if target.kind is None else (target.kind,)
        if not set(kinds) <= set(allowed):
            raise MistakeError(f"got {{{target.kind}: {target.name}}}; must be a {' or '.join(allowed)}; remove it")
        exact = [(kind, target.name) for kind in kinds if target.name in self.names[kind]]
        found = exact or [
            (kind, group[0].name)
            for kind in kinds
            for group in [self.groups[kind].get(target.name, ())]
            if len(group) == 1
        ]
        with inside(*([target.kind] if target.kind else [])):
            if len(found) > 1:
                ways = listed([f"{{{kind}: {name}}}" for kind, name in found], "or")
                raise MistakeError(f"got {target.name}, which is both a node and an instance; write {ways}")
            if not found:
                raise MistakeError(self._unknown(target, kinds))
        return found[0]

    def _unknown(self, target: TargetName, kinds: tuple[TargetKind, ...]) -> str:
        for kind in kinds:
            group = self.groups[kind].get(target.name, ())
            if len(group) > 1:
                ways = f"{group[0].name} to {group[-1].name}"
                return f"got {target.name}, which has {len(group)} {kind}s; must be one of {ways}, or a list of them"
        names = set().union(*(self.names[kind] for kind in kinds))
        return unknown(" or ".join(kinds), target.name, names)


def faults(form: ScenarioForm, run: RunPlan, targets: Targets, findings: Findings) -> Iterator[Fault]:
    """One for each target; a fault with several has the target in its name."""
    for name, failure in form.failures.items():
        _check_when(failure, run, findings)
        seen: set[tuple[str, str]] = set()
        for position, target in enumerate(failure.targets):
            where = (failure.kind, position) if len(failure.targets) > 1 else (failure.kind,)
            try:
                found = targets.find(target, failure.target_kinds)
                if found in seen:
                    raise MistakeError(f"got {found[1]} a second time; must be different ones; remove one")
            except (MistakeError, MistakesError) as error:
                if findings.can_judge(("nodes",), ("services",)):
                    findings.add_error(failure, error, *where)
                continue
            seen.add(found)
            text = f"nothing runs on {found[1]}, so nothing fails; name another node, or remove it"
            findings.weigh(failure, where, found[0] == "instance" or found[1] in targets.occupied, text)
            label = name if len(failure.targets) == 1 else f"{name} ({found[1]})"
            yield failure.fault(label, name, *found, failure.when)


def _check_when(failure: FaultForm, run: RunPlan, findings: Findings) -> None:
    if isinstance(failure.when, Once) and failure.when.at_s >= run.duration_s:
        text = f"got {format_duration(failure.when.at_s)} in a run of {format_duration(run.duration_s)}"
        findings.add(failure, ("at",), f"{text}; must be before its end", ("run", "duration"))
    elif isinstance(failure.when, Renewal):
        episodes = run.duration_s / (failure.when.mtbf.mean() + failure.when.mttr.mean())
        if episodes > MOST_EPISODES:
            text = f"makes about {episodes:,.0f} episodes in a run of {format_duration(run.duration_s)}"
            findings.add(failure, ("mtbf",), f"{text}; must make at most {MOST_EPISODES:,}", ("run", "duration"))
