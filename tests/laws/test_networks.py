"""Stations in a row, with feedback, closed, forked: networks of queues against their closed forms.

A front of goroutines without work of its own calls the stations; it holds nothing while it waits, so customers move
between the stations as the closed forms have it.
"""

from __future__ import annotations

import numpy as np
import pytest

from sim.scenario import load_text
from tests.laws import closed_forms as law
from tests.laws.estimate import Comparison, Replications
from tests.laws.simulate import EFFORTS, Effort, hold, model_of


@pytest.mark.parametrize("effort", EFFORTS)
def test_tandem(effort: Effort) -> None:
    """Two M/M/1 in a row: the sum of two independent sojourns."""

    def claims(runs: Replications, table: Comparison) -> None:
        table.hold("T", runs.mean("users"), law.mm1_time(0.8) + 0.8 * law.mm1_time(0.64))
        table.hold("T first", runs.mean("front.main → first.main", "call"), law.mm1_time(0.8))
        table.hold("T second", runs.mean("front.main → second.main", "call"), 0.8 * law.mm1_time(0.64))
        for q in (0.5, 0.99):
            true = law.tandem_time_quantile(0.8, (1.0, 1.25), q)
            table.hold(f"T p{100 * q:g}", runs.quantile("users", q), true, tail=True)

    hold(model_of("tandem"), effort, claims).close()


ROUTING = np.array([[0.0, 0.6, 0.4], [0.3, 0.0, 0.0], [0.2, 0.0, 0.0]])


@pytest.mark.parametrize("effort", EFFORTS)
def test_feedback(effort: Effort) -> None:
    """A Jackson network whose customers come back by chance: rate and number of each station, time in all.

    At the desk a customer on the k-th visit holds k tasks, since each visit is called by the one before; a task lasts
    for its own visit and the whole rest of the journey.
    """
    rates, numbers, time_s = law.jackson(np.array([1.0, 0.0, 0.0]), ROUTING, np.array([2.0, 1.5, 1.0]))
    journeys = np.linalg.solve(np.eye(3) - ROUTING, numbers / rates)

    def claims(runs: Replications, table: Comparison) -> None:
        for name, rate, number in zip(("one", "two", "three"), rates, numbers, strict=True):
            table.hold(f"λ {name}", runs.throughput(name, "service"), rate)
            table.hold(f"L {name}", runs.gauge("in_system_mean", f"{name}-1"), number)
        table.hold("T", runs.mean("users"), time_s)
        table.hold("L desk", runs.gauge("in_system_mean", "desk-1"), float(rates @ journeys))

    hold(model_of("feedback"), effort, claims).close()


@pytest.mark.parametrize("effort", EFFORTS)
def test_repairman(effort: Effort) -> None:
    """Users who think, one server: throughput and response time, by the birth–death chain and by MVA."""

    def claims(runs: Replications, table: Comparison) -> None:
        for users in (5, 10, 11, 20, 30):
            name, (throughput, number, response) = f"of_{users}", law.finite_source(users, 1, 10.0)
            table.hold(f"{name} X", runs.throughput(name), throughput)
            table.hold(f"{name} R", runs.mean(name), response)
            table.hold(f"{name} L", runs.gauge("in_system_mean", f"{name}-1"), number)

    hold(model_of("repairman"), effort, claims).close()


@pytest.mark.parametrize("effort", EFFORTS)
def test_closed_network(effort: Effort) -> None:
    """A finite source with two servers, and Gordon and Newell's closed network without think time."""

    def claims(runs: Replications, table: Comparison) -> None:
        throughput, number, response = law.finite_source(10, 2, 10.0)
        table.hold("pair X", runs.throughput("ten"), throughput)
        table.hold("pair L", runs.gauge("in_system_mean", "pair-1"), number)
        table.hold("pair R", runs.mean("ten"), response)
        throughput, response, queues = law.mean_value_analysis((0.5, 0.4, 0.3), 0.0, 5)
        table.hold("ring X", runs.throughput("five"), throughput)
        table.hold("ring R", runs.mean("five"), response)
        for name, queue in zip(("first", "second", "third"), queues, strict=True):
            table.hold(f"ring L {name}", runs.gauge("in_system_mean", f"{name}-1"), queue)

    hold(model_of("closed_network"), effort, claims).close()


FORKS = {2: 50, 10: 50, 100: 5}
"""Requests per second by number of branches."""


@pytest.mark.parametrize("effort", EFFORTS)
def test_fork_join(effort: Effort) -> None:
    """The longest of n exponential waits at once: mean, median, p99."""
    forks = {n: ", ".join(["{io: exponential(1s)}"] * n) for n in FORKS}
    lines = [
        "scenario: fork-join",
        "run: {duration: 300s, warmup: 10s, seed: 1}",
        "services:",
        *(f"  of_{n}: {{steps: [{{parallel: [{branches}]}}]}}" for n, branches in forks.items()),
        "traffic:",
        *(f"  of_{n}: {{to: of_{n}, arrivals: poisson({rate}/s)}}" for n, rate in FORKS.items()),
    ]
    scenario = load_text("\n".join(lines), "fork-join")

    def claims(runs: Replications, table: Comparison) -> None:
        for n in FORKS:
            table.hold(f"of {n} mean", runs.mean(f"of_{n}"), law.fork_join_mean(n))
            for q in (0.5, 0.99):
                table.hold(f"of {n} p{100 * q:g}", runs.quantile(f"of_{n}", q), law.fork_join_quantile(n, q))

    hold(scenario.resolve(scenario.baseline), effort, claims).close()
