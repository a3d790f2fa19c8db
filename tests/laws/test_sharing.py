"""Processor sharing, waits that hold nothing, and two laws that hold for every system."""

from __future__ import annotations

import math

import pytest

from tests.laws import closed_forms as law
from tests.laws.estimate import Comparison, Replications
from tests.laws.simulate import EFFORTS, Effort, hold, model_of


@pytest.mark.parametrize("effort", EFFORTS)
def test_processor_sharing(effort: Effort) -> None:
    """M/G/1-PS: T = S / (1-ρ) on average and for each size of job, whatever the service law."""

    def claims(runs: Replications, table: Comparison) -> None:
        for name in ("exponential", "constant", "bimodal"):
            table.hold(f"{name} T", runs.mean(name), law.sharing_time(0.8, 1.0))
            table.hold(f"{name} L", runs.gauge("in_system_mean", f"{name}-1"), 0.8 / (1.0 - 0.8))
        for name, work in (("short", 0.5), ("long", 10.5)):
            table.hold(f"bimodal {name} T", runs.mean(f"bimodal.{name}", "endpoint"), law.sharing_time(0.8, work))

    hold(model_of("sharing"), effort, claims).close()


@pytest.mark.parametrize("effort", EFFORTS)
def test_pure_delay(effort: Effort) -> None:
    """M/G/∞ through `io`: T is the wait itself, L = λS whatever its law; also on an event loop."""

    def claims(runs: Replications, table: Comparison) -> None:
        for name in ("exponential", "pareto"):
            table.hold(f"{name} T", runs.mean(name), 1.0)
            table.hold(f"{name} L", runs.gauge("in_system_mean", f"{name}-1"), 10.0)
        for q in (0.5, 0.99):
            table.hold(f"exponential p{100 * q:g}", runs.quantile("exponential", q), -math.log(1.0 - q))
            table.hold(f"pareto p{100 * q:g}", runs.quantile("pareto", q), 2.0 / 3.0 * (1.0 - q) ** (-1.0 / 3.0))

    hold(model_of("delay"), effort, claims).close()


RATES = {"web": 6.0, "data": 4.0, "loop": 2.0}
WORKS_S = {"web": 0.2, "data": 0.25, "loop": 0.3}


@pytest.mark.parametrize("effort", EFFORTS)
def test_utilization_and_little(effort: Effort) -> None:
    """Three services on one node: busy cores = Σ λS (the utilization law), and L = λT at each (Little, Operations
    Research 9, 1961), up to who is there when the measured time begins and ends."""

    def claims(runs: Replications, table: Comparison) -> None:
        for name, rate in RATES.items():
            table.hold(f"{name} X", runs.throughput(name, "service"), rate)
            table.hold(f"{name} busy", runs.gauge("busy_cores_mean", f"{name}-1"), rate * WORKS_S[name])
            number, time_s = runs.gauge("in_system_mean", f"{name}-1").value, runs.mean(name, "service").value
            assert number == pytest.approx(runs.throughput(name, "service").value * time_s, rel=0.002), name
        table.hold("node busy", runs.gauge("busy_cores_mean", "box-1"), sum(RATES[n] * WORKS_S[n] for n in RATES))

    hold(model_of("shared_node"), effort, claims).close()
