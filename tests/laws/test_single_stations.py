"""One station, open traffic: rows of queueing theory's usual tables, each through a scenario file.

The figures of `closed_forms` are held against published ones in `test_closed_forms`; how the simulator came to each
single sojourn is held against recursions in `test_exact_stations`.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.engine import Run
from tests.laws import closed_forms as law
from tests.laws import replay
from tests.laws.estimate import Comparison, Replications, jackknife, judge, ratio
from tests.laws.simulate import EFFORTS, SLOW, Effort, hold, lengthened, model_of, record


@pytest.mark.parametrize("effort", EFFORTS)
def test_one_server(effort: Effort) -> None:
    """M/M/1: mean and percentiles of T, L and Var N."""

    def claims(runs: Replications, table: Comparison) -> None:
        for rho in (0.5, 0.8, 0.9, 0.95):
            name = f"load_{100 * rho:.0f}"
            table.hold(f"{name} T", runs.mean(name), law.mm1_time(rho))
            table.hold(f"{name} L", runs.gauge("in_system_mean", f"{name}-1"), rho * law.mm1_time(rho))
            table.hold(f"{name} Var N", runs.number_variance(name), law.mm1_number_variance(rho), tail=True)
            for q in (0.5, 0.95, 0.99, 0.999):
                if q < 0.999 or rho < 0.9 or effort is SLOW:
                    true = law.mm1_time_quantile(rho, q)
                    table.hold(f"{name} T p{100 * q:g}", runs.quantile(name, q), true, tail=True)

    hold(model_of("mm1"), effort, claims).close()


@pytest.mark.parametrize("effort", EFFORTS)
def test_several_servers(effort: Effort) -> None:
    """M/M/c: mean, median and p99 of T, mean queue."""
    stations = {
        "two_80": (2, 0.8, 1.0),
        "two_90": (2, 0.9, 1.0),
        "four_80": (4, 0.8, 1.0),
        "ten_90": (10, 0.9, 4.0),
        "sixteen_95": (16, 0.95, 4.0),
        "hundred_95": (100, 0.95, 20.0),
    }

    def claims(runs: Replications, table: Comparison) -> None:
        for name, (c, rho, service_s) in stations.items():
            wait = law.mmc_wait(c, rho)
            table.hold(f"{name} T", runs.mean(name), service_s * (1.0 + wait))
            table.hold(f"{name} Lq", runs.gauge("queue_mean", f"{name}-1"), wait * c * rho, tail=True)
            for q in (0.5, 0.99):
                true = service_s * law.mmc_time_quantile(c, rho, q)
                table.hold(f"{name} T p{100 * q:g}", runs.quantile(name, q), true, tail=True)

    hold(model_of("mmc"), effort, claims).close()


@pytest.mark.parametrize("service", ["exponential", "constant"])
@pytest.mark.parametrize("effort", EFFORTS)
def test_loss(effort: Effort, service: str) -> None:
    """Erlang B: the share of shed requests does not depend on the service law."""
    stations = {"five": (5, 4.0, 1), "ten_at_8": (10, 8.0, 1), "ten_at_10": (10, 10.0, 1), "hundred": (100, 90.0, 10)}
    text = {"exponential": "exponential({}s)", "constant": "{}s"}[service]
    overrides = {f"services.{name}.cpu": text.format(mean_s) for name, (_, _, mean_s) in stations.items()}

    def claims(runs: Replications, table: Comparison) -> None:
        for name, (c, load, _) in stations.items():
            blocked = law.erlang_b(c, load)
            table.hold(f"{name} shed", runs.share(name, "shed"), blocked)
            table.hold(f"{name} busy", runs.gauge("busy_cores_mean", f"{name}-1"), load * (1.0 - blocked))

    hold(model_of("loss", overrides), effort, claims).close()


@pytest.mark.parametrize("effort", EFFORTS)
def test_finite_queue(effort: Effort) -> None:
    """M/M/c/K: loss, throughput, number in the system, T of the accepted."""
    stations = {
        "one_of_5": (1, 5, 0.9),
        "one_of_10": (1, 10, 1.2),
        "four_of_10": (4, 10, 3.2),
        "four_of_10_over": (4, 10, 5.0),
        "two_of_4": (2, 4, 2.0),
    }

    def claims(runs: Replications, table: Comparison) -> None:
        for name, (c, k, rate) in stations.items():
            loss, throughput, number, time_s = law.mmck(c, k, rate)
            table.hold(f"{name} shed", runs.share(name, "shed"), loss)
            table.hold(f"{name} X", runs.throughput(name), throughput)
            table.hold(f"{name} L", runs.gauge("in_system_mean", f"{name}-1"), number)
            table.hold(f"{name} T", runs.mean(name), time_s)

    hold(model_of("finite_queue"), effort, claims).close()


SERVICE_LAWS = {
    "constant": ("1s", 0.0),
    "erlang 2": ("{erlang: {mean: 1s, stages: 2}}", 0.5),
    "lognormal sigma 1": (f"{{lognormal: {{mean: 1s, cv: {math.sqrt(math.e - 1.0)!r}}}}}", math.e - 1.0),
    "lognormal cv 2": ("{lognormal: {mean: 1s, cv: 2}}", 4.0),
    "bimodal": ("{bimodal: {low: 0.5s, high: 10.5s, share: 5%}}", 4.75),
}
LOADS = (0.5, 0.7, 0.8, 0.9)
CONSTANT_SERVICE_PERCENTILES = {0.5: (0.99,), 0.8: (0.5, 0.99), 0.9: (0.5, 0.99)}


@pytest.mark.parametrize("service", SERVICE_LAWS)
@pytest.mark.parametrize("effort", EFFORTS)
def test_any_service(effort: Effort, service: str) -> None:
    """M/G/1: mean W by Pollaczek and Khinchine; of M/D/1 also percentiles (T is W + 1 s there)."""
    text, cv2 = SERVICE_LAWS[service]

    def claims(runs: Replications, table: Comparison) -> None:
        for rho in LOADS:
            name = f"load_{100 * rho:.0f}"
            table.hold(f"{name} W", runs.mean(name).minus(1.0), law.pollaczek_khinchine_wait(rho, cv2))
            for q in CONSTANT_SERVICE_PERCENTILES.get(rho, ()) if service == "constant" else ():
                true = law.md1_wait_quantile(rho, q)
                table.hold(f"{name} W p{100 * q:g}", runs.quantile(name, q).minus(1.0), true, tail=True)

    overrides = {f"services.load_{100 * rho:.0f}.cpu": text for rho in LOADS}
    hold(model_of("mg1", overrides), effort, claims).close()


@pytest.mark.parametrize("effort", EFFORTS)
def test_any_arrivals(effort: Effort) -> None:
    """D/M/1 and E2/M/1: mean W and percentiles of T, which is exponential. Kingman's approximation is far above."""

    def claims(runs: Replications, table: Comparison) -> None:
        for rho in (0.5, 0.8, 0.9):
            for process, gap in (("constant", law.constant_gap(rho)), ("erlang", law.erlang_gap(rho, 2))):
                name, sigma = f"{process}_{100 * rho:.0f}", law.gim1_sigma(gap)
                table.hold(f"{name} W", runs.mean(name).minus(1.0), law.gim1_wait(sigma))
                for q in (0.5, 0.99):
                    true = law.mm1_time_quantile(sigma, q)
                    table.hold(f"{name} T p{100 * q:g}", runs.quantile(name, q), true, tail=True)
        assert runs.mean("constant_80").value - 1.0 < 0.9 * law.kingman_wait(0.8, 0.0, 1.0)

    hold(model_of("gm1"), effort, claims).close()


@pytest.mark.parametrize("effort", EFFORTS)
def test_waits_and_numbers(tmp_path: Path, effort: Effort) -> None:
    """M/M/1 at load 0.8 from a row a request: p99 of W (T less the work that was drawn), time averages of N and N²."""
    model = lengthened(model_of("station", {"traffic.users.arrivals": "poisson(0.8/s)"}), 0.6 * effort.stretch)
    work = model.services[0].endpoints[0].steps[0].work
    p99_s = law.mm1_wait_quantile(0.8, 0.99)

    def measure(look: int) -> list[tuple[float, ...]]:
        parts = []
        for number in effort.numbers(look):
            run, rows = record(model, tmp_path, number)
            handlers = replay.first_attempts(replay.requests(model, number, "users", len(rows)))
            waits = rows["latency_s"] - replay.values(replay.steps(handlers, "station.main/0"), work)
            measured = rows["intended_s"] >= run.warmup_s
            parts.append(((waits[measured] > p99_s).sum(), measured.sum(), *areas_of_number(run, rows)))
        return parts

    def claims(parts: list[tuple[float, ...]], table: Comparison) -> None:
        table.hold("P(W > its p99)", jackknife(parts, ratio), 0.01, tail=True)
        table.hold("L", jackknife(parts, lambda sums: sums[3] / sums[2]), 4.0)
        table.hold(
            "Var N", jackknife(parts, lambda sums: sums[4] / sums[2] - (sums[3] / sums[2]) ** 2), 20.0, tail=True
        )

    judge(measure, claims, effort.widest).close()


def areas_of_number(run: Run, rows: pd.DataFrame) -> tuple[float, float, float]:
    """The measured time, and the integrals of N and N² over it."""
    times = np.concatenate([rows["intended_s"], rows["intended_s"] + rows["latency_s"]])
    order = np.argsort(times, kind="stable")
    number = np.cumsum(np.repeat([1, -1], len(rows))[order])
    lasted = np.diff(np.clip(np.append(times[order], np.inf), run.warmup_s, run.duration_s))
    return float(lasted.sum()), float((number * lasted).sum()), float((number**2 * lasted).sum())


MUTANTS = {"services.station.cpu": "exponential(1.02s)", "traffic.users.arrivals": "poisson(0.816/s)"}


@pytest.mark.parametrize("key", MUTANTS)
def test_two_percent_are_noticed(key: str) -> None:
    """The mutants of these tests: a service 2 % slower, or traffic 2 % denser, is rejected by the same check."""
    overrides = {"run.record": "none", "traffic.users.arrivals": "poisson(0.8/s)", key: MUTANTS[key]}

    def claims(runs: Replications, table: Comparison) -> None:
        table.hold("T", runs.mean("users"), law.mm1_time(0.8))

    assert hold(model_of("station", overrides), Effort(10, 0.5, 1.0), claims).misses
