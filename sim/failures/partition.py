"""`partition`: the network falls apart, and messages between the parts are lost.

The parts need not hold every place: those in no part reach everybody (a partial partition), and one that says `from`
and `to` cuts one direction only (Alquraan et al., An Analysis of Network-Partitioning Failures in Cloud Systems, OSDI
2018, section 2, which calls them complete, partial and simplex). Nobody is told: what is sent, and what is on its way,
does not arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from sim.failures.form import RandomFaultForm, Strike
from sim.failures.impairment import Impairment, between, one_way
from sim.failures.system import Group, System
from sim.failures.targets import GroupField, read_groups
from sim.forms import Form, MistakeError, show
from sim.forms.base import read_as, schema_of

if TYPE_CHECKING:
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class Partition(Impairment):
    """No message passes."""

    @property
    def condition(self) -> str:
        return "cut"

    def harm(self) -> Mapping[str, Any]:
        return {"loss": 1.0}


class OneWayForm(Form):
    """One direction: what the ones send does not reach the others."""

    shape = "a mapping such as {from: {zone: a}, to: {zone: b}}"

    from_: GroupField = Field(alias="from", examples=["{zone: a}"])
    to: GroupField = Field(examples=["{zone: b}"])


def _read_parts(value: Any, info: ValidationInfo) -> tuple[Group, ...] | OneWayForm:
    if isinstance(value, list):
        return read_groups(value)
    if isinstance(value, Mapping) and ("from" in value or "to" in value):
        form: OneWayForm = read_as(OneWayForm, value, info.context)
        return form
    text = f"got {show(value)}; must be groups such as [{{zone: a}}, {{zone: b}}]"
    raise MistakeError(f"{text}, or for one direction; write e.g. {{from: {{zone: a}}, to: {{zone: b}}}}")


Parts = Annotated[tuple[Group, ...] | OneWayForm, PlainValidator(_read_parts), WithJsonSchema(schema_of("Partition"))]


class PartitionForm(RandomFaultForm):
    kind = "partition"
    example = "{at: 40s, partition: [{zone: a}, {zone: b}], for: 20s}"
    needs = (("nodes",), ("services",), ("traffic",), ("network",))

    partition: Parts = Field(examples=["[{zone: a}, {zone: b}]"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        """Both ways, or in one case of three one way."""
        groups = places.apart(dice)
        if groups is None:
            return None
        return {"partition": dict(zip(("from", "to"), groups, strict=True)) if dice.number() < 1 / 3 else groups}

    def strikes(self, cause: str, system: System) -> list[Strike]:
        if isinstance(self.partition, OneWayForm):
            ends = self.partition
            text, ways = one_way(ends.from_, ends.to, system, (self.kind,), apart=True)
        else:
            text, ways = between(self.partition, system, self.kind)
        crossed = any(system.exchange(frozenset(way.senders), frozenset(way.receivers)) for way in ways)
        idle = "" if crossed else f"no message goes {text}, so nothing is cut; name other places, or remove it"
        return [Strike((self.kind,), Partition(cause, cause, "traffic", text, self.when, ways), idle)]
