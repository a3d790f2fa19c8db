"""Task and call rows: taken from a free list, returned to it with a new generation."""

from __future__ import annotations

from sim.kernel.codes import FREE, NONE
from sim.kernel.jit import i8, kernel, void
from sim.kernel.tables import STATE_TYPE


@kernel(i8, STATE_TYPE, hot=True)
def new_task(S):
    """A task row with no links; the caller fills in the rest."""
    row = S.task_free
    if row >= 0:
        S.task_free = S.task[row].next
    else:
        row = S.tasks
        S.tasks += 1
    S.tasks_used += 1
    task = S.task[row]
    task.call = NONE
    task.awaits = NONE
    task.next = NONE
    task.previous = NONE
    task.child = NONE
    task.timed = 0
    task.parent = NONE
    task.first_branch = NONE
    task.join_open = 0
    task.holds_worker = 0
    task.operation = NONE
    return row


@kernel(void, STATE_TYPE, i8, hot=True)
def free_task(S, row):
    task = S.task[row]
    task.generation += 1
    task.state = FREE
    task.next = S.task_free
    S.task_free = row
    S.tasks_used -= 1


@kernel(i8, STATE_TYPE, hot=True)
def new_call(S):
    """A call row; the caller fills it in."""
    row = S.call_free
    if row >= 0:
        S.call_free = S.call[row].next
    else:
        row = S.calls
        S.calls += 1
    S.calls_used += 1
    return row


@kernel(void, STATE_TYPE, i8, hot=True)
def free_call(S, row):
    call = S.call[row]
    call.generation += 1
    call.next = S.call_free
    S.call_free = row
    S.calls_used -= 1
