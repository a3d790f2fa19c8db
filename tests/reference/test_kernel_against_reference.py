"""The engine against the reference: the same end and outcome of every request, of random models and of told stories."""

from __future__ import annotations

import inspect

import pytest

from sim.model import Model
from tests.reference import test_reference_selfcheck as stories
from tests.reference.build import call, crash, io, node, service, source, story
from tests.reference.compare import differences
from tests.reference.generate import SEEDS, TIES_SEEDS, random_model
from tests.reference.kernel import kernel_rows
from tests.reference.model import simulate

STORIES = [
    name
    for name, function in vars(stories).items()
    if name.startswith("test_") and not inspect.signature(function).parameters
]


def agree(seed: int, ties: bool) -> None:
    model = random_model(seed, ties)
    wrong = differences(model, simulate(model), kernel_rows(model))
    if wrong:
        command = f"python -m tests.reference.compare {seed}{' --ties' if ties else ''}"
        lines = [f"{len(wrong)} requests differ; replay: {command}", f"features: {model.title}", *wrong[:5]]
        pytest.fail("\n  ".join(lines), pytrace=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_engine_agrees_with_the_reference(seed: int) -> None:
    agree(seed, ties=False)


@pytest.mark.parametrize("seed", TIES_SEEDS)
def test_the_engine_keeps_the_order_of_equal_times(seed: int) -> None:
    agree(seed, ties=True)


@pytest.mark.parametrize("name", STORIES)
def test_the_engine_lives_the_same_story(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model that the story runs in the reference runs in the engine too."""
    models: list[Model] = []
    original = stories.report
    monkeypatch.setattr(stories, "report", lambda model: models.append(model) or original(model))
    getattr(stories, name)()
    for model in models:
        assert differences(model, simulate(model), kernel_rows(model)) == []


def test_timeouts_of_one_time_strike_in_the_order_of_their_attempts() -> None:
    """The second request is sent at 1 with a timeout of 1; its task calls y at 1.25 with a timeout of 0.75. At 2 the
    older timeout strikes first, so that the failure of the younger comes too late. (The first request, silent until
    its timeout at 1.5, is there to stand before the second in the source's list of timeouts.)"""
    model = story(
        node("m"),
        node("n"),
        service("x", io(0.25), call("y.e", timeout_s=0.75), nodes=("m", "n")),
        service("y", io(9)),
        source("u", "x.e", [0.5, 1.0], timeout_s=1.0),
        crash("m", 0.25),
    )
    assert [(row.outcome, row.finished_s) for row in simulate(model)] == [("timeout", 1.5), ("timeout", 2.0)]
    assert differences(model, simulate(model), kernel_rows(model)) == []
