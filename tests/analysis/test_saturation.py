"""The saturation load is the load at which simulated throughput flattens."""

from __future__ import annotations

import pytest

from sim.analysis import explain
from tests.analysis.simulate import carried, model_of, plateau

WITHIN = 0.02
"""The claim is 3 %."""
BOTTLENECKS = {
    "shared_nodes": {"app-1", "app-2"},
    "event_loops": {"api-1", "api-2"},
    "waiting_threads": {"api-1", "api-2"},
    "fork_join": {"db-1"},
    "weighted": {"small-1"},
    "two_choices": {"small-1", "small-2", "small-3"},
    "fanning_threads": {"api-1"},
}


@pytest.mark.parametrize("name", BOTTLENECKS)
def test_throughput_flattens_where_explain_says(name: str) -> None:
    model = model_of(name)
    found = explain(model)
    promised = found.source("users").saturation_per_s
    assert {station.name for station in found.bottleneck} == BOTTLENECKS[name]
    assert plateau(model) == pytest.approx(promised, rel=WITHIN)


@pytest.mark.parametrize("name", BOTTLENECKS)
def test_an_open_load_below_is_carried_and_one_above_is_not(name: str) -> None:
    """Above, a backlog grows at the bottleneck. What does not pass there goes on: a quarter of the requests of
    `fork_join` and of `weighted` do."""
    model = model_of(name)
    promised = explain(model).source("users").saturation_per_s
    assert carried(model, 0.96 * promised) > 0.99
    assert carried(model, 1.08 * promised) < 0.985


def test_a_balancer_that_steers_carries_more_than_an_even_spread() -> None:
    found = explain(model_of("two_choices"))
    assert found.is_steered
    assert found.factor == pytest.approx(1.5 * found.even_factor)
