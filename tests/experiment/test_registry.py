"""What clients knew, over replications: means over events, sums a replication, and what is never given a time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from sim.experiment.outline import FaultOutline
from sim.experiment.registry import knowledge_of, registry_table
from sim.report.knowledge import knowledge_grids
from tests.experiment import fakes
from tests.experiment.control_logs import results, run


def killed(detected_s: float | None) -> str:
    text = "0 e view a api: api-1 api-2\n2 truth down api-1"
    return text if detected_s is None else f"{text}\n{detected_s} e expired api-1\n{detected_s} e view a api: api-2"


def test_times_are_means_over_events_with_an_interval() -> None:
    (of,) = knowledge_of(results({"base": [killed(5.0), killed(6.0), killed(7.0)]}))
    detect = of.times["detect"]
    assert (of.deaths, detect.seen, detect.unseen, detect.mean_s.value) == (3, 3, 0, 4.0)
    half_width = 4.302653 * 1.0 / math.sqrt(3)
    assert detect.mean_s.half_width == pytest.approx(half_width, rel=1e-6)
    assert of.sums["stale_view_s"].value == pytest.approx(4.0)


def test_what_was_not_seen_is_counted_and_never_averaged() -> None:
    (of,) = knowledge_of(results({"base": [killed(5.0), killed(7.0), killed(None)]}))
    detect = of.times["detect"]
    assert (detect.seen, detect.unseen, detect.mean_s.value) == (2, 1, 4.0)
    assert "1 were not" in detect.mean_s.reason
    (never,) = knowledge_of(results({"base": [killed(None), killed(None)]}))
    assert math.isnan(never.times["detect"].mean_s.value) and never.times["detect"].unseen == 2


def test_requests_to_the_dead_are_what_dead_servers_were_sent_without_probes() -> None:
    one = run(killed(5.0))
    met = fakes.scope("instance", "api-1", np.full(10, 0.01))
    met.total.outcomes.update(lost=7, refused=4, shed=3)
    other = fakes.scope("instance", "db-1", np.full(10, 0.01))
    other.total.outcomes.update(lost=100)
    found = results({"base": [killed(5.0)]})
    probes = fakes.scope("call", "agent (check of api) → api.main", np.full(10, 0.01))
    probes.attempts.update(refused=3, timeout=2, ok=50)
    found = replace(found, runs=[replace(one, scopes=[*one.scopes, met, other, probes])])
    assert knowledge_of(found)[0].sums["requests_to_dead"].value == 11 - 5


def test_the_table_has_a_row_a_variant_and_measure() -> None:
    found = results({"base": [killed(5.0), killed(6.0)], "other": [killed(None)] * 2})
    table = registry_table(knowledge_of(found))
    assert table.loc[("base", "detect_s"), "value"] == 3.5
    assert table.loc[("other", "detect_s"), "unseen"] == 2
    assert np.isnan(table.loc[("other", "detect_s"), "value"])


def test_deaths_are_told_by_the_fault_that_brought_them() -> None:
    """One of two deaths at the same time on another node, and one that no fault of the file explains."""
    text = f"{killed(5.0)}; 2 truth down db-1; 7 truth down api-2"
    found = results({"base": [text]})
    faults = (
        FaultOutline("kill", "kill", "down", ("instance", "api-1"), (("instance", "api-1"),), at_random=False),
        FaultOutline("blackout", "blackout", "down", ("node", "db-1"), (("node", "db-1"),), at_random=False),
    )
    model = replace(found.models["base"], faults=faults)
    runs = [replace(found.runs[0], faults=[("kill", 2.0, 9.0), ("blackout", 2.0, 9.0)])]
    found = replace(found, models={"base": model}, runs=runs)
    assert found.registry("death").set_index("instance")["fault"].to_dict() == {"api-1": "kill", "api-2": ""}
    by_fault = knowledge_of(found)[0].by_fault
    assert (by_fault["kill"].mean_s.value, by_fault["kill"].seen, by_fault[""].unseen) == (3.0, 1, 1)
    [_, grid], _ = knowledge_grids(found)
    assert [row[0] for row in grid.rows] == ["kill", "no fault of the file"]
