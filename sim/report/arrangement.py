"""Where the places of a network stand in its picture, in inches: switches above hosts, rings round, zones by region."""

from __future__ import annotations

import math
from collections.abc import Mapping

import networkx as nx
import numpy as np

Positions = dict[str, tuple[float, float]]

LAYER_IN, APART_IN, ROOMY_IN = 1.5, 0.5, 1.6
WIDEST_IN = 26.0
SEED = 1


def arranged(graph: nx.Graph) -> Positions:
    """Positions of a graph's vertices: a hub in the middle of its leaves; a circle; layers by the distance from the
    hosts, where every edge leads from one layer to the next; else with edges of about one length."""
    degrees = dict(graph.degree)
    leaves = [vertex for vertex in graph if degrees[vertex] == 1]
    hub = max(graph, key=degrees.__getitem__)
    if degrees[hub] == len(graph) - 1 and len(leaves) == len(graph) - 1 and len(graph) > 3:
        return {hub: (0.0, 0.0), **_circle(leaves)}
    if len(graph) > 2 and set(degrees.values()) == {2} and nx.is_connected(graph):
        return _circle([a for a, _ in nx.find_cycle(graph)])
    heights = _heights(graph, leaves)
    if heights and all(abs(heights[a] - heights[b]) == 1 for a, b in graph.edges):
        return _layers(graph, heights)
    return _free(graph)


def in_columns(regions: Mapping[str, str], width_in: float, heights_in: Mapping[str, float]) -> Positions:
    """Boxes of zones: on a circle, or in a column for each region where there are several."""
    columns: dict[str, list[str]] = {}
    for zone, region in regions.items():
        columns.setdefault(region, []).append(zone)
    if len(columns) < 2:
        radius = max(1.2, len(regions) * (width_in + 0.9) / (2.0 * math.pi)) if len(regions) > 1 else 0.0
        turns = [math.pi / 2.0 + 2.0 * math.pi * (i + 0.5) / len(regions) for i in range(len(regions))]
        return {z: (1.35 * radius * math.cos(a), radius * math.sin(a)) for z, a in zip(regions, turns, strict=True)}
    found: Positions = {}
    for number, zones in enumerate(columns.values()):
        total = sum(heights_in[zone] + 0.6 for zone in zones) - 0.6
        top = total / 2.0
        for zone in zones:
            found[zone] = number * (width_in + 2.4), top - heights_in[zone] / 2.0
            top -= heights_in[zone] + 0.6
    return found


def _circle(names: list[str]) -> Positions:
    radius = max(1.6, len(names) * 1.15 / (2.0 * math.pi))
    angles = [math.pi / 2.0 - 2.0 * math.pi * i / len(names) for i in range(len(names))]
    return {name: (radius * math.cos(a), radius * math.sin(a)) for name, a in zip(names, angles, strict=True)}


def _heights(graph: nx.Graph, leaves: list[str]) -> dict[str, int]:
    """Links to the nearest leaf; nothing where a vertex reaches none."""
    heights: dict[str, int] = {}
    for level, vertices in enumerate(nx.bfs_layers(graph, leaves) if leaves else ()):
        heights |= dict.fromkeys(vertices, level)
    return heights if len(heights) == len(graph) else {}


def _layers(graph: nx.Graph, heights: Mapping[str, int]) -> Positions:
    """From the bottom: each vertex above the middle of those below it, and all of a layer evenly apart."""
    rows = [[vertex for vertex in graph if heights[vertex] == level] for level in range(max(heights.values()) + 1)]
    order = {vertex: float(i) for i, vertex in enumerate(_by_switch(graph, rows[0]))}
    apart = min(APART_IN if len(rows[0]) > 12 else ROOMY_IN, WIDEST_IN / max(len(rows[0]), 1))
    width = max(apart * (len(rows[0]) - 1), 5.0)
    found: Positions = {}
    for level, row in enumerate(rows):
        if level:
            below = {v: [order[o] for o in graph[v] if heights[o] == level - 1] for v in row}
            order |= {v: float(np.mean(below[v])) for v in row}
        row.sort(key=order.__getitem__)
        step = width / len(row)
        found |= {v: ((i + 0.5) * step - width / 2.0, level * LAYER_IN) for i, v in enumerate(row)}
    return found


def _by_switch(graph: nx.Graph, hosts: list[str]) -> list[str]:
    """Hosts of one switch beside each other."""
    switches: dict[str, list[str]] = {}
    for host in hosts:
        switches.setdefault(next(iter(graph[host])), []).append(host)
    return [host for group in switches.values() for host in group]


def _free(graph: nx.Graph) -> Positions:
    size = min(max(4.0, 1.1 * math.sqrt(len(graph)) * 1.6), 14.0)
    place = nx.kamada_kawai_layout if len(graph) <= 150 and nx.is_connected(graph) else nx.spring_layout
    options = {} if place is nx.kamada_kawai_layout else {"seed": SEED}
    positions = place(graph, weight=None, **options)
    return {name: (float(x) * size * 0.62, float(y) * size * 0.42) for name, (x, y) in positions.items()}
