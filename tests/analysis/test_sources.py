"""What sources ask for: open rates and their peaks, closed users and their bounds."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sim.analysis import explain
from sim.analysis.rates import open_rate
from sim.distributions import Exponential, Pareto
from sim.scenario import load
from sim.traffic import Arrivals, Diurnal, Mmpp, Poisson, Ramp, Renewal, Spike, Steps, Trace
from tests.analysis.simulate import model_from


@pytest.mark.parametrize(
    "arrivals, mean, peak",
    [
        (Poisson(40.0), 40.0, 40.0),
        (Renewal(Exponential(0.02)), 50.0, 50.0),
        (Steps((0.0, 30.0, 90.0), (10.0, 20.0, 500.0)), 15.0, 20.0),  # the last step comes after the end
        (Ramp(0.0, 100.0, 120.0), 25.0, 50.0),  # half of the way
        (Spike(10.0, 100.0, 20.0, 6.0), 19.0, 100.0),
        (Mmpp((10.0, 100.0), (2.0, 1.0)), 40.0, 100.0),
        (Diurnal(100.0, 0.5, 60.0), 100.0, 150.0),
        (Diurnal(100.0, 0.5, 1e9), 100.0, 100.0),  # it hardly begins
        (Trace([0.0, 0.5, 0.9, 30.0, 70.0]), 4 / 60, 3.0),
        (Renewal(Pareto(0.01, 0.8)), 0.0, 0.0),
    ],
)
def test_rates_over_a_minute(arrivals: Arrivals, mean: float, peak: float) -> None:
    rate = open_rate(arrivals, 60.0)
    assert (rate.mean_per_s, rate.peak_per_s) == pytest.approx((mean, peak), rel=1e-5)


def server(traffic: str, cpu: str = "10ms") -> str:
    return f"scenario: server\nservices: {{a: {{cpu: {cpu}, io: 30ms}}}}\ntraffic: {{{traffic}}}"


def test_a_peak_is_told() -> None:
    found = explain(model_from(server("users: {to: a, arrivals: {spike: {base: 10/s, peak: 150/s, at: 9s, for: 1s}}}")))
    station = found.station("a-host-1")
    assert station.utilization == pytest.approx((10 + 140 / 60) * 0.01)
    assert station.peak_utilization == pytest.approx(1.5)
    assert any("150/s" in text and "150 %" in text and "queues grow" in text for text in found.verdict)


def test_closed_users_have_asymptotic_bounds() -> None:
    """R = 40 ms, Z = 60 ms, D = 10 ms: at most N / 100 ms, at most 100/s, the knee at N = 10."""
    for users, declared, busy in ((4, 40.0, 0.4), (25, 250.0, 1.0)):
        found = explain(model_from(server(f"users: {{to: a, arrivals: {{closed: {{users: {users}, think: 60ms}}}}}}")))
        source = found.source("users")
        assert source.rate_per_s == pytest.approx(declared)
        assert source.saturation_per_s == pytest.approx(100.0)
        assert source.knee_users == pytest.approx(10.0)
        assert found.station("a-host-1").utilization == pytest.approx(busy)


def test_closed_users_take_what_open_traffic_leaves() -> None:
    closed = "users: {to: a, arrivals: {closed: {users: 25, think: 60ms}}}"
    found = explain(model_from(server(f"{closed}, others: {{to: a, arrivals: poisson(70/s)}}")))
    assert found.station("a-host-1").utilization == pytest.approx(1.0)
    assert found.endpoint("a.main").rate_per_s == pytest.approx(100.0)
    assert found.factor == pytest.approx(100.0 / 320.0)


def test_a_source_alone_ends_at_what_the_others_leave() -> None:
    """`a` is 20 % busy with others; `b` is nobody else's."""
    found = explain(
        model_from(
            """
            scenario: alone
            services: {a: {cpu: 10ms}, b: {cpu: 1ms}}
            traffic:
              both: {to: {a: 50%, b: 50%}, arrivals: poisson(20/s)}
              one: {to: a, arrivals: poisson(10/s)}
              other: {to: b, arrivals: poisson(90/s)}
            """
        )
    )
    alone = {source.name: source.alone_per_s for source in found.sources}
    assert alone == pytest.approx({"both": 180.0, "one": 90.0, "other": 990.0})
    assert found.factor == pytest.approx(5.0)


def test_a_trace_says_itself_which_endpoints_it_visits(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("time,to\n0,a.main\n1,b.main\n2,a.main\n3,a.main\n")
    (tmp_path / "s.yaml").write_text(
        "scenario: s\nservices: {a: {cpu: 1ms}, b: {cpu: 1ms}}\ntraffic:\n"
        "  users: {to: {a: 50%, b: 50%}, arrivals: {trace: {file: trace.csv, column: time, endpoint: to}}}\n"
    )
    scenario = load(tmp_path / "s.yaml")
    assert explain(scenario.resolve(scenario.baseline)).source("users").targets == {"a.main": 0.75, "b.main": 0.25}


def test_gaps_without_a_mean_are_told() -> None:
    text = server("users: {to: a, arrivals: {renewal: {gap: {pareto: {minimum: 1ms, shape: 0.8}}}}}")
    found = explain(model_from(text))
    assert found.source("users").rate_per_s == 0.0
    assert any("the gaps have an infinite mean" in limit for limit in found.limits)
    assert not math.isnan(found.station("a-host-1").utilization)
