"""Every request's departure, to 1e-9 s: runs with a row for each request against recursions of ten lines.

The recursions are fed the recorded arrivals and the same draws of work. What agrees request by request needs no
confidence interval; that the draws have the law that they should is tested in `tests/distributions`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim.engine import Run
from tests.laws import recursions, replay
from tests.laws.estimate import gauge_of
from tests.laws.simulate import Overrides, lengthened, model_of, record

TOLERANCE_S = 1e-9
ROUNDINGS = 64
"""A departure may be off by so many units in the last place of the clock, where a run is so long that they matter."""
STRETCHES = [pytest.param(1.0, id="fast"), pytest.param(20.0, id="slow", marks=pytest.mark.slow)]
Floats = replay.Floats


class Recorded:
    """A run of a scenario whose users call `station`, a row for each request, and the keys of their draws."""

    def __init__(self, folder: Path, overrides: Overrides, stretch: float = 1.0) -> None:
        self.model = lengthened(model_of("station", overrides), stretch)
        self.run, rows = record(self.model, folder)
        self.arrivals = rows["intended_s"].to_numpy()
        self.departures = self.arrivals + rows["latency_s"].to_numpy()
        self.outcomes = rows["outcome"]
        calls = replay.requests(self.model, 0, "users", len(rows))
        self.attempts = replay.first_attempts(calls)

    def draws(self, path: str = "station.main/0", step: int = 0) -> Floats:
        """What the requests drew at a step: cpu work or a wait."""
        drawn = self.model.services[0].endpoints[0].steps[step]
        law = drawn.work if hasattr(drawn, "work") else drawn.wait
        return replay.values(replay.steps(self.attempts, path), law)

    @property
    def tolerance_s(self) -> float:
        return max(TOLERANCE_S, ROUNDINGS * float(np.spacing(self.run.duration_s)))

    def off_by(self, departures: Floats) -> float:
        """The largest difference in s, of requests that left before the end (not all later arrivals are known)."""
        assert len(departures) > 50_000
        known = self.departures < self.run.duration_s
        return float(np.abs(self.departures - departures)[known].max())


STATIONS: dict[str, Overrides] = {
    "M/M/1": {},
    "D/lognormal/1": {
        "traffic.users.arrivals": "constant(0.9/s)",
        "services.station.cpu": "{lognormal: {mean: 1s, cv: 2}}",
    },
    "E2/pareto/1": {
        "traffic.users.arrivals": "{renewal: {gap: {erlang: {mean: 1.25s, stages: 2}}}}",
        "services.station.cpu": "{pareto: {mean: 1s, shape: 2.5}}",
    },
    "MMPP/bimodal/1": {
        "traffic.users.arrivals": "{mmpp: [{rate: 0.4/s, for: 200s}, {rate: 1.5/s, for: 50s}]}",
        "services.station.cpu": "{bimodal: {low: 0.5s, high: 10.5s, share: 5%}}",
    },
}


@pytest.mark.parametrize("station", STATIONS)
@pytest.mark.parametrize("stretch", STRETCHES)
def test_one_server(tmp_path: Path, station: str, stretch: float) -> None:
    """G/G/1 by Lindley's recursion; the gauges are the same history's time averages."""
    got = Recorded(tmp_path, STATIONS[station], stretch)
    works = got.draws()
    departures = recursions.one_server(got.arrivals, works)
    assert got.off_by(departures) <= got.tolerance_s
    gauge, starts = gauge_of(got.run, "station-1"), departures - works
    assert gauge.in_system_mean == pytest.approx(time_average(got.run, got.arrivals, departures), rel=1e-9)
    assert gauge.queue_mean == pytest.approx(time_average(got.run, got.arrivals, starts), rel=1e-9)
    assert gauge.busy_cores_mean == pytest.approx(time_average(got.run, starts, departures), rel=1e-9)


def time_average(run: Run, begins: Floats, ends: Floats) -> float:
    """How many intervals hold on average over the measured time."""
    low, high = run.warmup_s, run.duration_s
    return float((np.clip(ends, low, high) - np.clip(begins, low, high)).sum() / (high - low))


@pytest.mark.parametrize("workers, rate", [(2, 1.8), (4, 3.7), (16, 15.2)])
@pytest.mark.parametrize("stretch", STRETCHES)
def test_several_servers(tmp_path: Path, workers: int, rate: float, stretch: float) -> None:
    """G/G/c, first come first served."""
    overrides = {
        "services.station.concurrency": f"{{threads: {{workers: {workers}}}}}",
        "traffic.users.arrivals": f"poisson({rate}/s)",
    }
    got = Recorded(tmp_path, overrides, stretch * 0.9 / rate)
    assert got.off_by(recursions.several_servers(got.arrivals, got.draws(), workers)) <= got.tolerance_s


@pytest.mark.parametrize("workers, queue, rate", [(1, 9, 1.2), (4, 6, 5.0), (5, 0, 4.0)])
@pytest.mark.parametrize("stretch", STRETCHES)
def test_bounded_queue(tmp_path: Path, workers: int, queue: int, rate: float, stretch: float) -> None:
    """M/M/c/K: who is shed, and when the others leave."""
    overrides = {
        "services.station.concurrency": f"{{threads: {{workers: {workers}, queue: {queue}}}}}",
        "traffic.users.arrivals": f"poisson({rate}/s)",
    }
    got = Recorded(tmp_path, overrides, stretch * 0.9 / rate)
    departures = recursions.bounded_queue(got.arrivals, got.draws(), workers, workers + queue)
    assert got.off_by(departures) <= got.tolerance_s
    assert np.array_equal(got.outcomes == "shed", departures == got.arrivals)


@pytest.mark.parametrize("servers", [4, 10])
@pytest.mark.parametrize("stretch", STRETCHES)
def test_round_robin(tmp_path: Path, servers: int, stretch: float) -> None:
    """Request i goes to server i mod n."""
    got = Recorded(tmp_path, _instances(servers, "round_robin"), stretch / servers)
    assert got.off_by(recursions.in_turn(got.arrivals, got.draws(), servers)) <= got.tolerance_s


@pytest.mark.parametrize("servers", [2, 7])
@pytest.mark.parametrize("stretch", STRETCHES)
def test_shortest_queue(tmp_path: Path, servers: int, stretch: float) -> None:
    """least_outstanding from one client; ties are broken by the uniform number of the pick."""
    got = Recorded(tmp_path, _instances(servers, "least_outstanding"), stretch / servers)
    picks = replay.picks(got.attempts)
    assert got.off_by(recursions.shortest_queue(got.arrivals, got.draws(), picks, servers)) <= got.tolerance_s


def _instances(servers: int, policy: str) -> Overrides:
    return {
        "services.station.instances": servers,
        "traffic.users.arrivals": f"poisson({0.9 * servers}/s)",
        "traffic.users.balance": policy,
    }


@pytest.mark.parametrize("cpu", ["exponential(1s)", "1s", "{bimodal: {low: 0.5s, high: 10.5s, share: 5%}}"])
def test_sharing(tmp_path: Path, cpu: str) -> None:
    """One core shared by goroutines. Virtual time multiplies rounding by the number present: hence the lower load."""
    overrides = {
        "services.station.concurrency": "goroutines",
        "services.station.cpu": cpu,
        "traffic.users.arrivals": "poisson(0.7/s)",
    }
    got = Recorded(tmp_path, overrides)
    assert got.off_by(recursions.sharing(got.arrivals, got.draws())) <= got.tolerance_s


@pytest.mark.parametrize("stretch", STRETCHES)
def test_event_loop(tmp_path: Path, stretch: float) -> None:
    """Bursts run one at a time in the order in which they became ready; waits overlap."""
    overrides = {
        "services.station.concurrency": "event_loop",
        "services.station.cpu": None,
        "services.station.steps": "[{cpu: exponential(0.4s)}, {io: exponential(5s)}, {cpu: exponential(0.6s)}]",
    }
    got = Recorded(tmp_path, overrides, stretch)
    first, wait, second = (got.draws(f"station.main/{i}", i) for i in range(3))
    assert got.off_by(recursions.event_loop(got.arrivals, first, wait, second)) <= got.tolerance_s


def test_event_loop_is_first_come_first_served(tmp_path: Path) -> None:
    """With one burst a request, an event loop and a single worker are the same queue."""
    loop = Recorded(tmp_path, {"services.station.concurrency": "event_loop"})
    assert loop.off_by(recursions.one_server(loop.arrivals, loop.draws())) <= loop.tolerance_s


@pytest.mark.parametrize("branches", [2, 10])
def test_fork_join(tmp_path: Path, branches: int) -> None:
    """The last of n waits ends the request."""
    forks = ", ".join(["{io: exponential(1s)}"] * branches)
    overrides = {
        "services.station.concurrency": "goroutines",
        "services.station.cpu": None,
        "services.station.steps": f"[{{parallel: [{forks}]}}]",
    }
    got = Recorded(tmp_path, overrides)
    law = got.model.services[0].endpoints[0].steps[0].branches[0][0].wait
    paths = [f"station.main/0/parallel/{branch}/0" for branch in range(branches)]
    waits = [replay.values(replay.steps(got.attempts, path), law) for path in paths]
    assert got.off_by(got.arrivals + np.max(waits, axis=0)) <= got.tolerance_s


def test_calls_in_a_row(tmp_path: Path) -> None:
    """A front calls two stations in turn: two recursions, the second fed the first's departures."""
    overrides = {
        "services.station.concurrency": "goroutines",
        "services.station.cpu": None,
        "services.station.steps": "[{call: first}, {call: second}]",
        "services.first": "{concurrency: {threads: {workers: 1}}, cpu: exponential(1s)}",
        "services.second": "{concurrency: {threads: {workers: 1}}, cpu: exponential(0.8s)}",
    }
    got = Recorded(tmp_path, overrides)
    departures = got.arrivals
    for place, name in enumerate(("first", "second")):
        service = next(service for service in got.model.services if service.name == name)
        calls = replay.steps(got.attempts, f"station.main/{place}")
        work = replay.values(
            replay.steps(replay.first_attempts(calls), f"{name}.main/0"), service.endpoints[0].steps[0].work
        )
        departures = recursions.one_server(departures, work)
    assert got.off_by(departures) <= got.tolerance_s


Wrong = Callable[[Recorded], Floats]
WRONG: dict[str, Wrong] = {
    "a ten-millionth more work": lambda got: recursions.one_server(got.arrivals, got.draws() * (1 + 1e-7)),
    "somebody else's work": lambda got: recursions.one_server(got.arrivals, np.roll(got.draws(), 1)),
    "a second server": lambda got: recursions.several_servers(got.arrivals, got.draws(), 2),
    "shared service": lambda got: recursions.sharing(got.arrivals, got.draws()),
    "room for a hundred": lambda got: recursions.bounded_queue(got.arrivals, got.draws(), 1, 60),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_check_notices(tmp_path: Path, wrong: str) -> None:
    """The mutants of these tests: any other queue, and any other work, is more than 1e-9 s off."""
    got = Recorded(tmp_path, {})
    assert got.off_by(WRONG[wrong](got)) > 1000 * TOLERANCE_S
