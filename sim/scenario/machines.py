"""Nodes and the network between them: the sections `nodes` and `network`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from sim.forms import DistributionField, Form, MistakeError, inside, listed
from sim.forms.base import Location, Mistake
from sim.forms.fields import (
    IDENTIFIER_SCHEMA,
    Identifier,
    PositiveNumber,
    count_field,
    read_identifier,
)

MOST_NODES = 100_000


def read_names(value: Any) -> tuple[str, ...]:
    """A name or a list of different names."""
    items = value if isinstance(value, list) else [value]
    if not items:
        raise MistakeError("got an empty list; must have at least one name")
    names: list[str] = []
    for i, item in enumerate(items):
        with inside(*([i] if isinstance(value, list) else [])):
            name = read_identifier(item)
            if name in names:
                raise MistakeError(f"got {name} twice; must be different names; remove one")
            names.append(name)
    return tuple(names)


Names = Annotated[
    tuple[str, ...],
    PlainValidator(read_names),
    WithJsonSchema(
        {
            "anyOf": [
                IDENTIFIER_SCHEMA,
                {"type": "array", "items": IDENTIFIER_SCHEMA, "minItems": 1, "uniqueItems": True},
            ]
        }
    ),
]


class PoolForm(Form):
    """Nodes called pool-1, pool-2 …, dealt over the zones in turn."""

    shape = "a mapping such as {count: 6, zones: [a, b], cores: 4}"
    later = frozenset({"memory", "disk", "clock", "rack", "racks", "region", "regions", "title"})

    rules = ({"if": {"properties": {"count": False}}, "then": {"properties": {"zones": {"maxItems": 1}}}},)

    count: Annotated[int, *count_field(1, MOST_NODES)] = Field(1, examples=[6])
    zones: Names = Field(("default",), examples=["[a, b]"])
    cores: PositiveNumber = Field(1.0, examples=[4])
    speed: PositiveNumber = Field(1.0, examples=[1])


class LinkForm(Form):
    shape = "a mapping such as {latency: 1ms}"
    later = frozenset({"bandwidth", "loss", "jitter", "transport"})

    latency: DistributionField = Field(examples=["{lognormal: {mean: 1ms, cv: 0.3}}"])


class BetweenForm(LinkForm):
    """Both ways with `zones`, one way with `from` and `to`."""

    shape = "a mapping such as {zones: [a, b], latency: 5ms}"

    zones: Names | None = Field(None, examples=["[a, b]"])
    from_: Identifier | None = Field(None, alias="from", examples=["a"])
    to: Identifier | None = Field(None, examples=["b"])

    rules = (
        {
            "oneOf": [
                {"required": ["zones"], "properties": {"from": False, "to": False}},
                {"required": ["from", "to"], "properties": {"zones": False}},
            ]
        },
        {"properties": {"zones": {"type": "array", "minItems": 2, "maxItems": 2}}},
    )

    def problems(self) -> Iterator[Mistake]:
        one_way = [name for name, value in (("from", self.from_), ("to", self.to)) if value is not None]
        if not (one_way == ["from", "to"] if self.zones is None else not one_way):
            given = listed(key for key in self.given if key != "latency") or "no zones"
            yield Mistake((), f"got {given}; must have zones: [a, b] for both ways, or from: a and to: b for one way")
        if self.zones is not None and len(self.zones) != 2:
            yield Mistake(("zones",), f"got {listed(self.zones)}; must be two zones; write e.g. zones: [a, b]")

    def location_of(self, zone: str) -> Location:
        """Where the zone is named."""
        if self.zones is not None:
            return ("zones", self.zones.index(zone))
        return ("from",) if zone == self.from_ else ("to",)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(sender's zone, receiver's zone)."""
        if self.zones is not None:
            return (self.zones[0], self.zones[1]), (self.zones[1], self.zones[0])
        assert self.from_ is not None
        assert self.to is not None
        return ((self.from_, self.to),)


class NetworkForm(Form):
    shape = "a mapping such as {across_zones: {latency: 1ms}}"
    later = frozenset({"bandwidth", "loss", "topology", "graph", "transport", "links", "regions"})

    same_zone: LinkForm | None = Field(None, examples=["{latency: 0.25ms}"])
    across_zones: LinkForm | None = Field(None, examples=["{latency: 1ms}"])
    same_node: LinkForm | None = Field(None, examples=["{latency: 20us}"])
    between: list[BetweenForm] = Field(default_factory=list, examples=["[{zones: [a, b], latency: 5ms}]"])
