"""Every registered kind is whole: it does what its base only promises."""

from __future__ import annotations

import inspect

import pytest

import sim.steps
from sim import failures
from sim.distributions import DISTRIBUTIONS
from sim.failures.form import FAULT_FORMS
from sim.forms import STEP_FORMS
from sim.model import Fault, Once
from sim.scenario import load_text


def test_registered_kinds_are_whole() -> None:
    assert sim.steps.KINDS and load_text
    kinds = [*DISTRIBUTIONS.values(), *STEP_FORMS.values(), *FAULT_FORMS.values(), *failures.KINDS, failures.Together]
    assert len(kinds) > 25
    assert [kind.__name__ for kind in kinds if inspect.isabstract(kind)] == []


def test_a_fault_that_never_ends_cannot_be_made() -> None:
    class Half(Fault):
        condition = "half"

        def start(self, cluster: object) -> None:
            """Strike."""

    with pytest.raises(TypeError, match="stop"):
        Half("half", "half", "node", "n-1", Once(0.0))  # type: ignore[abstract]
