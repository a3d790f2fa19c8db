"""Visits: the traffic equations, with circles; what handlers ask for."""

from __future__ import annotations

import math

import pytest

from sim.analysis import explain
from tests.analysis.simulate import model_from


def circle(weight: str, times: int = 1) -> str:
    return f"""
        scenario: circle
        services:
          crawler: {{steps: [{{cpu: 1ms}}, {{call: parser}}]}}
          parser:
            steps:
              - cpu: 2ms
              - choose:
                  - {{weight: {weight}, steps: [{{repeat: {{times: {times}, steps: [{{call: crawler}}]}}}}]}}
                  - {{weight: 1, steps: []}}
          other: {{cpu: 1ms}}
        traffic:
          users: {{to: crawler, arrivals: poisson(10/s)}}
          others: {{to: other, arrivals: poisson(10/s)}}
        """


def test_a_circle_is_a_geometric_series() -> None:
    """Half of the parses crawl again: two visits a request."""
    found = explain(model_from(circle("1")))
    assert found.endpoint("crawler.main").visits == pytest.approx({"users": 2.0, "others": 0.0})
    assert found.station("parser-host-1").utilization == pytest.approx(10 * 2 * 0.002)
    assert found.source("users").latency_s == pytest.approx(2 * 0.003, rel=1e-6)


@pytest.mark.parametrize("weight, times", [("1", 2), ("3", 2)])
def test_a_circle_without_end_is_told_and_left_out(weight: str, times: int) -> None:
    """With two calls at every second visit, each round brings another one, or more."""
    found = explain(model_from(circle(weight, times)))
    assert math.isnan(found.factor)
    assert "go in circles for ever" in found.verdict[0]
    assert any("crawler.main and parser.main" in limit and "users" in limit for limit in found.limits)
    assert found.station("other-host-1").utilization == pytest.approx(0.01)
    assert found.station("parser-host-1").utilization == 0.0


def test_the_mix_is_counted_by_endpoint() -> None:
    found = explain(
        model_from(
            """
            scenario: mix
            services:
              a: {endpoints: {one: [{call: b}, {call: b}], two: [{call: b}]}}
              b: {cpu: 1ms}
            traffic: {users: {to: {a.one: 25%, a.two: 75%}, arrivals: poisson(100/s)}}
            """
        )
    )
    assert found.endpoint("b.main").visits["users"] == pytest.approx(1.25)
    assert found.endpoint("b.main").rate_per_s == pytest.approx(125.0)


def test_what_stands_after_a_failure_is_reached_less_often() -> None:
    found = explain(
        model_from(
            """
            scenario: order
            services:
              a: {steps: [{cpu: 1ms}, {fail: 25%}, {cpu: 4ms}, {call: b}]}
              b: {cpu: 1ms}
            traffic: {users: {to: a, arrivals: poisson(100/s)}}
            """
        )
    )
    assert found.endpoint("a.main").cpu_s == pytest.approx(0.001 + 0.75 * 0.004)
    assert found.endpoint("b.main").visits["users"] == pytest.approx(0.75)


def test_a_race_counts_all_of_its_branches() -> None:
    race = """
        scenario: race
        services:
          a: {steps: [{parallel: {need: 1, rest: REST, of: [{call: b}, {call: b}, {call: b}]}}]}
          b: {cpu: exponential(3ms)}
        traffic: {users: {to: a, arrivals: poisson(10/s)}}
        """
    for rest, noted in (("cancel", True), ("continue", False)):
        found = explain(model_from(race.replace("REST", rest)))
        assert found.endpoint("b.main").visits["users"] == pytest.approx(3.0)
        assert found.source("users").latency_s == pytest.approx(0.001, rel=1e-3)
        assert any("counted in full" in limit for limit in found.limits) is noted


def test_a_source_retries_too() -> None:
    found = explain(
        model_from(
            """
            scenario: edge
            services: {a: {cpu: 1ms, fail: 50%}}
            traffic: {users: {to: a, arrivals: poisson(100/s), retry: {attempts: 2}}}
            """
        )
    )
    assert found.endpoint("a.main").visits["users"] == pytest.approx(1.5)
    (call,) = found.calls
    assert (call.calls_per_s, call.attempts_per_s) == pytest.approx((100.0, 150.0))
