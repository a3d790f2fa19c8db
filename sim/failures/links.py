"""What links suffer: the base of `link_down` and `link_slow`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from sim.failures.form import TargetsForm
from sim.failures.system import System
from sim.forms import Form, MistakeError, inside, listed, show
from sim.forms.base import Mistake, read_as, read_each, schema_of, unknown
from sim.forms.names import Vertex
from sim.model import Fault

MOST_LINKS_NAMED = 6


@dataclass(frozen=True, slots=True)
class LinkFault(Fault):
    """Links suffer: `pairs` of a sender's and a receiver's site, each one direction."""

    touches_network: ClassVar[bool] = True

    pairs: tuple[tuple[str, str], ...]

    @abstractmethod
    def change(self) -> Mapping[str, Any]:
        """What `Cluster.change_link` is told of it."""

    def start(self, cluster: Any) -> None:
        cluster.hold(self.name, [cluster.change_link(*pair, **self.change()) for pair in self.pairs])

    def stop(self, cluster: Any) -> None:
        for handle in cluster.release(self.name):
            cluster.mend_link(handle)


class LinkNameForm(Form):
    """Both ways with `between`, one way with `from` and `to`."""

    shape = "a mapping such as {between: [a, b]}"
    rules: ClassVar[Sequence[Mapping[str, Any]]] = (
        {
            "oneOf": [
                {"required": ["between"], "properties": {"from": False, "to": False}},
                {"required": ["from", "to"], "properties": {"between": False}},
            ]
        },
        {"properties": {"between": {"minItems": 2, "maxItems": 2, "uniqueItems": True}}},
    )

    between: list[Vertex] | None = Field(None, examples=["[a, b]"])
    from_: Vertex | None = Field(None, alias="from", examples=["a"])
    to: Vertex | None = Field(None, examples=["b"])

    def problems(self) -> Iterator[Mistake]:
        one_way = [key for key, end in (("from", self.from_), ("to", self.to)) if end is not None]
        if not (one_way == ["from", "to"] if self.between is None else not one_way):
            given = listed(self.given) or "no link"
            yield Mistake((), f"got {given}; must have between: [a, b] for both ways, or from: a and to: b for one way")
        elif self.between is not None and (len(self.between) != 2 or self.between[0] == self.between[1]):
            text = f"got {listed(self.between)}" if self.between else "got an empty list"
            yield Mistake(("between",), f"{text}; must be two different sites; write e.g. between: [a, b]")

    def __str__(self) -> str:
        return f"{self.from_} → {self.to}" if self.between is None else f"{self.between[0]} ↔ {self.between[1]}"

    def pairs(self) -> tuple[tuple[str, str], ...]:
        if self.between is None:
            assert self.from_ is not None
            assert self.to is not None
            return ((self.from_, self.to),)
        return (self.between[0], self.between[1]), (self.between[1], self.between[0])

    def location_of(self, site: str) -> tuple[str | int, ...]:
        """Where a site is named."""
        if self.between is not None:
            return ("between", self.between.index(site))
        return ("from",) if site == self.from_ else ("to",)


def _read_links(value: Any, info: ValidationInfo) -> tuple[LinkNameForm, ...]:
    def read(item: Any) -> LinkNameForm:
        form: LinkNameForm = read_as(LinkNameForm, item, info.context)
        return form

    if not isinstance(value, list):
        return (read(value),)
    if not value:
        raise MistakeError(f"got {show(value)}; must name at least one link")
    return tuple(read_each(value, read))


LinksField = Annotated[tuple[LinkNameForm, ...], PlainValidator(_read_links), WithJsonSchema(schema_of("Links"))]


class LinksForm(TargetsForm):
    """Strikes links."""

    needs = (("nodes",), ("services",), ("traffic",), ("network",))

    def fault(self, target: LinkNameForm, system: System, cause: str) -> LinkFault:
        links = system.network.links
        sites = {site for pair in links for site in pair}
        for site in dict.fromkeys(site for pair in target.pairs() for site in pair):
            if site not in sites:
                with inside(*target.location_of(site)):
                    raise MistakeError(unknown("site of a link", site, sites, "links come from network:"))
        for pair in target.pairs():
            if pair not in links:
                ends = sorted(f"{sender} → {receiver}" for sender, receiver in links if pair[0] in (sender, receiver))
                there = listed(ends[:MOST_LINKS_NAMED]) + (" …" if len(ends) > MOST_LINKS_NAMED else "")
                raise MistakeError(f"got {pair[0]} → {pair[1]}, between which there is no link; there are {there}")
        return self.made(target, system, cause)

    def idle(self, fault: Fault, system: System) -> str:
        """Ways in a graph may lead over any link."""
        assert isinstance(fault, LinkFault)
        if system.network.routed or any(system.exchange(*map(system.at_site, pair)) for pair in fault.pairs):
            return ""
        return f"no message goes over the link {fault.target}, so nothing suffers; name another link, or remove it"

    @abstractmethod
    def made(self, target: LinkNameForm, system: System, cause: str) -> LinkFault:
        """The machine form for links that exist. Raises MistakeError for one that cannot feel it."""
