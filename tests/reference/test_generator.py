"""The random models: the same for everyone, rich in what can happen, sharp enough to tell mistakes."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from sim.model import Model
from tests.reference.accounts import Report, assert_conserved
from tests.reference.generate import SEEDS, TIES_SEEDS, random_model
from tests.reference.model import report, simulate
from tests.reference.mutants import MUTANTS, TIE_MUTANTS

HAPPENINGS = """
step Cpu, step Io, step Call, step Parallel, step Choose, step Repeat, step Fail, service calls itself
pick by round_robin, pick by random, pick by least_outstanding, pick by power_of_two, pick by weighted_round_robin
node oversubscribed, burst waits for the event loop, late response dropped
retry after timeout, retry after error, retry after shed, retry after refused, retry after reset, retry succeeded
jitter none, jitter full, jitter equal
join failed, join of fewer than all, join succeeded with branches running
branches cancelled, branches left behind, branches outlived their handler
cancelled while running, cancelled in the queue, cancel came too late, request arrives after its caller has left
stopped in a burst, stopped in a wait, stopped in a back-off
request arrives in a pause, cancel arrives in a pause, timeout in the caller's pause, response in the caller's pause
back-off ends in a pause, overlapping pauses, crash in a pause, pause of a dead process
slowed twice, slow in a pause
overlapping node crashes, overlapping instance crashes, instance crash on a dead node, tasks silenced
call ok, call error, call timeout, call refused, call reset, call shed, call unavailable, call too_deep, call cancelled
task ok, task error, task shed, task killed, task cancelled, message lost, message refused
row ok, row error, row timeout, row refused, row reset, row shed, row unavailable, row unfinished
"""
"""What must occur, each in at least three models."""


@cache
def told(seed: int, ties: bool = False) -> tuple[Model, Report]:
    model = random_model(seed, ties)
    return model, report(model)


def happenings(model_report: Report) -> set[str]:
    names = {name for name, count in model_report.seen.items() if count}
    for edge in model_report.edges.values():
        names |= {f"call {outcome}" for outcome in edge.calls}
    for instance in model_report.instances.values():
        names |= {f"task {how}" for how in instance.tasks}
        names |= {"message lost"} if instance.lost else set()
        names |= {"message refused"} if instance.refused else set()
    return names | {f"row {row.outcome}" for row in model_report.rows}


def test_the_same_seed_gives_the_same_model_and_the_same_rows() -> None:
    for seed in (1, 2, 3):
        assert random_model(seed) == random_model(seed) != random_model(seed + 1)
        assert simulate(random_model(seed)) == told(seed)[1].rows


def test_everything_happens() -> None:
    models = Counter(name for seed in SEEDS for name in happenings(told(seed)[1]))
    expected = [name.strip() for line in HAPPENINGS.strip().splitlines() for name in line.split(",")]
    assert {name: models[name] for name in expected if models[name] < 3} == {}


def test_models_are_small_and_mostly_alive() -> None:
    outcomes: Counter[str] = Counter()
    for seed in SEEDS:
        model, model_report = told(seed)
        assert 2 <= len(model.services) <= 4
        assert 1 <= len(model_report.rows) <= 300, seed
        assert sum(instance.tasks_started for instance in model_report.instances.values()) < 10_000, seed
        outcomes.update(row.outcome for row in model_report.rows)
    assert outcomes["ok"] > 0.25 * outcomes.total(), "overloads and crashes alone would hide mistakes"


@pytest.mark.parametrize("ties", [False, True])
def test_nothing_is_lost(ties: bool) -> None:
    for seed in TIES_SEEDS if ties else SEEDS:
        assert_conserved(told(seed, ties)[1])


@pytest.mark.parametrize("name", TIE_MUTANTS)
def test_no_model_depends_on_the_order_of_equal_times_unless_asked_to(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered, tied = [told(seed) for seed in SEEDS[:60]], [told(seed, ties=True) for seed in TIES_SEEDS]
    TIE_MUTANTS[name](monkeypatch)
    assert all(simulate(model) == one.rows for model, one in ordered)
    assert any(simulate(model) != one.rows for model, one in tied)


@pytest.mark.parametrize("name", MUTANTS)
def test_the_models_tell_a_mutant_of_the_reference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least three of the models give a request another outcome, end or number of attempts."""
    right = {seed: told(seed) for seed in SEEDS}
    MUTANTS[name](monkeypatch)
    seeds = []
    for seed, (model, model_report) in right.items():
        if simulate(model) != model_report.rows:
            seeds.append(seed)
        if len(seeds) == 3:
            return
    pytest.fail(f"only the seeds {seeds} tell {name}")
