"""Task and call rows: taken from a free list, returned to it with a new generation; who is present at an instance; what
the control plane is told."""

from __future__ import annotations

from sim.kernel.codes import FREE, NONE, SIGNAL_ENDED, UNTIMED
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
    task.timed = UNTIMED
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


@kernel(void, STATE_TYPE, i8, hot=True)
def move_in(S, row):
    """A task or branch becomes present at its instance."""
    task = S.task[row]
    instance = S.instance[task.instance]
    task.resident_next = NONE
    task.resident_previous = instance.last_resident
    if instance.last_resident == NONE:
        instance.first_resident = row
    else:
        S.task[instance.last_resident].resident_next = row
    instance.last_resident = row


@kernel(void, STATE_TYPE, i8, hot=True)
def move_out(S, row):
    task = S.task[row]
    instance = S.instance[task.instance]
    if task.resident_previous == NONE:
        instance.first_resident = task.resident_next
    else:
        S.task[task.resident_previous].resident_next = task.resident_next
    if task.resident_next == NONE:
        instance.last_resident = task.resident_previous
    else:
        S.task[task.resident_next].resident_previous = task.resident_previous


@kernel(void, STATE_TYPE, i8, i8)
def report(S, operation, outcome):
    """Tell the control plane that what it began under a number has ended."""
    entry = S.outbox[S.outbox_length]
    S.outbox_length += 1
    S.unchecked = 0
    entry.kind = SIGNAL_ENDED
    entry.task = NONE
    entry.generation = 0
    entry.operation = operation
    entry.outcome = outcome
