"""Stations, spreads and the saturation load."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from sim.analysis import explain
from sim.analysis.spread import least_share
from sim.balancing import POLICIES
from sim.model import Balance, Model
from tests.analysis.simulate import model_from

UNEQUAL = """
scenario: unequal
nodes: {big: {cores: 4}, small: {count: 3, cores: 1}}
services: {api: {nodes: [big, small], instances: 4, cpu: exponential(2ms)}}
traffic: {users: {to: api, arrivals: poisson(100/s)}}
"""


def with_policy(policy: str, **params: object) -> Model:
    model = model_from(UNEQUAL)
    source = model.sources[0]
    balance = replace(source.policy, balance=Balance(policy, dict(params)))
    return replace(model, sources=(replace(source, policy=balance),))


def saturation(model: Model) -> float:
    return explain(model).source("users").saturation_per_s


@pytest.mark.parametrize("policy", ["round_robin", "random"])
def test_an_even_spread_fills_the_smallest(policy: str) -> None:
    assert saturation(with_policy(policy)) == pytest.approx(4 * 500.0)


def test_a_spread_by_weight() -> None:
    assert saturation(with_policy("weighted_round_robin", weights=(4.0, 1.0, 1.0, 1.0))) == pytest.approx(7 * 500.0)
    assert saturation(with_policy("weighted_round_robin", weights=(1.0, 1.0, 1.0, 7.0))) == pytest.approx(500.0 / 0.7)


def test_the_shortest_of_all_fills_everything() -> None:
    found = explain(with_policy("least_outstanding"))
    assert found.source("users").saturation_per_s == pytest.approx(7 * 500.0)
    assert {station.name for station in found.bottleneck} == {"big-1", "small-1", "small-2", "small-3"}
    assert next(p.saturated_share for p in found.placement if p.node == "big-1") == pytest.approx(4 / 7)


@pytest.mark.parametrize("choices", [1, 2, 3, 4])
def test_the_shortest_of_d_cannot_help_meeting_the_small(choices: int) -> None:
    """The smallest k of capacities μ have to take C(k, d) / C(n, d) of the load: it ends at the least
    Σμ · C(n, d) / C(k, d)."""
    capacities = [500.0, 500.0, 500.0, 2000.0]
    bounds = [sum(capacities[:k]) / least_share(k, choices, 4) for k in range(choices, 5)]
    assert saturation(with_policy("power_of_two", choices=choices)) == pytest.approx(min(bounds), rel=1e-6)


def test_steering_sees_what_else_runs_on_a_node() -> None:
    """The steered service gives way on the node that another one keeps half busy."""
    found = explain(
        model_from(
            """
            scenario: beside
            nodes: {app: {count: 2, cores: 1}}
            services:
              fixed: {nodes: app, cpu: 5ms}
              free: {nodes: app, instances: 2, cpu: 1ms}
            traffic:
              one: {to: fixed, arrivals: poisson(100/s)}
              two: {to: free, arrivals: poisson(500/s), balance: least_outstanding}
            """
        )
    )
    assert found.factor == pytest.approx(2.0)
    assert found.even_factor == pytest.approx(1.0 / 0.75)
    taken = {p.node: p.saturated_share for p in found.placement if p.service == "free"}
    assert taken == pytest.approx({"app-1": 0.0, "app-2": 1.0}, abs=1e-6)


def test_what_need_not_be_steered_stays_even() -> None:
    """Beside the service whose unequal nodes make its balancer steer, another one is on equal ones."""
    beside = """
        scenario: beside
        nodes: {big: {cores: 4}, small: {count: 3, cores: 1}, own: {count: 2, cores: 1}}
        services:
          api: {nodes: [big, small], instances: 4, cpu: exponential(2ms)}
          calm: {nodes: own, instances: 2, cpu: 1ms}
        traffic:
          users: {to: api, arrivals: poisson(100/s), balance: power_of_two}
          others: {to: calm, arrivals: poisson(10/s), balance: least_outstanding}
        """
    found = explain(model_from(beside))
    assert found.factor == pytest.approx(30.0)
    shares = {p.instance: p.saturated_share for p in found.placement}
    assert (shares["calm-1"], shares["calm-2"]) == pytest.approx((0.5, 0.5))
    assert [shares[f"api-{n}"] for n in (2, 3, 4)] == pytest.approx([1 / 6] * 3, rel=1e-5)


def test_a_plugins_policy_is_taken_to_spread_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, "mine", POLICIES["random"])
    found = explain(with_policy("mine"))
    assert found.factor == pytest.approx(20.0)
    assert any("How mine spreads requests is not known" in limit for limit in found.limits)


def test_what_an_instance_may_use_is_a_station_where_it_is_less_than_the_node() -> None:
    found = explain(
        model_from(
            """
            scenario: caps
            nodes: {app: {cores: 4, speed: 2}}
            services:
              whole: {nodes: app, cpu: 1ms}
              half: {nodes: app, cores: 0.5, cpu: 1ms}
              loop: {nodes: app, concurrency: event_loop, cpu: 1ms}
              pool: {nodes: app, concurrency: {threads: {workers: 3}}, cpu: 1ms, io: 4ms}
            traffic:
              users: {to: {whole: 25%, half: 25%, loop: 25%, pool: 25%}, arrivals: poisson(400/s)}
            """
        )
    )
    kinds = {(station.kind, station.name): station for station in found.stations}
    assert set(kinds) == {("node", "app-1"), ("instance", "half-1"), ("event loop", "loop-1"), ("workers", "pool-1")}
    assert kinds["node", "app-1"].utilization == pytest.approx(400 * 0.0005 / 4)
    assert kinds["instance", "half-1"].utilization == pytest.approx(100 * 0.0005 / 0.5)
    assert kinds["event loop", "loop-1"].utilization == pytest.approx(100 * 0.0005)
    assert kinds["workers", "pool-1"].utilization == pytest.approx(100 * 0.0045 / 3)


def test_a_burst_has_one_core_at_most_and_its_instances_share_at_most() -> None:
    found = explain(
        model_from(
            """
            scenario: bursts
            nodes: {app: {cores: 4, speed: 2}}
            services: {wide: {nodes: app, cpu: 8ms}, narrow: {nodes: app, cores: 0.5, cpu: 8ms}}
            traffic: {users: {to: {wide: 50%, narrow: 50%}, arrivals: poisson(1/s)}}
            """
        )
    )
    assert found.endpoint("wide.main").residence_s == pytest.approx(0.004)
    assert found.endpoint("narrow.main").residence_s == pytest.approx(0.008)


def test_nothing_is_ever_full_where_nothing_is_needed() -> None:
    text = "scenario: idle\nservices: {a: {io: 5ms}}\ntraffic: {users: {to: a, arrivals: poisson(9/s)}}"
    found = explain(model_from(text))
    assert found.factor == math.inf
    assert found.verdict[0].startswith("Nothing counted is ever full")


def test_pools_of_connections_are_told_as_not_counted() -> None:
    text = "scenario: pool\nservices: {a: {io: 5ms}}\ntraffic: {users: {to: a, arrivals: poisson(9/s), transport: %s}}"
    bounded, free = (explain(model_from(text % how)) for how in ("{tcp: {max_connections: 3}}", "tcp"))
    assert any(limit.startswith("Pools of connections (max_connections) are not counted") for limit in bounded.limits)
    assert not any("max_connections" in limit for limit in free.limits)


def test_an_infinite_mean_carries_no_load() -> None:
    text = "scenario: heavy\nservices: {a: {cpu: {pareto: {minimum: 1ms, shape: 0.9}}}}\n"
    found = explain(model_from(text + "traffic: {users: {to: a, arrivals: poisson(9/s)}}"))
    assert found.factor == 0.0
    assert "can carry no load for long" in found.verdict[0]
    assert any("a.main: a cpu step has an infinite mean" in limit for limit in found.limits)
