"""The picture of a network: what is written into it, and where its places stand."""

from __future__ import annotations

import itertools
from pathlib import Path

import networkx as nx
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from sim.errors import DsimError
from sim.network import fat_tree, leaf_spine, ring, star
from sim.report.arrangement import arranged, in_columns
from sim.report.network import network
from sim.scenario import load, load_text

VALID = Path(__file__).parents[1] / "scenarios" / "valid"
RACKS = """
scenario: s
title: Four racks
nodes: {app: {count: 4, cores: 4}, db: {count: 2, at: [host-7, host-8]}}
network: {topology: {leaf_spine: {spines: 2, leaves: 4, hosts: 2, latency: 10us, bandwidth: 1Gbps, loss: 0.01%}}}
services:
  api: {nodes: app, instances: 4, response: 200kB, steps: [{cpu: 1ms}, {call: db}]}
  db: {nodes: db, instances: 2, io: 2ms}
traffic: {users: {to: api, from: {vertex: spine-1}, arrivals: poisson(1000/s)}}
"""


def picture(text: str) -> Figure:
    return network(load_text(text, "f.yaml").resolve("baseline"))


def texts(figure: Figure) -> set[str]:
    return {found.get_text() for found in figure.findobj(Text) if found.get_text()}


def test_what_a_picture_of_a_graph_says() -> None:
    """Of the 1.6 Mb of 1000 responses a second half leave each of two leaves."""
    written = texts(picture(RACKS))
    assert {"Four racks", "10 µs, 1Gbps, 0.01 % lost", "full first"} <= written
    assert {"spine-1\n(users)", "spine-2", "leaf-3", "host-1\napp-1", "host-8\ndb-2", "host-5"} <= written
    assert {"80.4 %", "40.2 %"} <= written


def test_what_a_picture_of_zones_says() -> None:
    scenario = load(VALID / "network-racks-and-regions.yaml")
    written = texts(network(scenario.resolve("baseline")))
    assert {"zone a", "zone b", "zone c", "region eu", "region us", "rack-1: app-1", "log-host-1", "(users)"} <= written
    assert {"in a rack 50 µs", "within 200 µs", "1 ms", "30 ms", "40 ms"} <= written


@pytest.mark.parametrize("file", sorted(VALID.glob("network-*.yaml")) + sorted(VALID.glob("topology-*.yaml")))
def test_every_network_can_be_drawn(file: Path) -> None:
    scenario = load(file)
    for name in scenario.variants:
        figure = network(scenario.resolve(name))
        figure.canvas.draw()
        for text in figure.axes[0].texts:
            extent = text.get_window_extent()
            assert figure.bbox.x0 <= extent.x0 and extent.x1 <= figure.bbox.x1, text.get_text()
            assert figure.bbox.y0 <= extent.y0 and extent.y1 <= figure.bbox.y1, text.get_text()


def test_a_scenario_without_a_network_is_told_so() -> None:
    with pytest.raises(DsimError, match="has no network to draw; add network"):
        picture("scenario: s\nservices: {a: {cpu: 1ms}}\ntraffic: {u: {to: a, arrivals: poisson(1/s)}}\n")


@pytest.mark.parametrize("graph", [fat_tree(4), leaf_spine(2, 3, 4), nx.balanced_tree(2, 3)])
def test_switches_stand_above_what_they_connect(graph: nx.Graph) -> None:
    """Levels as far from the hosts as links are."""
    positions = arranged(nx.relabel_nodes(graph, str))
    hosts = [v for v in graph if graph.degree[v] == 1]
    height = {v: min(nx.shortest_path_length(graph, v, host) for host in hosts) for v in graph}
    assert len({positions[str(v)] for v in graph}) == len(graph)
    for a, b in itertools.combinations(graph, 2):
        assert (positions[str(a)][1] < positions[str(b)][1]) == (height[a] < height[b])


def test_a_star_and_a_ring_are_round() -> None:
    for graph, middle in ((star(7), "hub"), (ring(8), None)):
        positions = arranged(graph)
        radii = {round((x * x + y * y) ** 0.5, 6) for name, (x, y) in positions.items() if name != middle}
        assert len(radii) == 1
        assert middle is None or positions[middle] == (0.0, 0.0)


def test_zones_of_a_region_share_a_column() -> None:
    positions = in_columns({"a": "eu", "b": "us", "c": "eu"}, 2.0, {"a": 1.0, "b": 1.0, "c": 2.0})
    assert positions["a"][0] == positions["c"][0] != positions["b"][0]
    assert abs(positions["a"][1] - positions["c"][1]) > 1.5
