"""Topologies by name: sizes, degrees and lengths as their papers give them."""

from __future__ import annotations

import networkx as nx
import pytest

from sim.network import fat_tree, leaf_spine, ring, star


def hosts(graph: nx.Graph) -> list[str]:
    return [name for name, host in graph.nodes(data="host") if host]


def level(graph: nx.Graph, name: str) -> list[str]:
    return [vertex for vertex in graph if name in vertex]


@pytest.mark.parametrize("k", [2, 4, 6, 8])
def test_a_fat_tree_has_the_sizes_of_the_paper(k: int) -> None:
    """Section 3: (k/2)² core switches, k pods of two layers of k/2 switches, k³/4 hosts; every switch has k ports."""
    tree = fat_tree(k)
    assert len(level(tree, "core")) == (k // 2) ** 2
    assert len(level(tree, "aggregation")) == len(level(tree, "edge")) == k * k // 2
    assert len(hosts(tree)) == k**3 // 4
    assert {degree for name, degree in tree.degree if name not in hosts(tree)} == {k}
    assert {degree for name, degree in tree.degree if name in hosts(tree)} == {1}


def test_a_fat_tree_is_rearrangeably_non_blocking_between_levels() -> None:
    """As many links from hosts to edges as from edges to aggregation and from there to the core; each core switch
    reaches each pod once."""
    tree = fat_tree(4)
    for core in level(tree, "core"):
        assert sorted(name[:5] for name in tree[core]) == ["pod-1", "pod-2", "pod-3", "pod-4"]
    names = [("host", "edge"), ("edge", "aggregation"), ("aggregation", "core")]
    counts = {pair: sum({n for n in pair if n in a or n in b} == set(pair) for a, b in tree.edges) for pair in names}
    assert set(counts.values()) == {16}


def test_distances_in_a_fat_tree() -> None:
    """2 links below one edge switch, 4 in a pod, 6 between pods."""
    distance = dict(nx.all_pairs_shortest_path_length(fat_tree(4)))
    assert [distance["host-1"][f"host-{i}"] for i in (2, 3, 4, 5, 16)] == [2, 4, 4, 6, 6]
    assert fat_tree(4).nodes["host-3"]["rack"] == "pod-1-edge-2"


def test_a_leaf_spine_network_has_two_switches_between_any_two_leaves() -> None:
    graph = leaf_spine(spines=3, leaves=4, hosts=5)
    assert graph.number_of_edges() == 3 * 4 + 4 * 5
    assert hosts(graph) == [f"host-{i}" for i in range(1, 21)]
    assert nx.edge_connectivity(graph, "leaf-1", "leaf-2") == 3
    assert nx.shortest_path_length(graph, "host-1", "host-20") == 4
    assert [graph.nodes[f"host-{i}"]["rack"] for i in (5, 6)] == ["leaf-1", "leaf-2"]


def test_a_star_and_a_ring() -> None:
    assert nx.is_isomorphic(star(5), nx.star_graph(5))
    assert hosts(star(2)) == ["leaf-1", "leaf-2"]
    assert nx.is_isomorphic(ring(5), nx.cycle_graph(5))
    assert hosts(ring(3)) == ["ring-1", "ring-2", "ring-3"]
