"""A picture's layout of a directed graph in layers from left to right (Sugiyama, Tagawa & Toda, IEEE Transactions on
Systems, Man and Cybernetics 11(2), 1981): layers by the longest way from the left, lanes for edges that pass a layer,
an order within the layers with few crossings, then heights close to the neighbours'."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np

SWEEPS = 8
LANE_HEIGHT = 0.28
"""Of an edge that passes between two boxes, in the units of the heights."""


@dataclass(frozen=True)
class Layout:
    """`layer` and height `y` (upwards, 0 in the middle) of every node; `lanes`: the heights at which an edge passes the
    layers between its ends; `back`: edges that lead to the left or stay in their layer."""

    layer: dict[Any, int]
    y: dict[Any, float]
    lanes: dict[tuple[Any, Any], list[float]]
    back: frozenset[tuple[Any, Any]]


def layered(graph: nx.DiGraph, heights: Mapping[Hashable, float], gap: float, roots: frozenset[Any]) -> Layout:
    """Lay out a graph whose nodes have these heights, `gap` apart. `roots` alone stand in layer 0."""
    back = _back_edges(graph, roots)
    forward = nx.DiGraph(graph)
    forward.remove_edges_from(back)
    layer: dict[Any, int] = {}
    for node in nx.topological_sort(forward):
        before = [layer[other] + 1 for other in forward.predecessors(node)]
        layer[node] = 0 if node in roots else max([1, *before])
    chains, height = _with_lanes(forward, layer, heights)
    order = _ordered(chains, layer)
    y = _placed(chains, order, height, gap)
    lanes = {(a, b): [y[_lane(a, b, i)] for i in range(layer[a] + 1, layer[b])] for a, b in forward.edges}
    return Layout({n: layer[n] for n in graph}, {n: y[n] for n in graph}, lanes, back)


def _back_edges(graph: nx.DiGraph, roots: frozenset[Any]) -> frozenset[tuple[Any, Any]]:
    """Edges within a circle that do not lead away from the roots; without them there are no circles."""
    depth: dict[Any, int] = {}
    for level, nodes in enumerate(nx.bfs_layers(graph, [node for node in graph if node in roots])):
        depth |= dict.fromkeys(nodes, level)
    found = set()
    for circle in nx.strongly_connected_components(graph):
        rank = {node: (depth.get(node, 0), number) for number, node in enumerate(n for n in graph if n in circle)}
        found |= {(a, b) for a, b in graph.subgraph(circle).edges if rank[b] <= rank[a]}
    return frozenset(found)


def _lane(a: Any, b: Any, layer: int) -> tuple[str, Any, Any, int]:
    return ("lane", a, b, layer)


def _with_lanes(
    forward: nx.DiGraph, layer: dict[Any, int], heights: Mapping[Hashable, float]
) -> tuple[nx.DiGraph, dict[Any, float]]:
    """The graph with a node in every layer that an edge passes; their layers and heights are added."""
    chains, height = nx.DiGraph(), dict(heights)
    chains.add_nodes_from(forward)
    for a, b in forward.edges:
        passed = [_lane(a, b, i) for i in range(layer[a] + 1, layer[b])]
        layer |= {lane: lane[3] for lane in passed}
        height |= dict.fromkeys(passed, LANE_HEIGHT)
        nx.add_path(chains, [a, *passed, b])
    return chains, height


def _ordered(chains: nx.DiGraph, layer: Mapping[Any, int]) -> list[list[Any]]:
    """Nodes of each layer from the top, by the mean place of their neighbours in the layer before, then after."""
    order: list[list[Any]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for node in chains:
        order[layer[node]].append(node)
    best, fewest = order, _crossings(chains, order)
    for sweep in range(SWEEPS):
        leftwards = sweep % 2 == 1
        order = [list(nodes) for nodes in order]
        for nodes in reversed(order[:-1]) if leftwards else order[1:]:
            neighbours = chains.successors if leftwards else chains.predecessors
            place = {node: i / max(len(row) - 1, 1) for row in order for i, node in enumerate(row)}
            own = {node: place[node] for node in nodes}
            means = {n: float(np.mean([place[o] for o in neighbours(n)] or [own[n]])) for n in nodes}
            nodes.sort(key=means.__getitem__)
        crossings = _crossings(chains, order)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _crossings(chains: nx.DiGraph, order: list[list[Any]]) -> int:
    place = {node: i for row in order for i, node in enumerate(row)}
    total = 0
    for row in order:
        ends = [(place[a], place[b]) for a in row for b in chains.successors(a)]
        total += sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(ends) for c, d in ends[:i])
    return total


def _placed(chains: nx.DiGraph, order: list[list[Any]], height: Mapping[Any, float], gap: float) -> dict[Any, float]:
    """Heights that keep the order and the distances and are close to those of the neighbours."""
    y: dict[Any, float] = {}
    for nodes in order:
        offsets = _offsets(nodes, height, gap)
        y |= {node: -offset + offsets[-1] / 2.0 for node, offset in zip(nodes, offsets, strict=True)}
    for sweep in range(SWEEPS):
        for nodes in order if sweep % 2 == 0 else reversed(order):
            wish = [float(np.mean([y[o] for o in nx.all_neighbors(chains, n)] or [y[n]])) for n in nodes]
            y |= dict(zip(nodes, _kept_apart(wish, _offsets(nodes, height, gap)), strict=True))
    middle = (max(y.values()) + min(y.values())) / 2.0 if y else 0.0
    return {node: value - middle for node, value in y.items()}


def _offsets(nodes: list[Any], height: Mapping[Any, float], gap: float) -> np.ndarray:
    """Least distance of each from the first, downwards."""
    steps = [(height[a] + height[b]) / 2.0 + gap for a, b in pairwise(nodes)]
    return np.concatenate([[0.0], np.cumsum(steps)])


def _kept_apart(wish: list[float], offsets: np.ndarray) -> list[float]:
    """The heights nearest to a wish (least squares) that descend by the offsets' steps at least."""
    from scipy.optimize import isotonic_regression

    shifted = isotonic_regression(np.asarray(wish) + offsets, increasing=False).x
    return [float(value) for value in shifted - offsets]
