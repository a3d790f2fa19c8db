"""Links and transports against closed forms: queues for bandwidth, windows, losses, handshakes, pools, ways.

Rows H1, H2 and H4 are Kleinrock's M/D/1, the bandwidth-delay product, and Mathis, Semke, Mahdavi & Ott, The macroscopic
behavior of the TCP congestion avoidance algorithm, CCR 27(3), 1997. The moments of retransmission are derived here.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pandas as pd
import pytest

from sim.engine import Run, Simulation
from sim.network import from_graph
from sim.scenario import load_text

NEVER = 3600.0


TEXT = """\
scenario: link
run: {{duration: {duration}s, warmup: {warmup}s, drain: {drain}s, seed: {seed}, max_in_flight: 1M}}
nodes: {{server: {{zones: [b]}}}}
network: {{between: [{{zones: [a, b], {link}}}], transport: {transport}}}
services: {{s: {{nodes: server, io: {io}, request: {request}, response: {response}}}}}
traffic: {{u: {{to: s, from: {{zone: a}}, arrivals: {arrivals}}}}}
"""


def link(
    link: str,
    transport: str = "udp",
    arrivals: str = "poisson(100/s)",
    request: str = "1500B",
    response: str = "1B",
    io: str = "0s",
    duration: float = 20.0,
    warmup: float = 1.0,
    drain: float = 0.0,
    seed: int = 3,
) -> Run:
    """One client in zone a, one server in zone b, and a link between."""
    scenario = load_text(TEXT.format(**locals()), "link.yaml")
    return Simulation(scenario.resolve(scenario.baseline)).run()


def mean_s(run: Run) -> float:
    return run.scope("source", "u").latency.mean_s


PLAIN = {"link": "latency: 5ms", "request": "1B", "response": "1B", "warmup": 0, "seed": 3}


def outcomes(text: str, folder: Path) -> list[tuple[float, str, float]]:
    """(intended time, outcome, latency) of each request."""
    scenario = load_text(text.replace("max_in_flight: 1M", "record: all"), "link.yaml")
    Simulation(scenario.resolve(scenario.baseline), requests_path=folder / "requests.parquet").run()
    rows = pd.read_parquet(folder / "requests.parquet").sort_values("index")
    return list(zip(rows.intended_s, rows.outcome, rows.latency_s, strict=True))


# Bandwidth (H1) -----------------------------------------------------------------------------------------------------

FRAME_S = 1500 * 8 / 1e9


def wait_in_queue(load: float, **how: Any) -> float:
    run = link(
        f"latency: 1ms, bandwidth: 1Gbps{how.pop('sharing', '')}", arrivals=f"poisson({load / FRAME_S}/s)", **how
    )
    [gauge] = [gauge for gauge in run.gauges if gauge.name == "a → b"]
    assert gauge.utilization == pytest.approx(load, rel=0.01)
    return mean_s(run) - 2e-3 - FRAME_S - 8 / 1e9


@pytest.mark.parametrize("load, wait_us", [(0.5, 6.0), (0.8, 24.0), (0.9, 54.0), (0.95, 114.0)])
def test_frames_wait_for_a_link_as_in_m_d_1(load: float, wait_us: float) -> None:
    waits = [wait_in_queue(load, duration=10.0, seed=seed) for seed in range(4)]
    error = np.std(waits, ddof=1) / math.sqrt(len(waits))
    assert np.mean(waits) * 1e6 == pytest.approx(wait_us, rel=max(0.01, 4 * error / np.mean(waits)))


def test_a_fair_link_is_processor_sharing() -> None:
    """M/G/1-PS: the mean sojourn is S / (1 - load), whatever the law of sizes."""
    waits = [wait_in_queue(0.8, sharing=", sharing: fair", duration=10.0, seed=seed) for seed in range(4)]
    assert np.mean(waits) == pytest.approx(FRAME_S / 0.2 - FRAME_S, rel=0.02)


# Windows (H2, H4) ---------------------------------------------------------------------------------------------------


def throughput_mbps(loss: str, rtt_s: float, window: str, size_mb: int, duration: float) -> float:
    """What a client gets that fetches one big file after the other."""
    run = link(
        f"latency: {rtt_s / 2}s, loss: {loss}",
        f"{{tcp: {{receive_window: {window}}}}}",
        "{closed: {users: 1, think: 0s}}",
        request="1B",
        response=f"{size_mb}MB",
        duration=duration,
        warmup=0.0,
    )
    return size_mb * 8 / mean_s(run)


def test_a_window_bounds_the_throughput() -> None:
    assert throughput_mbps("0%", 0.05, "64KiB", 200, 1000.0) == pytest.approx(10.486, rel=0.01)


@pytest.mark.parametrize("loss, mbps", [("0.01%", 14.305), ("0.1%", 4.5236), ("1%", 1.4305)])
def test_random_losses_hold_the_window_down(loss: str, mbps: float) -> None:
    assert throughput_mbps(loss, 0.1, "100MB", 10, 20_000.0) == pytest.approx(mbps, rel=0.2)


@pytest.mark.parametrize("segments", [1, 10, 11, 30, 31, 70, 71, 500])
def test_slow_start_doubles_the_window_every_round_trip(segments: int) -> None:
    """10, 20, 40 … segments a round (RFC 6928): the response ends with the round that its last segment is in."""
    rtt_s, sent, rounds = 0.1, 10, 1
    while sent < segments:
        sent, rounds = sent + 10 * 2**rounds, rounds + 1
    size = f"{segments * 1460}B"
    run = link(f"latency: {rtt_s / 2}s", "{tcp: {max_idle: 0}}", "constant(1/s)", "100B", size, duration=4.0, drain=9.0)
    assert mean_s(run) == pytest.approx(rtt_s + rtt_s / 2 + (rounds - 1) * rtt_s + rtt_s / 2)


def test_a_window_that_segments_do_not_fill_grows_again_after_a_loss() -> None:
    """5000 B are three full segments and a part of one; 300/s of them need a window of 21, and a loss leaves half."""
    shared = "{tcp: {streams: 100, max_connections: 1}}"
    run = link("latency: 10ms, loss: 0.01%", shared, "poisson(300/s)", "1kB", "5kB", duration=60.0, drain=NEVER)
    assert mean_s(run) < 0.03


# Losses -------------------------------------------------------------------------------------------------------------


def lost_times(run: Run, base_s: float) -> tuple[float, float, float]:
    """Mean of what requests took beyond `base_s`, its variance, and the standard error of that mean."""
    latency = run.scope("source", "u").latency
    return latency.mean_s - base_s, latency.variance_s2, math.sqrt(latency.variance_s2 / latency.count)


def moments(loss: float, first_s: float) -> tuple[float, float]:
    """Mean and variance of what losses add to one segment that is sent again after first_s, 2·first_s, … more: with K
    losses it is late by first_s · (2^K - 1), and P(K = k) = (1 - loss) · loss^k. Finite below 1/2 and 1/4."""
    mean = first_s * ((1 - loss) / (1 - 2 * loss) - 1)
    square = first_s**2 * ((1 - loss) / (1 - 4 * loss) - 2 * (1 - loss) / (1 - 2 * loss) + 1)
    return mean, square - mean**2


def test_what_is_lost_is_sent_again_after_twice_as_long() -> None:
    run = link("latency: 5ms, loss: 10%", "ideal", "poisson(2000/s)", "100B", "100B", duration=100.0, drain=NEVER)
    mean, variance, error = lost_times(run, 0.01)
    wanted, wanted_variance = moments(0.1, 0.2)
    assert run.scope("source", "u").cohort.outcomes["ok"] == run.scope("source", "u").cohort.offered
    assert mean == pytest.approx(2 * wanted, abs=4 * error)
    assert variance == pytest.approx(2 * wanted_variance, rel=0.1)


def test_a_message_of_many_segments_waits_for_the_last_one() -> None:
    """The maximum over its n segments: P(K <= k) = (1 - loss^(k+1))^n."""
    n, loss = 20, 0.02
    run = link(
        f"latency: 5ms, loss: {loss:%}", "ideal", "poisson(1000/s)", "1B", f"{n * 1460}B",
        duration=60.0, drain=NEVER,
    )  # fmt: skip
    below = [0.0, *((1 - loss ** (k + 1)) ** n for k in range(30))]
    wanted = sum((high - low) * 0.2 * (2**k - 1) for k, (low, high) in enumerate(pairwise(below)))
    mean, _, error = lost_times(run, 0.01)
    assert mean == pytest.approx(wanted + moments(loss, 0.2)[0], abs=4 * error)


def test_a_lost_datagram_loses_its_message() -> None:
    """Every one of 1 + 4 must come through."""
    run = link("latency: 5ms, loss: 3%", "udp", "poisson(1000/s)", "1kB", "5kB", duration=60.0, drain=1.0)
    cohort = run.scope("source", "u").cohort
    share, wanted = cohort.outcomes["ok"] / cohort.offered, 0.97**5
    assert share == pytest.approx(wanted, abs=4 * math.sqrt(wanted * (1 - wanted) / cohort.offered))
    assert mean_s(run) == pytest.approx(0.01)


def test_a_lost_handshake_begins_anew_after_1_s_2_s_4_s() -> None:
    """Its two packets, each by itself; then the request and its answer, which wait for 210 ms, 420 ms …, or for 1 s,
    2 s … where the handshake gave no round trip to go by (RFC 6298, sections 2 and 3)."""
    loss, alone = 0.05, "{closed: {users: 1, think: 0s}}"
    how = "{tcp: {max_idle: 0}}"
    run = link(f"latency: 5ms, loss: {loss:%}", how, alone, "1B", "1B", duration=8000.0, drain=NEVER)
    mean, _, error = lost_times(run, 0.02)
    dialling, _ = moments(loss, 1.0)
    clean = (1 - loss) ** 2
    sending = clean * moments(loss, 0.01 + 0.2)[0] + (1 - clean) * moments(loss, 1.0)[0]
    assert mean == pytest.approx(2 * dialling + 2 * sending, abs=4 * error)


# Connections --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls, round_trips", [("false", 2), ("true", 3)])
def test_a_new_connection_costs_round_trips(tls: str, round_trips: int) -> None:
    how = f"{{tcp: {{max_idle: 0, tls: {tls}}}}}"
    run = link("latency: 5ms", how, "constant(10/s)", "100B", "100B", duration=5.0, drain=1.0)
    assert mean_s(run) == pytest.approx(round_trips * 0.01)


def test_a_connection_that_is_kept_costs_them_once() -> None:
    run = link("latency: 5ms", "tcp", "constant(10/s)", "100B", "100B", duration=5.0, warmup=0.0, drain=1.0)
    latency = run.scope("source", "u").latency
    assert (latency.min_s, latency.max_s) == (pytest.approx(0.01), pytest.approx(0.02))
    assert latency.mean_s == pytest.approx(0.01 + 0.01 / latency.count)


@pytest.mark.parametrize("connections", [1, 3])
def test_a_pool_is_a_station_with_as_many_servers(connections: int) -> None:
    """Many users, a connection held for a round trip and the service: X = connections / (round trip + service)."""
    how = f"{{tcp: {{max_connections: {connections}}}}}"
    closed = "{closed: {users: 20, think: 0s}}"
    run = link("latency: 5ms", how, closed, "100B", "100B", io="30ms", duration=41.0)
    assert run.scope("source", "u").throughput_per_s == pytest.approx(connections / 0.04, rel=0.01)


def test_streams_share_a_connection() -> None:
    """HTTP/2 with 4 streams on one connection is as good as 4 connections, where nothing is lost."""
    closed = "{closed: {users: 20, think: 0s}}"
    how = "{tcp: {max_connections: 1, streams: 4}}"
    run = link("latency: 5ms", how, closed, "100B", "100B", io="30ms", duration=41.0)
    assert run.scope("source", "u").throughput_per_s == pytest.approx(4 / 0.04, rel=0.01)


def test_what_shares_a_connection_waits_for_what_was_lost_in_front_of_it() -> None:
    """Head-of-line blocking: a loss holds up what comes behind it, unless that has a connection of its own."""
    lossy, load = "latency: 5ms, loss: 2%", "poisson(10/s)"
    shared = link(lossy, "{tcp: {max_connections: 1, streams: 100}}", load, "100B", "100B", duration=900.0, drain=NEVER)
    apart = link(lossy, "{tcp: {max_idle: 50}}", load, "100B", "100B", duration=900.0, drain=NEVER)
    assert mean_s(shared) - 0.01 > 1.3 * (mean_s(apart) - 0.01)


def one_request(fault: str, transport: str, folder: Path, io: str = "0s") -> tuple[str, float]:
    """Outcome and latency of one that is sent after 10 s."""
    plan = {"duration": 11, "drain": 60, "arrivals": "constant(0.1/s)", "io": io, "transport": transport}
    [(sent_s, outcome, latency_s)] = outcomes(TEXT.format(**PLAIN | plan) + f"failures: {{f: {{{fault}}}}}\n", folder)
    assert sent_s == pytest.approx(10.0)
    return outcome, latency_s


def test_a_silent_host_is_found_out_by_probes(tmp_path: Path) -> None:
    """Nothing was heard since the acknowledgement of the request, 20 ms after it was sent: probes 10 s later and every
    2 s, three in all; after another 2 s the connection is given up (tcp(7): tcp_keepalive_time, _intvl, _probes)."""
    probing = "{tcp: {keep_alive: 10s, keep_alive_every: 2s, keep_alive_probes: 3}}"
    outcome, latency_s = one_request("at: 10.5s, crash: server-1", probing, tmp_path, io="30s")
    assert (outcome, latency_s) == ("reset", pytest.approx(16.02))
    outcome, latency_s = one_request("at: 10.5s, loss: 1%, for: 1s", probing, tmp_path, io="30s")
    assert (outcome, latency_s) == ("ok", pytest.approx(30.02))


@pytest.mark.parametrize(
    "lasts, outcome, latency_s",
    [("300ms", "ok", 0.02), ("4s", "ok", 5.02), ("8s", "ok", 10.02), ("12s", "unavailable", 10.0)],
)
def test_who_has_to_dial_waits_for_an_address(lasts: str, outcome: str, latency_s: float, tmp_path: Path) -> None:
    """The resolver asks at once, and after 5 s; after 10 s there is an answer or none."""
    found = one_request(f"at: 9.5s, dns_outage: s, for: {lasts}", "tcp", tmp_path)
    assert found == (outcome, pytest.approx(latency_s))


# Ways ---------------------------------------------------------------------------------------------------------------

ROUTED = """\
scenario: ways
run: {{duration: 2s, warmup: 0s, drain: 10s, record: all}}
nodes: {{server: {{at: [{target}]}}}}
services: {{s: {{nodes: server, io: 0s, request: {request}, response: 1B}}}}
traffic: {{u: {{to: s, from: {{vertex: {source}}}, arrivals: constant(10/s), timeout: 1s}}}}
"""


def requests_over(graph: networkx.Graph, ends: tuple[str, str], folder: Path, more: str = "", **how: str) -> Any:
    """Requests every 100 ms from one vertex to another: a table with when, how long, and how they ended."""
    text = ROUTED.format(source=ends[0], target=ends[1], request=how.get("request", "1B")) + more
    scenario = load_text(text, "ways.yaml", {"network.topology": from_graph(graph)})
    path = folder / f"{'-'.join(ends)}.parquet"
    Simulation(scenario.resolve(scenario.baseline), requests_path=path).run()
    return pd.read_parquet(path).sort_values("index")


def test_a_message_pays_for_every_byte_on_every_link(tmp_path: Path) -> None:
    """Store and forward: two narrow links, one behind the other."""
    graph = networkx.relabel_nodes(networkx.path_graph(3), "v{}".format)
    for _, _, edge in graph.edges(data=True):
        edge.update(latency="5ms", bandwidth="8Mbps")
    found = requests_over(graph, ("v0", "v2"), tmp_path, request="10kB")
    assert found.latency_s.to_numpy() == pytest.approx(2 * (0.005 + 0.01) + 2 * (0.005 + 1e-6))


def test_when_links_fail_messages_take_the_next_shortest_way(tmp_path: Path) -> None:
    """On a random graph of 100 vertices, as networkx finds it without the links that are down; and back again."""
    rng = np.random.default_rng(4)
    graph = networkx.relabel_nodes(networkx.gnm_random_graph(100, 220, seed=4), "v{}".format)
    for _, _, edge in graph.edges(data=True):
        edge["weight"] = float(rng.uniform(0.001, 0.02))
        edge["latency"] = f"{edge['weight']!r}s"
    rerouted = 0
    for target in ("v17", "v42", "v63", "v80", "v99"):
        way = networkx.shortest_path(graph, "v0", target, weight="weight")
        failing = list(pairwise(way))[:: 2 if len(way) > 3 else 1]
        links = ", ".join(f"{{between: [{a}, {b}]}}" for a, b in failing)
        found = requests_over(
            graph, ("v0", target), tmp_path, f"failures: {{f: {{at: 550ms, link_down: [{links}], for: 1s}}}}\n"
        )
        before = 2 * networkx.shortest_path_length(graph, "v0", target, weight="weight")
        broken = networkx.restricted_view(graph, [], failing)
        during = 2 * networkx.shortest_path_length(broken, "v0", target, weight="weight")
        sent, latency = found.intended_s.to_numpy(), found.latency_s.to_numpy()
        assert latency[sent + before < 0.55] == pytest.approx(before)
        assert latency[(sent > 0.55) & (sent + during < 1.55)] == pytest.approx(during)
        assert latency[sent > 1.55] == pytest.approx(before)
        rerouted += during > before
    assert rerouted == 5


def test_where_no_way_is_left_nothing_arrives(tmp_path: Path) -> None:
    graph = networkx.relabel_nodes(networkx.path_graph(3), "v{}".format)
    networkx.set_edge_attributes(graph, "5ms", "latency")
    down = "failures: {f: {at: 550ms, link_down: {between: [v1, v2]}, for: 200ms}}\n"
    found = requests_over(graph, ("v0", "v2"), tmp_path, down + "network: {transport: udp}\n")
    ended = dict(zip(found.intended_s.round(3), found.outcome, strict=True))
    assert {sent for sent, outcome in ended.items() if outcome == "timeout"} == {0.6, 0.7}
