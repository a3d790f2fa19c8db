"""Networks as graphs: generators by name, files, graphs of networkx, and the shortest ways through them.

A scenario names a generator or a file under `network.topology`. From Python, any graph of networkx:

    graph = sim.network.leaf_spine(spines=2, leaves=4, hosts=4)
    networkx.set_edge_attributes(graph, "50us", "latency")
    sim.load("shop.yaml", {"network.topology": sim.network.from_graph(graph)})
"""

from __future__ import annotations

from sim.network.generators import fat_tree, leaf_spine, ring, star
from sim.network.graphs import EDGE_KEYS, VERTEX_KEYS, GraphError, from_graph, read_graph

__all__ = [
    "EDGE_KEYS",
    "VERTEX_KEYS",
    "GraphError",
    "fat_tree",
    "from_graph",
    "leaf_spine",
    "read_graph",
    "ring",
    "star",
]
