"""What breaks when, and whom it strikes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sim.failures import FaultForm
from sim.failures.form import TargetName
from sim.forms import MistakesError, inside, listed
from sim.forms.base import MistakeError, unknown
from sim.model import Fault, Instance, Node, Once, Renewal, RunPlan, TargetKind
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.units import format_duration

MOST_EPISODES = 100_000
"""Of one random fault in a run."""


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
