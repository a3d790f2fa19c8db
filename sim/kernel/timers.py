"""Timeouts: one list per distinct timeout and drift of a clock, in order of deadline, threaded through the task rows.

A constant timeout makes deadlines come in the order in which attempts start, so a list is sorted by appending, an
answered attempt leaves it in two writes, and only the list's head has an event in the heap. That event is not moved
when the head leaves: it finds out when it fires, and goes to the new head's deadline. Its order is that of the attempt
whose deadline it stands for, so that deadlines of one time strike in the order in which they were set.
"""

from __future__ import annotations

from sim.kernel.codes import EXPIRE, LATE, NONE, TIMED, UNTIMED
from sim.kernel.events import order_word, schedule_in_order
from sim.kernel.jit import f8, i8, kernel, void
from sim.kernel.tables import STATE_TYPE


@kernel(i8, STATE_TYPE, i8, i8, hot=True)
def timer_of(S, edge, row):
    """The list of an attempt's timeout: clients whose clocks drift alike have one of their own."""
    timer = S.edge[edge].timer
    if S.drifts:
        client = S.task[row].client_instance
        if client != NONE:
            timer += S.instance[client].drift
    return timer


@kernel(f8, STATE_TYPE, i8, f8, hot=True)
def on_clock(S, client, wait_s):
    """Seconds in which a client's clock advances by `wait_s`; a source's clock is true."""
    if S.drifts and client != NONE:
        return wait_s * S.instance[client].stretch
    return wait_s


@kernel(void, STATE_TYPE, i8, i8, inline=True)
def start_timer(S, timer, row):
    """Append the attempt `row`, whose deadline is set; it ranks with the message that has just been sent."""
    task, list_ = S.task[row], S.timer[timer]
    task.timed = TIMED
    task.timer_next = NONE
    task.timer_previous = list_.tail
    if list_.tail == NONE:
        list_.head = row
    else:
        S.task[list_.tail].timer_next = row
    list_.tail = row
    task.expiry = order_word(LATE, S.sequence, EXPIRE)
    if list_.armed == 0:
        list_.armed = 1
        schedule_in_order(S, task.deadline, task.expiry, timer)


@kernel(void, STATE_TYPE, i8, i8)
def stop_timer(S, timer, row):
    """Take the attempt out of its list."""
    task, list_ = S.task[row], S.timer[timer]
    task.timed = UNTIMED
    if task.timer_previous == NONE:
        list_.head = task.timer_next
    else:
        S.task[task.timer_previous].timer_next = task.timer_next
    if task.timer_next == NONE:
        list_.tail = task.timer_previous
    else:
        S.task[task.timer_next].timer_previous = task.timer_previous


@kernel(i8, STATE_TYPE, i8, inline=True)
def expired(S, timer):
    """The attempt that is due, taken out of its list, or -1; arms the event of the next."""
    list_ = S.timer[timer]
    row = list_.head
    if row != NONE and S.task[row].deadline <= S.now:
        stop_timer(S, timer, row)
    else:
        row = NONE
    if list_.head == NONE:
        list_.armed = 0
    else:
        first = S.task[list_.head]
        schedule_in_order(S, first.deadline, first.expiry, timer)
    return row
