"""`io`: a wait that holds no CPU."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from sim.distributions import Distribution
from sim.forms import DistributionField, StepForm, StepScope
from sim.forms.fields import Draw
from sim.kernel.codes import DATA, IN_IO, STEP
from sim.kernel.events import schedule
from sim.kernel.jit import i8, kernel, void
from sim.kernel.tables import STATE_TYPE
from sim.steps.draws import draw_step
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Io:
    """Seconds of waiting."""

    wait: Distribution
    draw: str = "attempt"


class IoForm(StepForm):
    kind = "io"

    io: DistributionField = Field(examples=["exponential(5ms)"])
    draw: Draw = Field("attempt", examples=["request"])

    def resolve(self, scope: StepScope) -> Io:
        return Io(self.io, self.draw)


CODE = 3


def lower(step: Io, program: Program, path: str, level: int) -> None:
    program.emit(CODE, path, distribution=program.names.distribution(step.wait), kept=step.draw == "request")


@kernel(void, STATE_TYPE, i8, inline=True)
def enter(S, row):
    wait = draw_step(S, row)
    task = S.task[row]
    task.pc += 1
    task.state = IN_IO
    schedule(S, S.now + wait, DATA, STEP, row, task.generation)
