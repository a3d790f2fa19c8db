"""Graphs of networkx in scenarios, and files that are no graphs."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest

from sim.distributions import Constant
from sim.model import Link
from sim.network import GraphError, from_graph, leaf_spine, read_graph
from sim.scenario import load_text

SCENARIO = """\
scenario: s
nodes: {app: {count: 2, at: [FIRST, SECOND]}}
network: {topology: {ring: {vertices: 3, latency: 1ms}}}
services: {api: {nodes: app, instances: 2, cpu: 5ms}}
traffic: {users: {to: api, from: {vertex: FIRST}, arrivals: poisson(9/s)}}
"""


def network_of(graph: nx.Graph, here: str, there: str) -> dict[tuple[str, str], Link]:
    text = SCENARIO.replace("FIRST", here).replace("SECOND", there)
    model = load_text(text, "f.yaml", {"network.topology": from_graph(graph)}).resolve("baseline")
    assert [node.site for node in model.nodes] == [here.strip('"'), there.strip('"')]
    return model.network.links


def test_every_edge_of_a_graph_is_a_link_both_ways() -> None:
    graph = nx.Graph()
    graph.add_edge("New York", "St. John's", latency="30ms", bandwidth="1Gbps", weight=7, colour="red")
    graph.add_edge("New York", 3, latency={"lognormal": {"mean": "2ms", "cv": 0.5}}, loss="0.1%")
    links = network_of(graph, '"St. John\'s"', '"3"')
    assert len(links) == 4
    assert links["St. John's", "New York"] == links["New York", "St. John's"] == Link(Constant(0.03), None, 0.0, 1e9)
    assert links["3", "New York"].latency.mean() == pytest.approx(0.002)
    assert links["3", "New York"].loss == 0.001


def test_an_edge_of_a_digraph_is_a_link_one_way() -> None:
    graph = nx.DiGraph()
    for a, b in (("a", "b"), ("b", "c"), ("c", "a")):
        graph.add_edge(a, b, latency="1ms")
    graph.nodes["b"].update(zone="z", rack="r", size=3)
    assert list(network_of(graph, "a", "b")) == [("a", "b"), ("b", "c"), ("c", "a")]
    assert from_graph(graph)["graph"]["vertices"] == {"b": {"zone": "z", "rack": "r"}}


def test_a_generator_can_be_changed_before_it_is_used() -> None:
    graph = leaf_spine(2, 2, 2)
    nx.set_edge_attributes(graph, "10us", "latency")
    graph.edges["spine-1", "leaf-1"]["latency"] = "5ms"
    links = network_of(graph, "host-1", "host-4")
    assert {str(link.latency.mean()) for pair, link in links.items() if "spine-1" in pair} == {"1e-05", "0.005"}


def test_parallel_edges_and_loops_are_refused() -> None:
    with pytest.raises(GraphError, match="from a to b is there 2 times; keep one"):
        from_graph(nx.MultiGraph([("a", "b"), ("a", "b")]))
    with pytest.raises(GraphError, match="from a to itself; remove it"):
        from_graph(nx.Graph([("a", "b"), ("a", "a")]))
    assert len(from_graph(nx.MultiGraph([("a", "b")]))["graph"]["links"]) == 1


@pytest.mark.parametrize(
    "name, text",
    [
        ("empty.graphml", ""),
        ("words.graphml", "this is no XML"),
        ("other.graphml", "<html><body/></html>"),
        ("empty.gml", ""),
        ("half.gml", "graph [ node [ id 0"),
        ("binary.gml", "\x00\xff\x01"),
        ("code.edgelist", "a b {__import__('os')}\n"),
    ],
)
def test_what_is_no_graph_is_told_so(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(GraphError, match=rf"{name}: (cannot be read as|has 0 graphs)") as caught:
        read_graph(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_files_that_networkx_wrote_are_read(tmp_path: Path) -> None:
    graph = leaf_spine(2, 2, 1)
    nx.set_edge_attributes(graph, "10us", "latency")
    nx.write_graphml(graph, tmp_path / "g.graphml")
    nx.write_gml(graph, tmp_path / "g.gml")
    nx.write_edgelist(graph, tmp_path / "g.edgelist")
    for name in ("g.graphml", "g.gml", "g.edgelist"):
        found = read_graph(tmp_path / name)
        assert {frozenset(edge) for edge in found.edges} == {frozenset(edge) for edge in graph.edges}
        assert set(nx.get_edge_attributes(found, "latency").values()) == {"10us"}
