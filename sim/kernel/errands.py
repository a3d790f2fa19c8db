"""Errands: what a task or a packet waits for elsewhere, in a queue that processors serve: a disk's, a link's.

An errand is a task row of its own that runs one burst and names the row that it `carries` (of the control plane's, the
number that it waits for). It holds no worker, answers
nobody and has no edge. What is cancelled or killed is gone by its generation; the errand is not recalled.
"""

from __future__ import annotations

from sim.kernel.codes import FLUSHED, LOG_PC, NONE, OK, REPORT_PC, TRANSMITTED
from sim.kernel.events import wake
from sim.kernel.hooks import ask_log, ask_wire
from sim.kernel.jit import f8, i8, kernel, void
from sim.kernel.processors import settle, start_burst
from sim.kernel.rows import free_task, move_in, move_out, new_task, report
from sim.kernel.tables import STATE_TYPE


@kernel(void, STATE_TYPE, i8, i8, i8, i8, f8)
def occupy(S, carried, generation, host, pc, work):
    """Send an errand of so many core-seconds to the instance row `host`; at its end it runs row `pc`."""
    row = new_task(S)
    errand = S.task[row]
    errand.carries = carried
    errand.carries_generation = generation
    errand.edge = NONE
    errand.instance = host
    errand.pc = pc
    settle(S, host)
    S.instance[host].in_system += 1
    move_in(S, row)
    start_burst(S, row, work)


@kernel(void, STATE_TYPE, i8, i8, i8, f8)
def set_out(S, carried, host, pc, work):
    """Send an errand of a task."""
    occupy(S, carried, S.task[carried].generation, host, pc, work)


@kernel(void, STATE_TYPE, i8, inline=True)
def come_back(S, row):
    """An errand is done: what it carries goes on, if it still is there."""
    errand = S.task[row]
    settle(S, errand.instance)
    S.instance[errand.instance].in_system -= 1
    move_out(S, row)
    if errand.pc == REPORT_PC:
        report(S, errand.carries, OK)
    elif errand.pc == LOG_PC:
        ask_log(S, FLUSHED, errand.carries, errand.carries_generation)
    elif S.step[errand.pc].a:
        ask_wire(S, TRANSMITTED, errand.carries, errand.carries_generation)
    elif S.task[errand.carries].generation == errand.carries_generation:
        wake(S, errand.carries)
    free_task(S, row)
