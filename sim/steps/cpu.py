"""`cpu`: a burst of work on the instance's cores."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from sim.distributions import Distribution
from sim.forms import DistributionField, StepForm, StepScope
from sim.forms.fields import Draw
from sim.kernel.jit import i8, kernel, void
from sim.kernel.processors import start_burst
from sim.kernel.tables import STATE_TYPE
from sim.steps.draws import draw_step
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Cpu:
    """Core-seconds of work at speed 1. `draw`: does a retry draw new work (`attempt`) or repeat it (`request`)?"""

    work: Distribution
    draw: str = "attempt"


class CpuForm(StepForm):
    kind = "cpu"

    cpu: DistributionField = Field(examples=["exponential(8ms)"])
    draw: Draw = Field("attempt", examples=["request"])

    def resolve(self, scope: StepScope) -> Cpu:
        return Cpu(self.cpu, self.draw)


CODE = 2


def lower(step: Cpu, program: Program, path: str, level: int) -> None:
    program.emit(CODE, path, distribution=program.names.distribution(step.work), kept=step.draw == "request")


@kernel(void, STATE_TYPE, i8, inline=True)
def enter(S, row):
    work = draw_step(S, row)
    S.task[row].pc += 1
    start_burst(S, row, work)
