"""The callee's side: admission, workers, branches, answers, cancellation, crashes."""

from __future__ import annotations

from sim.kernel.calls import drop_call, reset_channel, resume
from sim.kernel.codes import (
    BODY,
    CANCELLED,
    CPU_WAIT,
    DATA,
    ERROR,
    FLYING,
    IN_BEHAVIOUR,
    IN_CALL,
    KILLED,
    LOST,
    NONE,
    OK,
    ON_CPU,
    QUEUED,
    REFUSED,
    REPLY,
    REPLYING,
    RESET,
    SEND_RESPONSE,
    SHED,
    SIGNAL_DONE,
    SIGNAL_GONE,
    SILENT,
    THREADS,
)
from sim.kernel.events import schedule, wake
from sim.kernel.hooks import ask_wire
from sim.kernel.jit import i8, kernel, void
from sim.kernel.measure import count_offered, count_outcome
from sim.kernel.memory import weigh
from sim.kernel.network import attempt_latency
from sim.kernel.processors import append, change_running, leave_processor, settle, unqueue
from sim.kernel.rows import free_task, move_in, move_out
from sim.kernel.tables import STATE_TYPE

NO_SLO = float("inf")


@kernel(void, STATE_TYPE, i8, i8, i8)
def signal(S, kind, row, outcome):
    """Tell the control plane about a behaviour's task (`row`: the branch, for SIGNAL_DONE)."""
    entry = S.outbox[S.outbox_length]
    S.outbox_length += 1
    S.unchecked = 0
    task = S.task[row]
    entry.kind = kind
    entry.operation = task.operation
    entry.outcome = outcome
    entry.task = row if task.operation == NONE else task.parent
    entry.generation = S.task[entry.task].generation


# Answers ------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8)
def answer(S, row, outcome):
    """Send the response of a task that has left its instance; nobody is told where nobody waits."""
    task = S.task[row]
    if task.call == NONE:
        free_task(S, row)
        return
    task.state = REPLYING
    task.result = outcome
    if S.wire:
        ask_wire(S, SEND_RESPONSE, row, outcome)
    else:
        schedule(S, S.now + attempt_latency(S, row, 1), DATA, REPLY, row, task.generation)


@kernel(void, STATE_TYPE, i8)
def fall_silent(S, row):
    """Nothing will ever be answered; the row stays for as long as the caller waits."""
    if S.task[row].call == NONE:
        free_task(S, row)
    else:
        S.task[row].state = SILENT


# Arrival ------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8)
def admit(S, row):
    host = S.task[row].instance
    settle(S, host)
    S.instance[host].in_system += 1
    move_in(S, row)
    S.task[row].arrived = S.now
    if S.instance[host].weighed:
        weigh(S, host)


@kernel(void, STATE_TYPE, i8, inline=True)
def deliver(S, row):
    """A request message reaches its instance."""
    task = S.task[row]
    host = task.instance
    instance = S.instance[host]
    count_offered(S, task.stat, task.measured)
    if S.node[instance.node].down:
        count_outcome(S, task.stat, LOST, task.measured, 0.0, NO_SLO, -1)
        fall_silent(S, row)
    elif instance.down:
        count_outcome(S, task.stat, REFUSED, task.measured, 0.0, NO_SLO, -1)
        answer(S, row, REFUSED)
    elif instance.model != THREADS:
        admit(S, row)
        wake(S, row)
    elif instance.busy_workers < instance.workers:
        admit(S, row)
        instance.busy_workers += 1
        task.holds_worker = 1
        wake(S, row)
    elif instance.queue_bound < 0 or instance.queue_length < instance.queue_bound:
        admit(S, row)
        task.state = QUEUED
        append(S, host, row)
    else:
        count_outcome(S, task.stat, SHED, task.measured, 0.0, NO_SLO, -1)
        answer(S, row, SHED)


# Departure ----------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, inline=True)
def release_worker(S, host):
    """A worker of a settled instance takes the queue's head, or idles."""
    instance = S.instance[host]
    following = instance.queue_head
    if following == NONE:
        instance.busy_workers -= 1
    else:
        unqueue(S, host, following)
        S.task[following].holds_worker = 1
        wake(S, following)


@kernel(void, STATE_TYPE, i8, i8, hot=True)
def depart(S, row, outcome):
    """A handler leaves its instance: counted, its worker freed."""
    task = S.task[row]
    settle(S, task.instance)
    S.instance[task.instance].in_system -= 1
    move_out(S, row)
    count_outcome(S, task.stat, outcome, task.measured, S.now - task.arrived, NO_SLO, -1)
    if task.holds_worker:
        task.holds_worker = 0
        release_worker(S, task.instance)


# Cancellation -------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8)
def stop(S, row):
    """Cancel what a task does at the moment, here and (by message) at its callee."""
    task = S.task[row]
    if task.state == ON_CPU:
        leave_processor(S, row)
    elif task.state == CPU_WAIT or task.state == QUEUED:
        settle(S, task.instance)
        unqueue(S, task.instance, row)
    elif task.state == IN_CALL:
        drop_call(S, task.awaits, 1)
    elif task.state == IN_BEHAVIOUR:
        signal(S, SIGNAL_GONE, row, CANCELLED)


@kernel(void, STATE_TYPE, i8)
def cancel_branches(S, row):
    """Cancel a task's branches, and theirs. The worklist is their sibling lists, strung together."""
    branch = S.task[row].first_branch
    S.task[row].first_branch = NONE
    while branch != NONE:
        stop(S, branch)
        move_out(S, branch)
        rest = S.task[branch].sibling_next
        inner = S.task[branch].first_branch
        if inner != NONE:
            last = inner
            while S.task[last].sibling_next != NONE:
                last = S.task[last].sibling_next
            S.task[last].sibling_next = rest
            rest = inner
        free_task(S, branch)
        branch = rest


@kernel(void, STATE_TYPE, i8, inline=True)
def cancel(S, row):
    """A cancel message reaches the instance: its task, if it still runs there, goes without an answer."""
    task = S.task[row]
    if task.state == FLYING or task.state == REPLYING or task.state == SILENT:
        return
    cancel_branches(S, row)
    stop(S, row)
    depart(S, row, CANCELLED)
    free_task(S, row)


# Ends ---------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8)
def detach_branches(S, row):
    """Let a task's branches run on by themselves."""
    branch = S.task[row].first_branch
    while branch != NONE:
        S.task[branch].parent = NONE
        branch = S.task[branch].sibling_next
    S.task[row].first_branch = NONE


@kernel(void, STATE_TYPE, i8, inline=True)
def unlink_branch(S, row):
    task = S.task[row]
    if task.sibling_previous == NONE:
        S.task[task.parent].first_branch = task.sibling_next
    else:
        S.task[task.sibling_previous].sibling_next = task.sibling_next
    if task.sibling_next != NONE:
        S.task[task.sibling_next].sibling_previous = task.sibling_previous


@kernel(void, STATE_TYPE, i8, i8)
def end_branch(S, row, succeeded):
    """A branch has run its steps: the join may be decided. Of an operation, the control plane hears what became of its
    last step, or of the whole, if it is a body of steps."""
    parent, operation = S.task[row].parent, S.task[row].operation
    move_out(S, row)
    if parent != NONE:
        unlink_branch(S, row)
        if operation != NONE:
            if succeeded == BODY:
                S.task[row].result = OK
            elif not succeeded and S.task[row].result == OK:
                S.task[row].result = ERROR
            signal(S, SIGNAL_DONE, row, S.task[row].result)
    free_task(S, row)
    if parent == NONE or operation != NONE:
        return
    waiting = S.task[parent]
    waiting.join_open -= 1
    waiting.join_needed -= succeeded
    decided = waiting.join_needed == 0
    if decided or waiting.join_open < waiting.join_needed:
        if S.step[waiting.pc].b:
            cancel_branches(S, parent)
        else:
            detach_branches(S, parent)
        resume(S, parent, decided)


@kernel(void, STATE_TYPE, i8, i8)
def end_task(S, row, succeeded):
    """A task falls off its program's end."""
    if S.task[row].edge == NONE:
        end_branch(S, row, succeeded)
        return
    detach_branches(S, row)
    outcome = OK if succeeded else ERROR
    depart(S, row, outcome)
    answer(S, row, outcome)


# Crash --------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, inline=True)
def kill(S, row, silent):
    """A task dies with its instance."""
    task = S.task[row]
    if task.state == IN_CALL:
        drop_call(S, task.awaits, 0)
    elif task.state == IN_BEHAVIOUR:
        signal(S, SIGNAL_GONE, row, KILLED)
    if task.edge == NONE:
        free_task(S, row)
        return
    count_outcome(S, task.stat, KILLED, task.measured, 0.0, NO_SLO, -1)
    task.generation += 1
    task.first_branch = NONE
    task.holds_worker = 0
    if silent:
        fall_silent(S, row)
    else:
        answer(S, row, RESET)


@kernel(void, STATE_TYPE, i8, i8)
def crash_instance(S, host, silent):
    """Everything at an instance ends, in order of admission; silent: its host is dead too, and nobody is told."""
    settle(S, host)
    instance = S.instance[host]
    if silent:
        instance.silent_deaths += 1
    else:
        instance.deaths += 1
    row = instance.first_resident
    while row != NONE:
        following = S.task[row].resident_next
        kill(S, row, silent)
        row = following
    instance.first_resident = NONE
    instance.last_resident = NONE
    instance.top = NONE
    instance.queue_head = NONE
    instance.queue_tail = NONE
    instance.queue_length = 0
    instance.busy_workers = 0
    instance.in_system = 0
    instance.memory_filled = 0.0
    change_running(S, host, -instance.running)
    if instance.service == NONE:
        return
    for channel in range(instance.channels, instance.channels + S.service[instance.service].channel_count):
        if S.channel[channel].client != 0:
            reset_channel(S, channel)
