"""What is written of a link between two places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from sim.forms import DistributionField, Form, MistakeError, listed
from sim.forms.base import Location, Mistake
from sim.forms.fields import PERCENTAGE, BitRate, Identifier, choice_reader, choices_schema, read_probability
from sim.forms.names import Names, Vertex, Vertices
from sim.model import Link
from sim.network import EDGE_KEYS

Rules = Sequence[Mapping[str, Any]]
Sharing = Annotated[
    Literal["first_come", "fair"],
    PlainValidator(choice_reader("first_come", "fair")),
    WithJsonSchema(choices_schema("first_come", "fair")),
]


def _read_loss(value: Any) -> float:
    share = read_probability(value)
    if share == 1.0:
        raise MistakeError("got 100%; must be below 100%; remove the link, or write a fault that takes it down")
    return share


Loss = Annotated[
    float, PlainValidator(_read_loss), WithJsonSchema({**PERCENTAGE, "not": {"pattern": r"^\s*\+?0*100(\.0*)?\s*%"}})
]


class LinkKeys(Form):
    """Any of the keys of a link."""

    shape = "a mapping such as {bandwidth: 10Gbps}"

    latency: DistributionField | None = Field(None, examples=["1ms"])
    jitter: DistributionField | None = Field(None, examples=["exponential(0.1ms)"])
    loss: Loss | None = Field(None, examples=["0.01%"])
    bandwidth: BitRate | None = Field(None, examples=["10Gbps"])
    sharing: Sharing | None = Field(None, examples=["fair"])


class LinkForm(LinkKeys):
    shape = "a mapping such as {latency: 1ms}"
    rules: ClassVar[Rules] = ({"dependentRequired": {"sharing": ["bandwidth"]}},)

    latency: DistributionField = Field(examples=["{lognormal: {mean: 1ms, cv: 0.3}}"])

    def problems(self) -> Iterator[Mistake]:
        if self.sharing is not None and self.bandwidth is None:
            text = "got sharing without a bandwidth, of which there is nothing to share; remove it, or give a bandwidth"
            yield Mistake(("sharing",), text)


class SameNodeForm(Form):
    """Messages within a node cross no wire."""

    shape = "a mapping such as {latency: 20us}"

    latency: DistributionField = Field(examples=["20us"])


class BetweenForm(LinkForm):
    """Both ways with `zones`, one way with `from` and `to`."""

    shape = "a mapping such as {zones: [a, b], latency: 5ms}"

    zones: Names | None = Field(None, examples=["[a, b]"])
    from_: Identifier | None = Field(None, alias="from", examples=["a"])
    to: Identifier | None = Field(None, examples=["b"])

    rules: ClassVar[Rules] = (
        *LinkForm.rules,
        {
            "oneOf": [
                {"required": ["zones"], "properties": {"from": False, "to": False}},
                {"required": ["from", "to"], "properties": {"zones": False}},
            ]
        },
        {"properties": {"zones": {"type": "array", "minItems": 2, "maxItems": 2}}},
    )

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        yield from _ends_problems(self, "zones", "zones", self.zones)

    def location_of(self, zone: str) -> Location:
        """Where the zone is named."""
        if self.zones is not None:
            return ("zones", self.zones.index(zone))
        return ("from",) if zone == self.from_ else ("to",)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(sender's zone, receiver's zone)."""
        return _directions(self.zones, self.from_, self.to)


class EdgeForm(LinkKeys):
    """A link of a graph: both ways with `between`, one way with `from` and `to`."""

    shape = "a mapping such as {between: [a, b], latency: 5ms}"

    between: Vertices | None = Field(None, examples=["[a, b]"])
    from_: Vertex | None = Field(None, alias="from", examples=["a"])
    to: Vertex | None = Field(None, examples=["b"])

    rules = (
        {
            "oneOf": [
                {"required": ["between"], "properties": {"from": False, "to": False}},
                {"required": ["from", "to"], "properties": {"between": False}},
            ]
        },
        {"properties": {"between": {"type": "array", "minItems": 2, "maxItems": 2}}},
    )

    def problems(self) -> Iterator[Mistake]:
        yield from _ends_problems(self, "between", "vertices", self.between)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(sender, receiver)."""
        return _directions(self.between, self.from_, self.to)


def link_of(*layers: LinkKeys) -> Link:
    """The link that some layers of keys describe, the widest first. Raises MistakeError or MistakesError."""

    def narrowest(key: str) -> Any:
        return next((value for layer in reversed(layers) if (value := getattr(layer, key)) is not None), None)

    latency, bandwidth, sharing = narrowest("latency"), narrowest("bandwidth"), narrowest("sharing")
    if latency is None:
        raise MistakeError("has no latency; give it one, or one for all links that have none")
    if sharing is not None and bandwidth is None:
        raise MistakeError("has a way of sharing, but no bandwidth; remove it, or give it a bandwidth")
    return Link(latency, narrowest("jitter"), narrowest("loss") or 0.0, bandwidth, sharing or "first_come")


def _ends_problems(
    form: BetweenForm | EdgeForm, both: str, what: str, pair: tuple[str, ...] | None
) -> Iterator[Mistake]:
    one_way = [name for name, value in (("from", form.from_), ("to", form.to)) if value is not None]
    if not (one_way == ["from", "to"] if pair is None else not one_way):
        given = listed(key for key in form.given if key not in EDGE_KEYS) or f"no {what}"
        yield Mistake((), f"got {given}; must have {both}: [a, b] for both ways, or from: a and to: b for one way")
    if pair is not None and len(pair) != 2:
        yield Mistake((both,), f"got {listed(pair)}; must be two {what}; write e.g. {both}: [a, b]")


def _directions(pair: tuple[str, ...] | None, sender: str | None, receiver: str | None) -> tuple[tuple[str, str], ...]:
    if pair is not None:
        return (pair[0], pair[1]), (pair[1], pair[0])
    assert sender is not None
    assert receiver is not None
    return ((sender, receiver),)
