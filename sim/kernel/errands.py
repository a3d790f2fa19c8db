"""Errands: what a task waits for elsewhere, in a queue that processors serve, such as a disk's.

An errand is a task row of its own that runs one burst and names the task that it `carries`. It holds no worker, answers
nobody and has no edge. A task that is cancelled or killed is gone by its generation; the errand is not recalled.
"""

from __future__ import annotations

from sim.kernel.codes import NONE
from sim.kernel.events import wake
from sim.kernel.jit import f8, i8, kernel, void
from sim.kernel.processors import settle, start_burst
from sim.kernel.rows import free_task, move_in, move_out, new_task
from sim.kernel.tables import STATE_TYPE


@kernel(void, STATE_TYPE, i8, i8, i8, f8)
def set_out(S, carried, host, pc, work):
    """Send an errand of a task, of so many core-seconds, to the instance row `host`; at its end it runs row `pc`."""
    row = new_task(S)
    errand = S.task[row]
    errand.carries = carried
    errand.carries_generation = S.task[carried].generation
    errand.edge = NONE
    errand.instance = host
    errand.pc = pc
    settle(S, host)
    S.instance[host].in_system += 1
    move_in(S, row)
    start_burst(S, row, work)


@kernel(void, STATE_TYPE, i8, inline=True)
def come_back(S, row):
    """An errand is done: its task goes on, if it still is there."""
    errand = S.task[row]
    settle(S, errand.instance)
    S.instance[errand.instance].in_system -= 1
    move_out(S, row)
    if S.task[errand.carries].generation == errand.carries_generation:
        wake(S, errand.carries)
    free_task(S, row)
