"""How a fault names what it strikes: nodes and instances, areas that fail as one, and groups of places."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import PlainValidator, WithJsonSchema

from sim.failures.form import TargetsForm
from sim.failures.leader import AtLeader
from sim.failures.system import AREAS, GROUP_KINDS, Group, GroupName, LeaderName, System, TargetName
from sim.forms import MistakeError, inside, listed, show
from sim.forms.base import not_one, read_each, schema_of
from sim.forms.fields import read_identifier
from sim.forms.names import read_vertex
from sim.model import Fault, TargetKind

MOST_GROUPS = 32


def _list_of(read: Callable[[Any], Any], what: str) -> Callable[[Any], tuple[Any, ...]]:
    """One, or a list of at least one."""

    def read_list(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            return (read(value),)
        if not value:
            raise MistakeError(f"got an empty list; must name at least one {what}")
        return tuple(read_each(value, read))

    return read_list


def _read_target(value: Any) -> TargetName | LeaderName:
    if isinstance(value, Mapping):
        if len(value) != 1 or next(iter(value)) not in ("node", "instance", "leader"):
            raise MistakeError(not_one(value, "a node, an instance or a leader; write e.g. {node: app-2}"))
        [(kind, name)] = value.items()
        with inside(kind):
            return LeaderName(read_identifier(name)) if kind == "leader" else TargetName(kind, read_identifier(name))
    if not isinstance(value, str):
        raise MistakeError(f"got {show(value)}; must name a node or an instance, or list some")
    return TargetName(None, read_identifier(value))


def _read_area(value: Any) -> GroupName:
    if not isinstance(value, Mapping) or len(value) != 1 or next(iter(value)) not in AREAS:
        raise MistakeError(not_one(value, "a zone, a rack or a region; write e.g. {zone: a}"))
    [(kind, name)] = value.items()
    if isinstance(name, list):
        each = ", ".join(f"{{{kind}: {one}}}" for one in name[:2]) or f"{{{kind}: a}}"
        raise MistakeError(f"got several in one {kind}; must be one each; write [{each}]")
    with inside(kind):
        return GroupName(kind, read_identifier(name))


def read_group(value: Any) -> Group:
    """One or several names of places, which stand together."""
    if isinstance(value, list) and value:
        return tuple(name for group in read_each(value, read_group) for name in group)
    if not isinstance(value, Mapping) or len(value) != 1 or next(iter(value)) not in GROUP_KINDS:
        raise MistakeError(not_one(value, f"a group of places: {listed(GROUP_KINDS, 'or')}; write e.g. {{zone: a}}"))
    [(kind, names)] = value.items()
    read = read_vertex if kind == "vertex" else read_identifier
    with inside(kind):
        if not isinstance(names, list):
            return (GroupName(kind, read(names)),)
        if not names:
            raise MistakeError("got an empty list; must have at least one name; write e.g. {zone: [a, b]}")
        return tuple(GroupName(kind, name) for name in read_each(names, read))


def read_groups(value: Any) -> tuple[Group, ...]:
    """At least two, which then are apart."""
    if not isinstance(value, list) or len(value) < 2:
        got = "one group" if isinstance(value, list) and value else show(value)
        example = "[{zone: a}, {zone: b}]"
        raise MistakeError(f"got {got}; must be a list of two groups or more; write e.g. {example}")
    if len(value) > MOST_GROUPS:
        raise MistakeError(
            f"got {len(value)} groups; must be at most {MOST_GROUPS}; put some into one: {{zone: [a, b]}}"
        )
    return tuple(read_each(value, read_group))


def field_of(read: Callable[[Any], Any], schema: str) -> Any:
    return (PlainValidator(read), WithJsonSchema(schema_of(schema)))


_read_targets = _list_of(_read_target, "node or instance")
TargetsField = Annotated[tuple[TargetName | LeaderName, ...], *field_of(_read_targets, "Targets")]
NodesField = Annotated[tuple[TargetName | LeaderName, ...], *field_of(_read_targets, "Nodes")]
InstancesField = Annotated[tuple[TargetName | LeaderName, ...], *field_of(_read_targets, "Instances")]
AreasField = Annotated[tuple[GroupName, ...], *field_of(_list_of(_read_area, "zone, rack or region"), "Areas")]
GroupField = Annotated[Group, *field_of(read_group, "Group")]
GroupsField = Annotated[tuple[Group, ...], *field_of(read_groups, "Groups")]


class MachinesForm(TargetsForm):
    """Strikes nodes or instances."""

    target_kinds: ClassVar[tuple[TargetKind, ...]] = ("node", "instance")

    def fault(self, target: TargetName | LeaderName, system: System, cause: str) -> Fault:
        if isinstance(target, TargetName):
            return self.made(*system.find(target, self.target_kinds), system, cause)
        component, members = system.cluster(target)
        part = None
        if members:
            kind: TargetKind = "instance" if "instance" in self.target_kinds else "node"
            member = members[0] if kind == "instance" else system.node_of[members[0]]
            part = self.made(kind, member, system, cause)
        when = self.when if part is None else part.when
        return AtLeader(cause, cause, "several", f"the leader of {target.cluster}", when, component, part)

    def idle(self, fault: Fault, system: System) -> str:
        if isinstance(fault, AtLeader) and fault.part is None:
            return f"{fault.component} has no leader, so nothing is struck; remove it, or use a registry that has one"
        return super().idle(fault, system)

    @abstractmethod
    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> Fault:
        """The machine form for a target that exists. Raises MistakeError for one that cannot feel it."""
