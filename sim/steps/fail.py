"""`fail`: the handler fails with a probability."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from sim.forms import StepForm, StepScope
from sim.forms.fields import Draw, Probability
from sim.kernel.codes import FAILED_PC
from sim.kernel.draws import uniform
from sim.kernel.jit import i8, kernel, void
from sim.kernel.tables import STATE_TYPE
from sim.steps.draws import draw_key
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Fail:
    probability: float
    draw: str = "attempt"


class FailForm(StepForm):
    kind = "fail"

    fail: Probability = Field(examples=["0.1%"])
    draw: Draw = Field("attempt", examples=["request"])

    def resolve(self, scope: StepScope) -> Fail:
        return Fail(self.fail, self.draw)


CODE = 9


def lower(step: Fail, program: Program, path: str, level: int) -> None:
    program.emit(CODE, path, x=step.probability, kept=step.draw == "request")


@kernel(void, STATE_TYPE, i8, inline=True)
def enter(S, row):
    task = S.task[row]
    if uniform(draw_key(S, row), 0) < S.step[task.pc].x:
        task.pc = FAILED_PC
    else:
        task.pc += 1
