"""What messages between some places suffer: the base of partitions, loss and added latency.

Places are nodes, and the clients of a source where they stand in a zone. Messages within one node cross no network and
suffer nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from sim.failures.form import RandomFaultForm, Strike
from sim.failures.system import Group, System
from sim.failures.targets import GroupField, GroupsField
from sim.forms import MistakeError, inside, listed
from sim.forms.base import Location, Mistake
from sim.model import Fault

MOST_GROUPS_NAMED = 4


@dataclass(frozen=True, slots=True)
class Way:
    """From any of some places to any of others: names of nodes, and of clients as `source:NAME`."""

    senders: tuple[str, ...]
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Impairment(Fault):
    """Messages on `ways` suffer."""

    touches_network: ClassVar[bool] = True

    ways: tuple[Way, ...]

    @property
    def stream(self) -> str:
        return f"fault:{self.cause}:traffic"

    @abstractmethod
    def harm(self) -> Mapping[str, Any]:
        """What `Cluster.impair` is told of it."""

    def start(self, cluster: Any) -> None:
        handles = [cluster.impair(frozenset(way.senders), frozenset(way.receivers), **self.harm()) for way in self.ways]
        cluster.hold(self.name, handles)

    def stop(self, cluster: Any) -> None:
        for handle in cluster.release(self.name):
            cluster.mend(handle)


def between(groups: Sequence[Group], system: System, key: str) -> tuple[str, tuple[Way, ...]]:
    """Both ways between every two of some groups. Raises MistakesError for groups that share a place."""
    members = []
    for position, group in enumerate(groups):
        with inside(key, position):
            members.append(system.members(group))
    for position, those in enumerate(members):
        for earlier in range(position):
            if shared := members[earlier] & those:
                with inside(key, position):
                    raise MistakeError(_overlap(shared, groups[earlier]))
    ways = tuple(
        _way(those, frozenset[str]().union(*(others for others in members if others is not those))) for those in members
    )
    names = [_text(group) for group in groups]
    if len(names) > MOST_GROUPS_NAMED:
        names = [*names[: MOST_GROUPS_NAMED - 1], f"{len(names) - MOST_GROUPS_NAMED + 1} more"]
    return f"between {listed(names)}", ways


def one_way(
    senders: Group | None, receivers: Group | None, system: System, at: Location, *, apart: bool
) -> tuple[str, tuple[Way, ...]]:
    """From some places to others; None is everywhere. `apart`: no place may be on both sides."""
    ends = []
    for key, group in (("from", senders), ("to", receivers)):
        with inside(*at, key):
            ends.append(system.everywhere if group is None else system.members(group))
    if apart and (shared := ends[0] & ends[1]):
        with inside(*at, "to"):
            raise MistakeError(_overlap(shared, senders or ()))
    parts = [f"{key} {_text(group)}" for key, group in (("from", senders), ("to", receivers)) if group is not None]
    return " ".join(parts) or "everywhere", (_way(*ends),)


def _way(senders: frozenset[str], receivers: frozenset[str]) -> Way:
    return Way(tuple(sorted(senders)), tuple(sorted(receivers)))


def _text(group: Group) -> str:
    return " + ".join(map(str, group))


def _overlap(shared: frozenset[str], other: Group) -> str:
    what = min(shared).replace("source:", "the clients of ")
    return f"got a group with {what} in it, which is in {_text(other)} too; must have no place in common; take it out"


class WaysForm(RandomFaultForm):
    """Base of what strikes messages: `between` groups both ways, or `from` some `to` others, or all of them."""

    needs = (("nodes",), ("services",), ("traffic",), ("network",))
    rules: ClassVar[Sequence[Mapping[str, Any]]] = (
        *RandomFaultForm.rules,
        {"if": {"required": ["between"]}, "then": {"properties": {"from": False, "to": False}}},
    )

    between: GroupsField | None = Field(None, examples=["[{zone: a}, {zone: b}]"])
    from_: GroupField | None = Field(None, alias="from", examples=["{zone: a}"])
    to: GroupField | None = Field(None, examples=["{zone: b}"])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.between is not None and (self.from_ is not None or self.to is not None):
            one_way = listed(key for key, end in (("from", self.from_), ("to", self.to)) if end is not None)
            text = f"got between, which is both ways, beside {one_way}; must be one of the two; remove between"
            yield Mistake(("between",), f"{text}, or {one_way}")

    def strikes(self, cause: str, system: System) -> list[Strike]:
        text, ways = self.where(system)
        fault = self.fault(cause, text, ways)
        crossed = any(system.exchange(frozenset(way.senders), frozenset(way.receivers)) for way in ways)
        idle = "" if crossed else f"no message goes {text}, so nothing suffers; name other places, or remove it"
        return [Strike((self.kind,), fault, idle)]

    def where(self, system: System) -> tuple[str, tuple[Way, ...]]:
        """In words, and as ways."""
        if self.between is not None:
            return between(self.between, system, "between")
        return one_way(self.from_, self.to, system, (), apart=False)

    @abstractmethod
    def fault(self, cause: str, target: str, ways: tuple[Way, ...]) -> Impairment: ...
