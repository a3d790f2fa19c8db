"""Draws of a step: keyed by the handler's key, the step's name and the visit."""

from __future__ import annotations

from sim.distributions import sample
from sim.kernel.hooks import data_of
from sim.kernel.jit import f8, i8, kernel, u8
from sim.kernel.keys import step_key
from sim.kernel.tables import STATE_TYPE


@kernel(u8, STATE_TYPE, i8)
def draw_key(S, row):
    """The key of the step in which a task stands."""
    task = S.task[row]
    step = S.step[task.pc]
    return step_key(task.kept if step.kept else task.fresh, step.salt, task.visit)


@kernel(f8, STATE_TYPE, i8)
def draw_step(S, row):
    """A value of the step's distribution."""
    task = S.task[row]
    return sample(S.distribution[S.step[task.pc].distribution], data_of(S), draw_key(S, row), task.index)
