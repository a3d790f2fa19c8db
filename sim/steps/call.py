"""`call`: a request to another service's endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from sim.forms import CallPolicyForm, Reference, StepForm, StepScope, inside
from sim.forms.fields import Flag
from sim.forms.steps import REFERENCE_SCHEMA
from sim.kernel.calls import start_call
from sim.kernel.codes import IN_CALL, NONE
from sim.kernel.jit import i8, kernel, void
from sim.kernel.keys import step_key
from sim.kernel.rows import new_call
from sim.kernel.tables import STATE_TYPE
from sim.model import CallPolicy
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Call:
    """The callee and the caller's policy towards it, all precedence resolved."""

    service: str
    endpoint: str
    policy: CallPolicy
    optional: bool = False


class CallForm(StepForm, CallPolicyForm):
    """The keys of a call policy may stand beside `call`; they are the narrowest layer."""

    kind = "call"
    shorthand = REFERENCE_SCHEMA

    call: Reference = Field(examples=["orders.place"])
    optional: Flag = Field(False, examples=["true"])

    @classmethod
    def expand(cls, value: Any) -> Any:
        return {"call": value} if isinstance(value, str) else value

    def resolve(self, scope: StepScope) -> Call:
        with inside("call"):
            service, endpoint = scope.callee(self.call)
        return Call(service, endpoint, scope.policy(service, endpoint, self), self.optional)


CODE = 4


def lower(step: Call, program: Program, path: str, level: int) -> None:
    program.emit(CODE, path, a=program.names.edge(step, program.endpoint), optional=step.optional)


@kernel(void, STATE_TYPE, i8, inline=True)
def enter(S, row):
    task = S.task[row]
    step = S.step[task.pc]
    call_row = new_call(S)
    call = S.call[call_row]
    call.task = row
    call.client = task.instance
    call.probe = NONE
    call.endpoint = NONE
    call.edge = step.a
    call.channel = S.instance[task.instance].channels + S.edge[step.a].channel
    call.source = task.source
    call.user = NONE
    call.measured = task.measured
    call.depth = task.depth + 1
    call.index = task.index
    call.fresh = step_key(task.fresh, step.salt, task.visit)
    call.kept = step_key(task.kept, step.salt, task.visit)
    task.awaits = call_row
    task.state = IN_CALL
    start_call(S, call_row)
