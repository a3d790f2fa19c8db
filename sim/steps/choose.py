"""`choose`: one of several branches, by weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from sim.forms import Form, StepForm, Steps, StepScope, WeightField, inside, shares
from sim.forms.fields import Draw, NonEmpty
from sim.kernel.draws import uniform
from sim.kernel.jit import i8, kernel, void
from sim.kernel.tables import STATE_TYPE
from sim.steps.draws import draw_key
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Choose:
    """`weights` are positive and sum to 1; a branch may be empty."""

    weights: tuple[float, ...]
    branches: tuple[tuple[Any, ...], ...]
    draw: str = "attempt"


class OptionForm(Form):
    shape = "a mapping such as {weight: 90%, steps: [{cpu: 1ms}]}"

    weight: WeightField = Field(examples=["90%"])
    steps: Steps = Field(examples=["[{cpu: 1ms}]"])


class ChooseForm(StepForm):
    kind = "choose"

    choose: Annotated[list[OptionForm], NonEmpty] = Field(
        examples=["[{weight: 90%, steps: []}, {weight: 10%, steps: [{io: 5ms}]}]"]
    )
    draw: Draw = Field("attempt", examples=["request"])

    rules = (
        {
            "properties": {
                "choose": {
                    "anyOf": [{"items": {"properties": {"weight": {"type": t}}}} for t in ("string", "number")],
                }
            }
        },
    )

    def resolve(self, scope: StepScope) -> Choose:
        branches = tuple(scope.steps(option.steps) for option in self.choose)
        with inside("choose"):
            return Choose(shares([option.weight for option in self.choose]), branches, self.draw)


CODE = 6


def lower(step: Choose, program: Program, path: str, level: int) -> None:
    """Row fields: a first branch, c branches. A branch jumps back behind the step."""
    first = program.reserve_branches(step.weights)
    row = program.emit(CODE, path, a=first, c=len(step.branches), kept=step.draw == "request")

    def branches() -> None:
        for number, steps in enumerate(step.branches):
            entry = program.closed_sequence(steps, f"{path}/choose/{number}", level, back_to=row + 1)
            program.set_branch(first + number, entry)

    program.later(branches)


@kernel(void, STATE_TYPE, i8, inline=True)
def enter(S, row):
    task = S.task[row]
    step = S.step[task.pc]
    share = uniform(draw_key(S, row), 0)
    chosen = step.a
    last = step.a + step.c - 1
    while chosen < last and S.branch[chosen].cumulative <= share:
        chosen += 1
    task.pc = S.branch[chosen].pc
