"""`repeat`: the same steps several times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from sim.errors import DsimError
from sim.forms import Form, StepForm, Steps, StepScope
from sim.forms.base import Mistake
from sim.forms.fields import Count
from sim.kernel.codes import LOOP_DEPTH
from sim.kernel.jit import i8, kernel, void
from sim.kernel.tables import STATE_TYPE
from sim.steps.choose import Choose
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Repeat:
    times: int
    steps: tuple[Any, ...]


class TurnsForm(Form):
    shape = "a mapping such as {times: 3, steps: [{io: 5ms}]}"

    times: Count = Field(examples=[3])
    steps: Steps = Field(examples=["[{io: 5ms}]"])

    rules = ({"properties": {"steps": {"minItems": 1}}},)

    def problems(self) -> Iterator[Mistake]:
        if not self.steps:
            yield Mistake(("steps",), "got an empty list; must have at least one step; write e.g. steps: [{io: 5ms}]")


class RepeatForm(StepForm):
    kind = "repeat"

    repeat: TurnsForm = Field(examples=["{times: 3, steps: [{io: 5ms}]}"])

    def resolve(self, scope: StepScope) -> Repeat:
        return Repeat(self.repeat.times, scope.steps(self.repeat.steps))


def nesting(steps: Sequence[Any]) -> int:
    """How many repeats stand inside each other at most; a parallel's branches begin anew."""
    depths = [0]
    for step in steps:
        if isinstance(step, Repeat):
            depths.append(1 + nesting(step.steps))
        elif isinstance(step, Choose):
            depths += [nesting(branch) for branch in step.branches]
    return max(depths)


CODE, TURN_CODE = 7, 8
ONE = np.uint64(1)


def lower(step: Repeat, program: Program, path: str, level: int) -> None:
    """Row fields: a nesting level, b times (first row) or the body's first row (last row)."""
    if level >= LOOP_DEPTH:
        raise DsimError(
            f"{path}: repeats nested {level + 1} deep; at most {LOOP_DEPTH}; move the inner ones to a service"
        )
    program.emit(CODE, path, a=level, b=step.times)
    entry = program.sequence(step.steps, f"{path}/repeat", level + 1)
    program.emit(TURN_CODE, a=level, b=entry)


@kernel(void, STATE_TYPE, i8, inline=True)
def enter(S, row):
    task = S.task[row]
    step = S.step[task.pc]
    task.turn[step.a] = step.b
    task.pc += 1


@kernel(void, STATE_TYPE, i8, inline=True)
def turn(S, row):
    """The body's end: once more, or on."""
    task = S.task[row]
    step = S.step[task.pc]
    task.turn[step.a] -= 1
    if task.turn[step.a] > 0:
        task.visit += ONE
        task.pc = step.b
    else:
        task.pc += 1
