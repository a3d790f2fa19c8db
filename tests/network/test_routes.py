"""Routes against networkx, before and after links fail and come back; ties as documented."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from sim.network.routes import UNREACHABLE, next_hops

Links = dict[tuple[str, str], float]


def random_links(seed: int, count: int = 100, degree: float = 4.0) -> Links:
    """Both directions of each edge of a random graph, with latencies of their own."""
    rng = np.random.default_rng(seed)
    graph = nx.fast_gnp_random_graph(count, degree / count, seed=int(rng.integers(2**31)))
    return {(f"n{a}", f"n{b}"): float(rng.exponential(1e-3)) for u, v in graph.edges for a, b in ((u, v), (v, u))}


def way(hops: np.ndarray, sender: int, receiver: int) -> list[int]:
    """The sites from the sender to the receiver; empty where there is no way."""
    passed = [sender]
    while passed[-1] != receiver:
        following = int(hops[passed[-1], receiver])
        if following == UNREACHABLE:
            assert len(passed) == 1, "a way that ends before its goal"
            return []
        passed.append(following)
        assert len(passed) <= len(hops), "a way in a circle"
    return passed


def assert_shortest(sites: list[str], links: Links) -> int:
    """Every pair's way is as short as networkx's; returns how many pairs have none."""
    hops = next_hops(sites, links)
    graph = nx.DiGraph()
    graph.add_nodes_from(sites)
    graph.add_weighted_edges_from((a, b, latency) for (a, b), latency in links.items())
    expected = dict(nx.all_pairs_dijkstra_path_length(graph))
    apart = 0
    for (s, sender), (t, receiver) in itertools.product(enumerate(sites), repeat=2):
        passed = way(hops, s, t)
        assert bool(passed) == (receiver in expected[sender])
        apart += not passed
        length = sum(links[sites[a], sites[b]] for a, b in itertools.pairwise(passed))
        assert not passed or length == pytest.approx(expected[sender][receiver], rel=1e-9, abs=1e-15)
    return apart


@pytest.mark.parametrize("seed", range(3))
def test_routes_after_link_failures_are_those_of_networkx(seed: int) -> None:
    """100 sites; links fail one by one (each direction by itself) until some pairs are apart, and come back."""
    links = random_links(seed)
    sites = sorted({site for pair in links for site in pair})
    assert_shortest(sites, links)
    rng = np.random.default_rng(seed + 100)
    pairs = list(links)
    order = [pairs[i] for i in rng.permutation(len(pairs))]
    for failed in (1, len(order) // 10, len(order) // 2):
        up = {pair: links[pair] for pair in order[failed:]}
        apart = assert_shortest(sites, up)
    assert apart > 0
    assert np.array_equal(next_hops(sites, dict(reversed(links.items()))), next_hops(sites, links))


def test_a_way_back_may_be_another() -> None:
    links = {("a", "b"): 1.0, ("b", "a"): 5.0, ("b", "c"): 1.0, ("c", "a"): 1.0}
    hops = next_hops(["a", "b", "c"], links)
    assert way(hops, 0, 1) == [0, 1]
    assert way(hops, 1, 0) == [1, 2, 0]


def test_among_equal_latencies_the_fewest_links_then_the_first_name() -> None:
    """s to t: over y and z, over x, over w. Decimal latencies are equal where they are written so."""
    direct = {("s", "x"): 0.0003, ("x", "t"): 0.0003, ("s", "w"): 0.0002, ("w", "t"): 0.0004}
    around = {("s", "a"): 0.0001, ("a", "b"): 0.0002, ("b", "t"): 0.0003}
    for sites in (["s", "x", "w", "a", "b", "t"], ["t", "b", "a", "w", "x", "s"]):
        hops = next_hops(sites, direct | around)
        assert [sites[n] for n in way(hops, sites.index("s"), sites.index("t"))] == ["s", "w", "t"]


def test_links_without_latency_are_links() -> None:
    hops = next_hops(["a", "b", "c"], {("a", "b"): 0.0, ("b", "c"): 0.0})
    assert way(hops, 0, 2) == [0, 1, 2]
    assert way(hops, 2, 0) == []
