"""Failures by design, and the attempts that they cost."""

from __future__ import annotations

from typing import Any

import pytest

from sim.analysis.failing import SAFE, Failing, failing_endpoints, failing_steps, rounds, tries
from sim.distributions import Constant
from sim.model import Balance, CallPolicy, Outcome, Retry
from sim.steps.call import Call
from sim.steps.choose import Choose
from sim.steps.cpu import Cpu
from sim.steps.fail import Fail
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat
from tests.analysis.simulate import model_from

CALLEE = ("b", "main")


def policy(attempts: int = 3, on: tuple[Outcome, ...] = ("error",)) -> CallPolicy:
    return CallPolicy(Balance("random"), retry=Retry(attempts, 0.01, 2.0, 1.0, "none", on))


def failing(*steps: Any, callee: Failing = SAFE) -> Failing:
    return failing_steps(steps, {CALLEE: callee})


def test_rounds_are_a_truncated_geometric_series() -> None:
    assert rounds(0.5, 3) == pytest.approx(1.75)
    assert (rounds(0.0, 3), rounds(1.0, 3)) == (1.0, 3.0)
    assert rounds(1.0 - 1e-14, 1000) == pytest.approx(1000.0)


def test_attempts_until_one_succeeds() -> None:
    attempts, left = tries(Failing(0.1), policy())
    assert attempts == pytest.approx(1.11)
    assert left.share == pytest.approx(0.001)


def test_only_what_is_retried_is_tried_again() -> None:
    assert tries(Failing(0.1), policy(on=("timeout",))) == (1.0, Failing(0.1))
    assert tries(Failing(0.1), CallPolicy(Balance("random"))) == (1.0, Failing(0.1))


def test_a_failure_that_is_drawn_once_a_request_lasts() -> None:
    attempts, left = tries(failing(Fail(0.1, "request")), policy())
    assert attempts == pytest.approx(0.9 + 0.1 * 3)
    assert left.share == pytest.approx(0.1)


def test_certain_failure_needs_every_attempt() -> None:
    assert tries(failing(Fail(1.0)), policy()) == (3.0, Failing(1.0, 1.0))


@pytest.mark.parametrize(
    "step, share",
    [
        (Cpu(Constant(1.0)), 0.0),
        (Call("b", "main", CallPolicy(Balance("random"))), 0.2),
        (Call("b", "main", policy(2)), 0.04),
        (Call("b", "main", CallPolicy(Balance("random")), optional=True), 0.0),
        (Repeat(3, (Fail(0.1),)), 1.0 - 0.9**3),
        (Choose((0.25, 0.75), ((Fail(0.4),), ())), 0.1),
        (Parallel(((Fail(0.1),), (Fail(0.2),)), need=2), 1.0 - 0.9 * 0.8),
        (Parallel(((Fail(0.1),), (Fail(0.2),)), need=1), 0.1 * 0.2),
        (Parallel(((Fail(0.1),),) * 3, need=2), 0.1**3 + 3 * 0.1**2 * 0.9),
        (Parallel(((Fail(0.1),),), need=1, optional=True), 0.0),
    ],
)
def test_a_step_fails_as_often_as_its_meaning_says(step: Any, share: float) -> None:
    assert failing(step, callee=Failing(0.2)).share == pytest.approx(share)


def test_steps_in_a_row_all_have_to_succeed() -> None:
    assert failing(Fail(0.1), Fail(0.2)).share == pytest.approx(0.28)


def test_failures_along_a_chain_and_around_a_circle() -> None:
    """`a` calls `b` without retries; `c` calls itself half of the time: f = 0.1 + 0.9 · f/2."""
    model = model_from(
        """
        scenario: chain
        services:
          a: {steps: [{call: b}, {fail: 50%}]}
          b: {cpu: 1ms, fail: 20%}
          c: {steps: [{fail: 10%}, {choose: [{weight: 50%, steps: [{call: c}]}, {weight: 50%, steps: []}]}]}
        traffic: {users: {to: {a: 50%, c: 50%}, arrivals: poisson(1/s)}}
        """
    )
    found = failing_endpoints(model)
    assert found["a", "main"].share == pytest.approx(0.6)
    assert found["c", "main"].share == pytest.approx(0.1 / 0.55)
