"""Shortest ways through a network of links (Dijkstra, Numerische Mathematik 1, 1959), as tables of next hops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

UNREACHABLE = -1
_EXACT = 2.0**53
"""Whole numbers up to this one are exact as floats."""


def next_hops(sites: Sequence[str], links: Mapping[tuple[str, str], float]) -> np.ndarray:
    """Where a message goes next, on the way of least latency.

    Among ways of the same latency it takes one of those with the fewest links; among these, at each site, the
    neighbour whose name comes first. So the ways do not depend on the order of `sites` or `links`.

    Args:
        sites: all places, by name.
        links: mean latency in seconds, finite and not negative, of each link that is up, by (sender, receiver).
    Returns:
        int32, shape (sites, sites): in row s and column t the number of the site that follows s on the way to t; t
        itself in row t, -1 where there is no way.

    Latencies are rounded to a power of ten of a second, at most a 10^-14th of the longest way that there could be, so
    that 0.1 ms + 0.2 ms and 0.3 ms are the same.
    """
    number = {site: position for position, site in enumerate(sites)}
    between = {(number[a], number[b]): latency_s for (a, b), latency_s in links.items() if a != b}
    count = len(sites)
    hops = np.full((count, count), UNREACHABLE, np.int32)
    np.fill_diagonal(hops, np.arange(count, dtype=np.int32))
    if not between:
        return hops
    ends = np.array(list(between), np.int64)
    weight = _weights(np.array(list(between.values())), count)
    distance = _distances(ends, weight, count)
    rank = np.argsort(np.argsort(np.array(sites)))
    for link in np.argsort(-rank[ends[:, 1]], kind="stable"):
        sender, neighbour = ends[link]
        on_the_way = (distance[sender] == weight[link] + distance[neighbour]) & np.isfinite(distance[sender])
        hops[sender, on_the_way] = neighbour
    return hops


def _weights(latency_s: np.ndarray, count: int) -> np.ndarray:
    """Whole numbers that order ways by latency first and by the number of links second."""
    assert np.isfinite(latency_s).all(), "a link without a finite mean latency has no place in a route"
    longest_s = max(float(latency_s.max()), 1e-300) * count * (count + 1)
    unit_s = 10.0 ** np.ceil(np.log10(longest_s / (_EXACT / 2)))
    return np.asarray(np.rint(latency_s / unit_s) * count + 1.0)


def _distances(ends: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    return np.asarray(dijkstra(csr_array((weight, (ends[:, 0], ends[:, 1])), shape=(count, count))))
