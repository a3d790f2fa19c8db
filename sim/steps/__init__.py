"""The kinds of step. A kind is one file: its machine form, its human form, its lowering, its kernel function.

A new kind is one file, one entry of KINDS and one line of `run_task`, the kernel's dispatcher.
"""

from __future__ import annotations

from typing import Any

from sim.kernel.errands import come_back
from sim.kernel.jit import i8, kernel, void
from sim.kernel.servers import end_task
from sim.kernel.tables import STATE_TYPE
from sim.steps import behaviour, call, choose, cpu, disk, fail, guard, io, leads, lock, parallel, repeat, replicate
from sim.steps.program import END_CODE, ERRAND_CODE, JUMP_CODE, Program

KINDS: dict[type, Any] = {
    cpu.Cpu: cpu,
    io.Io: io,
    disk.DiskOperation: disk,
    call.Call: call,
    parallel.Parallel: parallel,
    choose.Choose: choose,
    repeat.Repeat: repeat,
    fail.Fail: fail,
    behaviour.Behaviour: behaviour,
    lock.Lock: lock,
    guard.Guard: guard,
    leads.Leads: leads,
    replicate.Replicate: replicate,
}
"""File by machine class."""


def lower_step(step: Any, program: Program, path: str, level: int) -> None:
    """Emit the rows of one step."""
    KINDS[type(step)].lower(step, program, path, level)


@kernel(void, STATE_TYPE, i8, inline=True)
def run_task(S, row):
    """Run a task's steps until it waits or ends."""
    while True:
        step = S.step[S.task[row].pc]
        kind = step.kind
        if kind == cpu.CODE:
            cpu.enter(S, row)
            return
        if kind == END_CODE:
            end_task(S, row, step.a)
            return
        if kind == call.CODE:
            call.enter(S, row)
            return
        if kind == io.CODE:
            io.enter(S, row)
            return
        if kind == parallel.CODE:
            parallel.enter(S, row)
            return
        if kind == behaviour.CODE:
            behaviour.enter(S, row)
            return
        if kind == disk.CODE:
            disk.enter(S, row)
            return
        if kind == ERRAND_CODE:
            come_back(S, row)
            return
        if kind == replicate.CODE:
            replicate.enter(S, row)
            return
        if kind == JUMP_CODE:
            S.task[row].pc = step.a
        elif kind == choose.CODE:
            choose.enter(S, row)
        elif kind == repeat.CODE:
            repeat.enter(S, row)
        elif kind == repeat.TURN_CODE:
            repeat.turn(S, row)
        elif kind == fail.CODE:
            fail.enter(S, row)
