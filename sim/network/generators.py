"""Topologies by name, as undirected graphs of networkx without latencies.

Vertices come in the order in which people count them. Those at which machines stand have the attribute `host`; those
below a switch have it as their `rack`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx as nx


def star(leaves: int) -> nx.Graph:
    """`leaf-1` … around `hub`; machines stand at the leaves."""
    graph = _empty()
    graph.add_node("hub")
    for leaf in _numbered("leaf", leaves):
        graph.add_node(leaf, host=True)
        graph.add_edge("hub", leaf)
    return graph


def ring(vertices: int) -> nx.Graph:
    """`ring-1`, `ring-2` … in a circle, at least 3; machines stand at all of them."""
    graph = _empty()
    names = _numbered("ring", vertices)
    graph.add_nodes_from(names, host=True)
    graph.add_edges_from(zip(names, [*names[1:], names[0]], strict=True))
    return graph


def fat_tree(k: int) -> nx.Graph:
    """Of switches with k ports, k even: k pods of k/2 edge and k/2 aggregation switches, (k/2)² core switches, k³/4
    hosts. Aggregation switch number j of every pod has the core switches (j − 1)·k/2 + 1 to j·k/2.

    Source: Al-Fares, Loukissas & Vahdat, "A Scalable, Commodity Data Center Network Architecture", SIGCOMM 2008,
    section 3.
    """
    half = k // 2
    graph = _empty()
    cores = _numbered("core", half * half)
    graph.add_nodes_from(cores)
    hosts = iter(_numbered("host", k * half * half))
    for pod in range(1, k + 1):
        aggregations, edges = _numbered(f"pod-{pod}-aggregation", half), _numbered(f"pod-{pod}-edge", half)
        for j, aggregation in enumerate(aggregations):
            graph.add_edges_from((core, aggregation) for core in cores[j * half : (j + 1) * half])
            graph.add_edges_from((aggregation, edge) for edge in edges)
        for edge in edges:
            for _ in range(half):
                _below(graph, edge, next(hosts))
    return graph


def leaf_spine(spines: int, leaves: int, hosts: int) -> nx.Graph:
    """Every leaf switch has a link to every spine switch, and `hosts` hosts below it: a folded Clos network of two
    stages (Clos, Bell System Technical Journal 32(2), 1953)."""
    graph = _empty()
    tops, names = _numbered("spine", spines), iter(_numbered("host", leaves * hosts))
    graph.add_nodes_from(tops)
    for leaf in _numbered("leaf", leaves):
        graph.add_edges_from((spine, leaf) for spine in tops)
        for _ in range(hosts):
            _below(graph, leaf, next(names))
    return graph


def _empty() -> nx.Graph:
    import networkx as nx

    return nx.Graph()


def _below(graph: nx.Graph, switch: str, host: str) -> None:
    graph.add_node(host, host=True, rack=switch)
    graph.add_edge(switch, host)


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}-{i}" for i in range(1, count + 1)]
