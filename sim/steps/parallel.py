"""`parallel`: fork-join; a race with `need`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from sim.forms import Branches, Form, StepForm, StepScope
from sim.forms.base import Mistake
from sim.forms.fields import Count, Flag, Rest
from sim.forms.steps import BRANCHES_SCHEMA
from sim.kernel.codes import IN_JOIN, NONE
from sim.kernel.draws import derive
from sim.kernel.events import wake
from sim.kernel.jit import i8, kernel, void
from sim.kernel.keys import BRANCH
from sim.kernel.rows import move_in, new_task
from sim.kernel.tables import STATE_TYPE
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches are lists of steps. `need` of them must succeed; `cancel`: are the rest cancelled once decided?"""

    branches: tuple[tuple[Any, ...], ...]
    need: int
    cancel: bool = False
    optional: bool = False


class BranchingForm(Form):
    shape = "a list of branches, or a mapping such as {need: 1, rest: cancel, of: [{call: a}, {call: b}]}"

    shorthand = BRANCHES_SCHEMA

    of: Branches = Field(examples=["[{call: cart}, {call: price}]"])
    need: Count | None = Field(None, examples=[1])
    rest: Rest = Field("continue", examples=["cancel"])

    @classmethod
    def expand(cls, value: Any) -> Any:
        return {"of": value} if isinstance(value, list) else value

    def problems(self) -> Iterator[Mistake]:
        if self.need is not None and self.need > len(self.of):
            yield Mistake(("need",), f"got {self.need} of {len(self.of)} branches; must be at most {len(self.of)}")


class ParallelForm(StepForm):
    kind = "parallel"

    parallel: BranchingForm = Field(examples=["[{call: cart}, {call: price}]"])
    optional: Flag = Field(False, examples=["true"])

    def resolve(self, scope: StepScope) -> Parallel:
        form = self.parallel
        branches = tuple(scope.steps(branch) for branch in form.of)
        return Parallel(branches, form.need or len(branches), form.rest == "cancel", self.optional)


CODE = 5


def lower(step: Parallel, program: Program, path: str, level: int) -> None:
    """Row fields: a first branch, b are the rest cancelled, c branches, d successes needed."""
    count = len(step.branches)
    first = program.reserve_branches([0.0] * count)
    program.emit(CODE, path, a=first, b=step.cancel, c=count, d=step.need, optional=step.optional)

    def branches() -> None:
        for number, steps in enumerate(step.branches):
            program.set_branch(first + number, program.closed_sequence(steps, f"{path}/parallel/{number}", 0))

    program.later(branches)


@kernel(i8, STATE_TYPE, i8)
def new_branch(S, parent):
    """A task row that runs beside `parent`, as a part of it."""
    row = new_task(S)
    task, of = S.task[row], S.task[parent]
    task.edge = NONE
    task.instance = of.instance
    task.client_instance = of.client_instance
    task.depth = of.depth
    task.measured = of.measured
    task.source = of.source
    task.index = of.index
    task.visit = derive(of.visit, BRANCH)
    task.fresh = of.fresh
    task.kept = of.kept
    task.parent = parent
    task.sibling_previous = NONE
    task.sibling_next = of.first_branch
    if of.first_branch != NONE:
        S.task[of.first_branch].sibling_previous = row
    of.first_branch = row
    move_in(S, row)
    return row


@kernel(void, STATE_TYPE, i8, inline=True)
def enter(S, row):
    task = S.task[row]
    step = S.step[task.pc]
    task.state = IN_JOIN
    task.join_open = step.c
    task.join_needed = step.d
    for number in range(step.c):
        branch = new_branch(S, row)
        S.task[branch].pc = S.branch[step.a + number].pc
        wake(S, branch)
