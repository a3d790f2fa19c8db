"""Clocks: whose drift stretches which waits, and what a behaviour reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.engine import Simulation
from sim.errors import DsimError
from sim.model import FAILURES, Clock, Model
from tests.machines.told import ends
from tests.reference.build import call, cpu, io, node, retry, service, source, story

FAST, SLOW = Clock(0.25), Clock(-0.2)
"""A second of the fast clock takes 0.8 s, one of the slow clock 1.25 s."""


def calling(*clocks: Clock | None, **how: object) -> Model:
    """A caller on a node for each clock, `a`, `b`, …, whose callee on another node never answers in time."""
    names = "abcdefgh"[: len(clocks)]
    nodes = [replace(node(name), clock=clock) for name, clock in zip(names, clocks, strict=True)]
    callers = [service(name, call("y.e", **how), nodes=(name,)) for name in names]  # type: ignore[arg-type]
    sources = [source(f"u{name}", f"{name}.e", [0.0]) for name in names]
    return story(*nodes, replace(node("n"), clock=FAST), *callers, service("y", io(50.0)), *sources)


def test_a_timeout_runs_on_the_clock_of_the_caller() -> None:
    """1 s on a true, a fast and a slow clock; the callee's clock does not matter."""
    model = calling(None, FAST, SLOW, timeout_s=1.0)
    assert ends(model) == [("error", 1.0), ("error", 0.8), ("error", 1.25)]


def test_timeouts_of_one_edge_strike_in_the_order_of_their_deadlines() -> None:
    """One service, an instance on a slow node and one on a fast node, in turn: deadlines come out of order. Answers
    take 1 s, which the slow clock waits for and the fast one does not."""
    nodes = replace(node("m"), clock=SLOW), replace(node("n"), clock=FAST), node("l")
    client = service("x", call("y.e", timeout_s=1.0), nodes=("m", "n"))
    model = story(*nodes, client, service("y", io(1.0), nodes=("l",)), source("u", "x.e", [0.0, 0.1, 0.2, 0.3]))
    assert ends(model) == [("ok", 1.0), ("error", 0.9), ("ok", 1.2), ("error", 1.1)]


def test_an_answer_stops_the_timer_of_its_own_list() -> None:
    """Answers after 0.5 s on a slow clock: none times out, and the one that takes longer does, at 1.25."""
    nodes = replace(node("m"), clock=SLOW), node("n")
    quick, late = service("q", io(0.5)), service("y", io(50.0))
    client = service("x", call("q.e", timeout_s=1.0), call("y.e", timeout_s=1.0), nodes=("m",))
    assert ends(story(*nodes, client, quick, late, source("u", "x.e", [0.0, 0.1]))) == [
        ("error", 1.75),
        ("error", 1.85),
    ]


def test_a_backoff_runs_on_the_clock_of_the_caller() -> None:
    """Two tries of 1 s with 2 s between them: 4 s of the clock."""
    how = retry(2, 2.0, on=FAILURES)
    assert ends(calling(FAST, SLOW, timeout_s=1.0, retry=how)) == [("error", 3.2), ("error", 5.0)]


def test_clients_of_a_source_have_true_clocks() -> None:
    model = story(replace(node(), clock=FAST), service("x", cpu(50.0)), source("u", "x.e", [0.0], timeout_s=1.0))
    assert ends(model) == [("timeout", 1.0)]


def test_what_clocks_read() -> None:
    """The monotonic clock drifts; the wall clock drifts, is ahead, and is set."""
    host = replace(node(), clock=Clock(0.25, 7.0))
    model = story(host, service("x", cpu(1.0)), source("u", "x.e", [0.0]))
    simulation = Simulation(replace(model, run=replace(model.run, record="none")))
    read: list[tuple[float, float]] = []

    def process() -> object:
        clock = simulation.cluster.clock("n")
        yield simulation.env.at(8.0)
        read.append((clock.monotonic(), clock.wall()))
        clock.jump(-3.0)
        yield simulation.env.timeout(clock.true_s(10.0))
        read.append((clock.monotonic(), clock.wall()))

    simulation.env.process(process())  # type: ignore[arg-type]
    simulation.run()
    assert read == [(10.0, 17.0), (20.0, 24.0)]
    with pytest.raises(DsimError, match="node 'm' does not exist"):
        simulation.cluster.clock("m")
