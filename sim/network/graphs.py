"""Graphs of networkx and graph files, as the scenario language writes them.

An edge's attributes are the keys of a link in a scenario (`latency: 1ms`, `bandwidth: 10Gbps` …), a vertex's its `zone`
and its `rack`. Others are left alone: files carry labels and positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import DsimError

if TYPE_CHECKING:
    import networkx as nx

EDGE_KEYS = ("latency", "jitter", "loss", "bandwidth", "sharing")
VERTEX_KEYS = ("zone", "rack")
_READERS = {".graphml": "read_graphml", ".gml": "read_gml", ".edgelist": "read_edgelist"}
"""Of networkx, by the end of the file's name. An edge list has a line `a b {'latency': '1ms'}` an edge."""


class GraphError(DsimError):
    """A graph that cannot be read, or that is no network."""


def read_graph(path: Path) -> nx.Graph:
    """A graph or a digraph from a GraphML, GML or edge list file, with names of vertices as text. Raises GraphError."""
    if not path.is_file():
        raise GraphError(f"{path}: there is no such file; give the path of a GraphML, GML or edge list file")
    if path.suffix not in _READERS:
        raise GraphError(f"{path}: got a name ending in {path.suffix!r}; must be .graphml, .gml or .edgelist")
    import networkx as nx

    try:
        graph = getattr(nx, _READERS[path.suffix])(path)
    except Exception as error:  # the readers raise whatever the parsers below them do
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise GraphError(f"{path}: cannot be read as {path.suffix[1:]}: {reason}") from None
    if not isinstance(graph, nx.Graph):
        raise GraphError(f"{path}: has {len(graph)} graphs; must be one")
    return nx.relabel_nodes(graph, str)


def from_graph(graph: nx.Graph) -> dict[str, Any]:
    """What to write under `network.topology` for a graph of networkx.

    An edge of an undirected graph is a link in both directions. Attributes of edges are those of a link as a scenario
    writes them, with units: `latency="1ms"`, `bandwidth="10Gbps"`; attributes of vertices `zone` and `rack`.
    Raises: GraphError for parallel edges.
    """
    check_simple(graph)
    links = [{**_ends(graph, a, b), **attributes} for a, b, attributes in edges_of(graph)]
    vertices = {str(name): found for name, data in graph.nodes(data=True) if (found := _known(data, VERTEX_KEYS))}
    return {"graph": {"links": links} | ({"vertices": vertices} if vertices else {})}


def check_simple(graph: nx.Graph) -> None:
    """Raises GraphError where two edges lead the same way, or one back to where it starts."""
    if graph.is_multigraph():
        for a, b, _ in graph.edges(keys=True):
            if graph.number_of_edges(a, b) > 1:
                raise GraphError(f"the edge from {a} to {b} is there {graph.number_of_edges(a, b)} times; keep one")
    loop = next((a for a, b in graph.edges() if a == b), None)
    if loop is not None:
        raise GraphError(f"an edge leads from {loop} to itself; remove it: what stays at a vertex takes no time")


def edges_of(graph: nx.Graph) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Names of the ends of each edge, and its attributes that are keys of a link."""
    for a, b, attributes in graph.edges(data=True):
        yield str(a), str(b), _known(attributes, EDGE_KEYS)


def _ends(graph: nx.Graph, a: str, b: str) -> dict[str, Any]:
    return {"from": a, "to": b} if graph.is_directed() else {"between": [a, b]}


def _known(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: attributes[key] for key in keys if key in attributes}
