"""What explain says of networks: sums over the links of a way, and how busy the links are. Figures by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from sim.analysis import Explanation, explain
from sim.analysis.failing import failing_endpoints
from sim.analysis.latency import NoContention
from sim.model import Model
from sim.scenario import load_text
from sim.traffic import Poisson
from tests.analysis.simulate import run_for

LINK = "latency: 1ms, jitter: exponential(0.5ms), bandwidth: 8Mbps"
"""A byte takes a microsecond."""


def model_of(topology: str, *, api: str, client: str, more: str = "") -> Model:
    text = f"""
scenario: s
nodes: {{app: {{count: {api.count(",") + 1}, at: [{api}], cores: 4}}}}
network: {{topology: {topology}{more}}}
services: {{api: {{nodes: app, instances: {api.count(",") + 1}, cpu: 5ms, request: 1kB, response: 2kB}}}}
traffic: {{users: {{to: api, from: {{vertex: {client}}}, arrivals: poisson(100/s)}}}}
"""
    if "bandwidth" not in topology and "loss" not in topology:
        text = text.replace(", request: 1kB, response: 2kB", "")
    return load_text(text, "f.yaml").resolve("baseline")


def request_moments(model: Model) -> tuple[float, float]:
    """Mean and variance of a request's latency at no contention."""
    times = NoContention(model, failing_endpoints(model))
    found = times.latency(model.sources[0], {("api", "main"): 1.0})
    return float(found.mean[0]), float(found.variance[0])


def busy(found: Explanation) -> dict[str, float]:
    return {station.name: station.utilization for station in found.stations if station.kind == "link"}


@pytest.mark.parametrize(
    "topology, api, client, links",
    [
        ("{star: {leaves: 3, LINK}}", "leaf-1", "hub", 1),
        ("{star: {leaves: 3, LINK}}", "leaf-1", "leaf-2", 2),
        ("{ring: {vertices: 5, LINK}}", "ring-5", "ring-2", 2),
        ("{ring: {vertices: 9, LINK}}", "ring-5", "ring-1", 4),
        ("{fat_tree: {k: 4, LINK}}", "host-1", "host-16", 6),
        ("{leaf_spine: {spines: 2, leaves: 2, hosts: 2, LINK}}", "host-1", "host-4", 4),
        ("{star: {leaves: 3, LINK}}", "leaf-1", "leaf-1", 0),
    ],
)
def test_a_way_takes_what_its_links_take_together(topology: str, api: str, client: str, links: int) -> None:
    """1 ms and 0.5 ms ± 0.5 ms a link and direction, and 1 ms for the request, 2 ms for the response on each link."""
    mean, variance = request_moments(model_of(topology.replace("LINK", LINK), api=api, client=client))
    assert mean == pytest.approx(0.005 + links * (2 * 0.0015 + 0.001 + 0.002))
    assert variance == pytest.approx(links * 2 * 0.0005**2, abs=1e-15)


def test_a_longer_way_of_less_latency_is_taken() -> None:
    links = "{between: [a, b], latency: 9ms}, {between: [a, c], latency: 2ms}, {from: c, to: b, latency: 3ms}"
    mean, _ = request_moments(model_of(f"{{graph: {{links: [{links}]}}}}", api="b", client="a"))
    assert mean == pytest.approx(0.005 + 0.005 + 0.009)


def test_links_are_busy_with_the_messages_that_pass_them() -> None:
    """100 requests a second of 1 kB out, half to each instance, and of 2 kB back, on links of 8 Mbps."""
    model = model_of(f"{{star: {{leaves: 3, {LINK}}}}}", api="leaf-1, leaf-2", client="leaf-3")
    assert busy(explain(model)) == pytest.approx(
        {
            "leaf-3 → hub": 0.1,
            "hub → leaf-1": 0.05,
            "hub → leaf-2": 0.05,
            "leaf-1 → hub": 0.1,
            "leaf-2 → hub": 0.1,
            "hub → leaf-3": 0.2,
        }
    )


def test_a_link_can_be_full_first() -> None:
    found = explain(model_of(f"{{star: {{leaves: 3, {LINK}}}}}", api="leaf-1, leaf-2", client="leaf-3"))
    assert [(station.kind, station.name) for station in found.bottleneck] == [("link", "hub → leaf-3")]
    assert found.source("users").saturation_per_s == pytest.approx(500.0)
    assert found.verdict[0] == "The bandwidth of hub → leaf-3 is full first: 20 % busy at the declared load."


def test_messages_within_a_node_do_not_occupy_links() -> None:
    text = """
scenario: s
nodes: {app: {count: 2, cores: 4}}
network: {same_zone: {latency: 1ms, bandwidth: 8Mbps}, same_node: {latency: 1ms}}
services:
  api: {nodes: app, instances: 2, steps: [{call: db}]}
  db: {nodes: app, instances: 2, cpu: 1ms, response: 9kB}
traffic: {users: {to: api, arrivals: poisson(100/s)}}
"""
    with_same_node = load_text(text, "f.yaml").resolve("baseline")
    without = load_text(text, "f.yaml", {"network.same_node": "null"}).resolve("baseline")
    assert busy(explain(with_same_node)) == pytest.approx({"default → default": 0.5})
    assert busy(explain(without)) == pytest.approx({"default → default": 1.0})


def test_what_is_not_counted_is_said() -> None:
    lossy = "{star: {leaves: 3, latency: 1ms, loss: 1%}}"
    assert any("lose" in sentence for sentence in explain(model_of(lossy, api="leaf-1", client="leaf-2")).limits)
    plain = "{star: {leaves: 3, latency: 1ms}}"
    assert not any("lose" in sentence for sentence in explain(model_of(plain, api="leaf-1", client="leaf-2")).limits)


@pytest.mark.parametrize(
    "topology, api, client",
    [
        ("{ring: {vertices: 9, LINK}}", "ring-5, ring-4", "ring-1"),
        ("{fat_tree: {k: 4, LINK}}", "host-1, host-2", "host-16"),
        ("{star: {leaves: 3, LINK}}", "leaf-1, leaf-2", "leaf-1"),
    ],
)
def test_a_simulation_takes_as_long(topology: str, api: str, client: str) -> None:
    """Of 5000 requests, one a second, that hardly ever meet; so 20 µs are left for those that do."""
    model = model_of(topology.replace("LINK", LINK), api=api, client=client)
    calm = replace(model, sources=(replace(model.sources[0], arrivals=Poisson(1.0)),))
    mean, variance = request_moments(calm)
    latency = run_for(calm, 5000.0).scope("source", "users").latency
    assert latency.mean_s == pytest.approx(mean, abs=4.5 * math.sqrt(variance / 5000.0) + 2e-5)
    assert latency.variance_s2 == pytest.approx(variance, rel=0.2)
