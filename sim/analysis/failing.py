"""How often handlers and calls fail by design, and how many attempts their callers then make.

Only declared `fail` probabilities count: timeouts, full queues and crashes depend on the load or on the hour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sim.model import CallPolicy, Model
from sim.steps.call import Call
from sim.steps.choose import Choose
from sim.steps.fail import Fail
from sim.steps.lock import Lock
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat

EndpointName = tuple[str, str]
"""(service, endpoint)."""
MOST_ROUNDS = 10_000
SETTLED = 1e-13
"""A fixed point is reached when no probability moves by more than this."""


class Failing(NamedTuple):
    """`share` of the executions fail. `lasting` of them because of draws that a retry repeats (`draw: request`): no
    retry mends those. The others fail independently, attempt by attempt."""

    share: float = 0.0
    lasting: float = 0.0

    @property
    def passing(self) -> float:
        """The share of failures among executions whose repeated draws are fine."""
        return (self.share - self.lasting) / (1.0 - self.lasting) if self.lasting < 1.0 else 1.0


SAFE = Failing()
FailingOf = Mapping[EndpointName, Failing]


class Tries(NamedTuple):
    """One call: the mean number of its attempts, and how it fails after the last of them."""

    attempts: float
    failing: Failing


def tries(callee: Failing, policy: CallPolicy) -> Tries:
    """A call to something that fails so, with the caller's retries."""
    most = policy.retry.attempts if policy.retry and "error" in policy.retry.on else 1
    q = callee.passing
    attempts = callee.lasting * most + (1.0 - callee.lasting) * rounds(q, most)
    return Tries(attempts, Failing(callee.lasting + (1.0 - callee.lasting) * q**most, callee.lasting))


def rounds(again: float, most: int) -> float:
    """The mean number of rounds, at most `most`, of which each is followed by another with probability `again`."""
    if again in (0.0, 1.0):
        return float(most) if again else 1.0
    return -math.expm1(most * math.log(again)) / (1.0 - again)


def failing_endpoints(model: Model) -> dict[EndpointName, Failing]:
    """How often an execution of each endpoint fails: the least fixed point, where calls go in circles."""
    programs = {(s.name, e.name): e.steps for s in model.services for e in s.endpoints}
    found = dict.fromkeys(programs, SAFE)
    for _ in range(MOST_ROUNDS):
        before = dict(found)
        for name, steps in programs.items():
            found[name] = failing_steps(steps, found)
        if all(abs(found[name].share - before[name].share) <= SETTLED for name in found):
            break
    return found


def failing_steps(steps: Sequence[Any], of: FailingOf) -> Failing:
    """Steps one after the other."""
    return _in_sequence(failing_step(step, of) for step in steps)


def failing_step(step: Any, of: FailingOf) -> Failing:
    match step:
        case Fail():
            lasts = step.draw == "request" or step.probability == 1.0
            return Failing(step.probability, step.probability if lasts else 0.0)
        case Call():
            return SAFE if step.optional else tries(of[step.service, step.endpoint], step.policy).failing
        case Parallel():
            return SAFE if step.optional else _join([failing_steps(b, of) for b in step.branches], step.need)
        case Choose():
            branches = [failing_steps(branch, of) for branch in step.branches]
            share = sum(w * branch.share for w, branch in zip(step.weights, branches, strict=True))
            if step.draw == "request":
                lasting = sum(w * branch.lasting for w, branch in zip(step.weights, branches, strict=True))
            else:  # the next attempt may draw another branch: only what fails in all of them lasts
                lasting = math.prod(branch.lasting for branch in branches)
            return Failing(min(share, 1.0), min(lasting, share, 1.0))
        case Lock():
            return failing_steps(step.steps, of)
        case Repeat():
            body = failing_steps(step.steps, of)
            return Failing(1.0 - (1.0 - body.share) ** step.times, 1.0 - (1.0 - body.lasting) ** step.times)
        case _:
            return SAFE


def _in_sequence(parts: Iterable[Failing]) -> Failing:
    well, mendable = 1.0, 1.0
    for part in parts:
        well *= 1.0 - part.share
        mendable *= 1.0 - part.lasting
    return Failing(1.0 - well, 1.0 - mendable)


def _join(branches: Sequence[Failing], need: int) -> Failing:
    """Fails where fewer than `need` branches succeed."""
    return Failing(
        1.0 - _at_least(need, [1.0 - branch.share for branch in branches]),
        1.0 - _at_least(need, [1.0 - branch.lasting for branch in branches]),
    )


def _at_least(need: int, probabilities: Sequence[float]) -> float:
    """Of independent events with these probabilities, `need` or more happen."""
    counts = [1.0] + [0.0] * len(probabilities)
    for p in probabilities:
        for happened in range(len(counts) - 1, 0, -1):
            counts[happened] += p * (counts[happened - 1] - counts[happened])
        counts[0] *= 1.0 - p
    return min(sum(counts[need:]), 1.0)
