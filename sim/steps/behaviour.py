"""`behaviour`: a handler written by the user as a SimPy generator."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from sim.forms import StepForm, StepScope, inside
from sim.forms.base import read_each
from sim.forms.fields import FunctionName, Size
from sim.kernel.codes import IN_BEHAVIOUR, OK, SIGNAL_START
from sim.kernel.jit import i8, kernel, void
from sim.kernel.servers import signal
from sim.kernel.tables import STATE_TYPE
from sim.steps.call import Call, CallForm
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`function` is `module:function`; `calls` are the calls that it may make, in the order declared."""

    function: str
    calls: tuple[Call, ...] = ()


class BehaviourForm(StepForm):
    kind = "behaviour"
    is_handler = True

    behaviour: FunctionName = Field(examples=["shop:handle"])
    calls: list[CallForm] = Field(default_factory=list, examples=["[orders.place]"])
    request: Size | None = Field(None, examples=["2kB"])
    response: Size | None = Field(None, examples=["10kB"])

    def resolve(self, scope: StepScope) -> Behaviour:
        with inside("behaviour"):
            scope.check_function(self.behaviour)
        with inside("calls"):
            return Behaviour(self.behaviour, tuple(read_each(self.calls, lambda call: call.resolve(scope))))


CODE = 10


def lower(step: Behaviour, program: Program, path: str, level: int) -> None:
    """Row field a: the generator's number. Each call that it may make is a branch's program of its own."""
    row = program.emit(CODE, path)

    def calls() -> None:
        entries = [program.closed_sequence([made], f"{path}/behaviour/{n}", 0) for n, made in enumerate(step.calls)]
        program.rows[row]["a"] = program.names.behaviour(step.function, entries)

    program.later(calls)


@kernel(void, STATE_TYPE, i8, inline=True)
def enter(S, row):
    S.task[row].state = IN_BEHAVIOUR
    signal(S, SIGNAL_START, row, OK)
