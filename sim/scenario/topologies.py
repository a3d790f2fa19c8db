"""Networks that are graphs: what is written under `network.topology`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from sim.errors import ScenarioErrors
from sim.forms import Form, MistakeError, MistakesError, inside, listed, show, suggestion, unknown
from sim.forms.base import Mistake, not_one, read_as, schema_of
from sim.forms.fields import Identifier, count_field
from sim.forms.names import read_vertex
from sim.forms.scalar import folder_of
from sim.model import Link
from sim.network import EDGE_KEYS, VERTEX_KEYS, GraphError, fat_tree, leaf_spine, read_graph, ring, star
from sim.network.graphs import check_simple, edges_of
from sim.scenario.links import EdgeForm, LinkForm, LinkKeys, Rules, link_of
from sim.scenario.reader import parse

if TYPE_CHECKING:
    import networkx as nx

MOST_VERTICES = 2000
MOST_PORTS = 16
"""Of the switches of a fat tree: 1,344 vertices."""


class Spot(NamedTuple):
    """Where a vertex is, as far as the graph says."""

    zone: str | None = None
    rack: str | None = None


@dataclass(frozen=True)
class Topology:
    """A graph of sites: zones and racks of the vertices that have them, those at which machines stand where nothing
    else is said, and the links by (sender, receiver)."""

    vertices: dict[str, Spot] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    links: dict[tuple[str, str], Link] = field(default_factory=dict)


class VertexForm(Form):
    """Where a vertex is."""

    shape = "a mapping such as {zone: a, rack: r1}"

    zone: Identifier | None = Field(None, examples=["a"])
    rack: Identifier | None = Field(None, examples=["r1"])


class GeneratedForm(LinkForm):
    """A topology by name; all of its links are alike."""

    @abstractmethod
    def graph(self) -> nx.Graph:
        """Undirected, as `sim.network.generators` describes."""

    def topology(self) -> Topology:
        graph, link = self.graph(), link_of(self)
        pairs = ((s, t) for a, b in graph.edges for s, t in ((a, b), (b, a)))
        vertices = {name: Spot(rack=rack) for name, rack in graph.nodes(data="rack")}
        return Topology(
            vertices, tuple(name for name, host in graph.nodes(data="host") if host), dict.fromkeys(pairs, link)
        )


class StarForm(GeneratedForm):
    shape = "a mapping such as {leaves: 6, latency: 0.1ms}"

    leaves: Annotated[int, *count_field(1, MOST_VERTICES - 1)] = Field(examples=[6])

    def graph(self) -> nx.Graph:
        return star(self.leaves)


class RingForm(GeneratedForm):
    shape = "a mapping such as {vertices: 6, latency: 1ms}"

    vertices: Annotated[int, *count_field(3, MOST_VERTICES)] = Field(examples=[6])

    def graph(self) -> nx.Graph:
        return ring(self.vertices)


class FatTreeForm(GeneratedForm):
    shape = "a mapping such as {k: 4, latency: 10us, bandwidth: 10Gbps}"
    rules: ClassVar[Rules] = (*GeneratedForm.rules, {"properties": {"k": {"multipleOf": 2}}})

    k: Annotated[int, *count_field(2, MOST_PORTS)] = Field(examples=[4])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.k % 2:
            yield Mistake(("k",), f"got {self.k}; must be even: half of a switch's ports lead up; write e.g. k: 4")

    def graph(self) -> nx.Graph:
        return fat_tree(self.k)


class LeafSpineForm(GeneratedForm):
    shape = "a mapping such as {spines: 2, leaves: 4, hosts: 4, latency: 10us}"

    spines: Annotated[int, *count_field(1, MOST_VERTICES)] = Field(examples=[2])
    leaves: Annotated[int, *count_field(1, MOST_VERTICES)] = Field(examples=[4])
    hosts: Annotated[int, *count_field(1, MOST_VERTICES)] = Field(examples=[4])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        size = self.spines + self.leaves * (1 + self.hosts)
        if size > MOST_VERTICES:
            yield Mistake((), f"has {size:,} vertices; must have at most {MOST_VERTICES:,}")

    def graph(self) -> nx.Graph:
        return leaf_spine(self.spines, self.leaves, self.hosts)


def _read_file(value: Any, info: ValidationInfo) -> nx.Graph:
    """A graph file, relative to the file that names it."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise MistakeError(f"got {show(value)}; must be the path of a graph file, relative to the scenario file")
    try:
        graph = read_graph(folder_of(value, (info.context or {}).get("folder")) / value)
        check_simple(graph)
    except GraphError as error:
        raise MistakeError(str(error)) from None
    if not graph.number_of_edges():
        raise MistakeError(f"{value}: has no edges; must have at least one")
    return graph


def _read_vertices(value: Any, info: ValidationInfo) -> dict[str, VertexForm]:
    if not isinstance(value, Mapping):
        raise MistakeError(f"got {show(value)}; must be a mapping such as {{tokyo: {{zone: a}}}}")
    found: dict[str, VertexForm] = {}
    for name, given in value.items():
        with inside(name):
            found[read_vertex(name)] = read_as(VertexForm, given, info.context)
    return found


GraphFile = Annotated[Any, PlainValidator(_read_file), WithJsonSchema({"type": "string", "minLength": 1})]
VerticesField = Annotated[dict[str, VertexForm], PlainValidator(_read_vertices), WithJsonSchema(schema_of("Vertices"))]


class GraphForm(LinkKeys):
    """Any graph, from a file or link by link. Keys of a link beside it hold where the graph itself says nothing."""

    shape = "the path of a graph file, or a mapping such as {links: [{between: [a, b], latency: 1ms}]}"
    shorthand = {"type": "string", "minLength": 1}  # noqa: RUF012
    rules = ({"oneOf": [{"required": ["file"]}, {"required": ["links"]}]}, {"properties": {"links": {"minItems": 1}}})

    file: GraphFile | None = Field(None, examples=["network.graphml"])
    links: list[EdgeForm] | None = Field(None, examples=["[{between: [a, b], latency: 1ms}]"])
    vertices: VerticesField = Field(default_factory=dict, examples=["{a: {zone: x}}"])

    @classmethod
    def expand(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str) else value

    def problems(self) -> Iterator[Mistake]:
        if (self.file is None) == (self.links is None):
            ways = "file: for a graph in a file, or links: for one that is written here"
            yield Mistake(
                (), f"got {'both file and links' if self.file else 'neither file nor links'}; must have {ways}"
            )
        if self.links == []:
            yield Mistake(
                ("links",), "got an empty list; must have at least one; write e.g. {between: [a, b], latency: 1ms}"
            )

    def topology(self) -> Topology:
        """Raises MistakesError."""
        vertices, links = self._from_file() if self.file is not None else self._from_links()
        for name, form in self.vertices.items():
            if name not in vertices:
                with inside("vertices", name):
                    raise MistakeError(unknown("vertex", name, vertices))
            vertices[name] = Spot(form.zone, form.rack)
        return Topology(vertices, tuple(vertices), links)

    def _from_links(self) -> tuple[dict[str, Spot], dict[tuple[str, str], Link]]:
        links: dict[tuple[str, str], Link] = {}
        for i, edge in enumerate(self.links or ()):
            with inside("links", i):
                link = link_of(self, edge)
                for sender, receiver in edge.pairs():
                    if sender == receiver:
                        raise MistakeError(f"leads from {sender} to itself; remove it")
                    if (sender, receiver) in links:
                        raise MistakeError(
                            f"the link from {sender} to {receiver} was given before; remove one of the two"
                        )
                    links[sender, receiver] = link
        vertices = {name: Spot() for pair in links for name in pair}
        _check_count(len(vertices))
        return vertices, links

    def _from_file(self) -> tuple[dict[str, Spot], dict[tuple[str, str], Link]]:
        graph = self.file
        links: dict[tuple[str, str], Link] = {}
        assert graph is not None
        with inside("file"):
            _check_count(len(graph))
            vertices = {name: _spot(name, data) for name, data in graph.nodes(data=True)}
            lacking = [f"{a} – {b}" for a, b, found in edges_of(graph) if "latency" not in found]
            if lacking and self.latency is None:
                more = f" and of {len(lacking) - 1} more" if len(lacking) > 1 else ""
                text = (
                    f"the latency of the edge {lacking[0]}{more} is missing; give each edge an attribute latency such"
                )
                raise MistakeError(f"{text} as 1ms, or write {{file: …, latency: 1ms}} for those without")
            for a, b, attributes in edges_of(graph):
                link = self._edge(f"{a} – {b}", attributes, graph.edges[a, b])
                links |= dict.fromkeys([(a, b)] if graph.is_directed() else [(a, b), (b, a)], link)
        return vertices, links

    def _edge(self, name: str, known: Mapping[str, Any], attributes: Iterable[str]) -> Link:
        """Raises MistakeError."""
        for key in attributes:
            if key not in EDGE_KEYS and (meant := suggestion(key, EDGE_KEYS)):
                raise MistakeError(f"the edge {name} has the unknown attribute {key}{meant}")
        try:
            return link_of(self, read_as(LinkKeys, {key: _value(given) for key, given in known.items()}))
        except MistakesError as error:
            where = ".".join(map(str, error.found[0].location))
            raise MistakeError(f"the edge {name}: {where}: {error.found[0].text}") from None
        except MistakeError as error:
            raise MistakeError(f"the edge {name} {error.text}") from None


def _value(given: Any) -> Any:
    """An attribute of a graph file; a mapping is written as text there."""
    if not isinstance(given, str) or not given.startswith("{"):
        return given
    try:
        return parse(given, "")[0]
    except ScenarioErrors:
        return given


def _spot(name: str, data: Mapping[str, Any]) -> Spot:
    try:
        read_vertex(name)
        form = read_as(VertexForm, {key: data[key] for key in VERTEX_KEYS if key in data})
    except MistakesError as error:
        where = ".".join(map(str, error.found[0].location))
        raise MistakeError(f"the vertex {show(name)}: {where}: {error.found[0].text}") from None
    return Spot(form.zone, form.rack)


def _check_count(vertices: int) -> None:
    if vertices > MOST_VERTICES:
        raise MistakeError(f"has {vertices:,} vertices; must have at most {MOST_VERTICES:,}")


TOPOLOGIES: dict[str, type[GeneratedForm] | type[GraphForm]] = {
    "star": StarForm,
    "ring": RingForm,
    "fat_tree": FatTreeForm,
    "leaf_spine": LeafSpineForm,
    "graph": GraphForm,
}


def _read_topology(value: Any, info: ValidationInfo) -> GeneratedForm | GraphForm:
    what = f"one of {listed(TOPOLOGIES, 'or')}, such as {{star: {{leaves: 6, latency: 0.1ms}}}}"
    if isinstance(value, str) and value in TOPOLOGIES:
        raise MistakeError(f"got {value}, without what it needs; write {{{value}: …}}, {TOPOLOGIES[value].shape}")
    if not isinstance(value, Mapping) or len(value) != 1 or not set(value) <= set(TOPOLOGIES):
        names = [value] if isinstance(value, str) else list(value) if isinstance(value, Mapping) else []
        hints = [hint for name in names if (hint := suggestion(str(name), TOPOLOGIES))]
        raise MistakeError(not_one(value, what) + (hints[0] if hints and len(names) == 1 else ""))
    [(name, given)] = value.items()
    with inside(name):
        form = read_as(TOPOLOGIES[name], given, info.context)
    assert isinstance(form, GeneratedForm | GraphForm)
    return form


TopologyField = Annotated[
    GeneratedForm | GraphForm, PlainValidator(_read_topology), WithJsonSchema(schema_of("Topology"))
]
