"""CPU pressure: neighbours that want a node's cores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sim.engine import Run, Simulation
from sim.errors import DsimError
from sim.model import Model
from tests.reference.build import cpu, node, service, source, story


def run_with(model: Model, *acts: tuple[float, str, Any]) -> Run:
    """A run in which the cluster is asked for something now and then: (time, method, arguments)."""
    simulation = Simulation(replace(model, run=replace(model.run, record="none")))

    def process() -> Iterator[Any]:
        for at_s, name, given in acts:
            yield simulation.env.at(at_s)
            getattr(simulation.cluster, name)(*given)

    simulation.env.process(process())  # type: ignore[arg-type]
    return simulation.run()


def latency_s(run: Run) -> float:
    return run.scope("source", "u").latency.mean_s


STORY = story(node(cores=2.0), service("x", cpu(4.0)), source("u", "x.e", [0.0]))


def test_a_neighbour_takes_no_more_than_its_fair_share() -> None:
    """2 cores, one burst of 4 core-s. A neighbour that wants 1 leaves it a core, and so does one that wants 8."""
    assert latency_s(run_with(STORY, (1.0, "stress_node", ("n", 1.0)))) == pytest.approx(4.0)
    assert latency_s(run_with(STORY, (1.0, "stress_node", ("n", 8.0)))) == pytest.approx(4.0)
    one_core = replace(STORY, nodes=(node(cores=1.0),))
    assert latency_s(run_with(one_core, (1.0, "stress_node", ("n", 8.0)))) == pytest.approx(7.0)


def test_wishes_add_up_and_are_taken_back() -> None:
    """1 core. Alone in [0, 1). From 1 on 0.25 is wanted: 0.75 are left. From 2 on 0.5: half. From 3 on 0.25 again; from
    4 on nothing. Done at 4: 1 + 0.75 + 0.5 + 0.75 = 3; the fourth core-second takes until 5."""
    acts = [(at, "stress_node", ("n", 0.25)) for at in (1.0, 2.0)] + [
        (at, "relieve_node", ("n", 0.25)) for at in (3.0, 4.0)
    ]
    assert latency_s(run_with(replace(STORY, nodes=(node(cores=1.0),)), *acts)) == pytest.approx(5.0)


def test_a_neighbour_stays_through_a_crash_and_a_pause() -> None:
    """1 core, of which a neighbour wants 8: half is left. The host dies in [1, 2) and pauses in [3, 4): a request of 4
    core-s at 2 gets half a core in [2, 3) and from 4 on; it ends at 11."""
    model = story(node(cores=1.0), service("x", cpu(4.0)), source("u", "x.e", [2.0]))
    acts = [
        (0.5, "stress_node", ("n", 8.0)),
        (1.0, "crash_node", ("n",)),
        (1.9, "restore_node", ("n",)),
        (3.0, "pause_node", ("n",)),
        (4.0, "resume_node", ("n",)),
    ]
    assert latency_s(run_with(model, *acts)) == pytest.approx(9.0)


def test_a_neighbour_is_not_counted() -> None:
    """Utilization is what the scenario's own processes use."""
    run = run_with(replace(STORY, run=replace(STORY.run, duration_s=10.0)), (0.0, "stress_node", ("n", 8.0)))
    assert {gauge.kind: gauge.busy_cores_mean for gauge in run.gauges} == pytest.approx({"instance": 0.4, "node": 0.4})


def test_a_neighbour_of_nobody() -> None:
    with pytest.raises(DsimError, match="node 'm' does not exist"):
        run_with(STORY, (1.0, "stress_node", ("m", 1.0)))
