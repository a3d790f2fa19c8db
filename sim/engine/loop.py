"""The kernel's main loop and its entry points.

`advance` handles events up to a time and says why it stopped; `control` carries out one act of the control plane; both
never raise and never allocate. The capacity for the widest event is checked before an event is taken.
"""

from __future__ import annotations

import numpy as np

from sim.kernel.calls import SPOOLED, end_attempt, renew_view, resume, start_attempt, start_call, start_thinking
from sim.kernel.codes import (
    ARRIVE,
    BROKEN,
    CANCEL,
    DATA,
    DELIVER,
    DONE,
    DUE,
    EXPIRE,
    FULL,
    GONE,
    HOP,
    LIMIT,
    NONE,
    NOTE,
    OK,
    OUTBOX,
    OVERDUE,
    REPLY,
    REPORT_PC,
    RESET,
    RETRY,
    SEVERED,
    SILENT,
    SLICE,
    SPOOL,
    STEP,
    STRUCK,
    THINK,
    TIMEOUT,
)
from sim.kernel.draws import derive, uniform
from sim.kernel.errands import occupy
from sim.kernel.events import KIND_MASK, READY_MASK, pop_heap, schedule, wake
from sim.kernel.hooks import address_of, ask_log, ask_wire, data_of, invoke, state_at
from sim.kernel.jit import b1, f8, i8, kernel, u8, void
from sim.kernel.keys import MIX_WORD
from sim.kernel.measure import count_pending
from sim.kernel.memory import weigh
from sim.kernel.pauses import change_cap, hold, is_paused, must_wait, pause_instance, pause_node, release
from sim.kernel.processors import change_speed, finish_burst, start_burst
from sim.kernel.rows import free_task, new_call
from sim.kernel.servers import cancel, crash_instance, deliver
from sim.kernel.tables import CAPACITY, STATE_TYPE
from sim.kernel.timers import expired
from sim.steps import run_task
from sim.steps.disk import disk_time
from sim.steps.parallel import new_branch
from sim.traffic import next_arrival

FAR = np.inf
TASKS, CALLS, HEAP, READY = CAPACITY["task"], CAPACITY["call"], CAPACITY["heap"], CAPACITY["ready"]
ARENA, HELD, PACKETS = CAPACITY["arena"], CAPACITY["held"], CAPACITY["packet"]
NOTES, PROPOSALS = CAPACITY["note"], CAPACITY["proposal"]


# Roots --------------------------------------------------------------------------------------------------------------


@kernel(i8, STATE_TYPE, i8, u8, inline=True)
def choose_target(S, source_row, key):
    """The branch row of the request's endpoint: the trace's, or one of the mix."""
    source = S.source[source_row]
    if source.scripted >= 0:
        return source.targets + int(data_of(S)[source.scripted + source.issued])
    target = source.targets
    if source.target_count == 1:
        return target
    last = source.targets + source.target_count - 1
    share = uniform(key, MIX_WORD)
    while target < last and S.branch[target].cumulative <= share:
        target += 1
    return target


@kernel(void, STATE_TYPE, i8, i8, i8, u8)
def issue(S, source_row, user, index, key):
    """A source issues its next request, now."""
    source = S.source[source_row]
    target = choose_target(S, source_row, key)
    measured = 1 if S.cohort_start <= S.now <= S.cohort_end else 0
    call_row = new_call(S)
    call = S.call[call_row]
    call.task = NONE
    call.client = NONE
    call.probe = NONE
    call.endpoint = NONE
    call.edge = S.branch[target].pc
    call.channel = source.channels + S.edge[call.edge].channel
    call.source = source_row
    call.user = user
    call.measured = measured
    call.depth = 1
    call.index = index
    call.fresh = key
    call.kept = key
    source.issued += 1
    S.in_flight += 1
    if S.in_flight > S.in_flight_limit:
        S.unchecked = 0
    S.cohort_open += measured
    start_call(S, call_row)


@kernel(void, STATE_TYPE, i8)
def schedule_arrival(S, row):
    """Let a source's next request arrive when its arrival process says."""
    source = S.source[row]
    time = next_arrival(source.arrival, S.distribution[source.arrival.gap], data_of(S))
    if time < FAR:
        schedule(S, max(time, S.now), DATA, ARRIVE, row, 0)


@kernel(void, STATE_TYPE, i8, inline=True)
def arrive(S, row):
    """A request of an open source arrives."""
    source = S.source[row]
    issue(S, row, NONE, source.issued, derive(source.key, np.uint64(source.issued)))
    schedule_arrival(S, row)


@kernel(void, STATE_TYPE, i8, inline=True)
def end_thinking(S, row):
    """A closed user issues a request."""
    user = S.user[row]
    source = S.source[user.source]
    number = row - source.first_user
    person = derive(source.key, np.uint64(number))
    issue(S, user.source, row, user.cycle * source.users + number, derive(person, np.uint64(user.cycle)))


@kernel(void, STATE_TYPE, i8, i8, i8, i8, u8, inline=True)
def probe(S, edge_row, client, number, endpoint, key):
    """A request of the control plane's sets out, to one instance; no traffic's, so nobody's cohort."""
    call_row = new_call(S)
    call = S.call[call_row]
    call.task = NONE
    call.client = client if client >= 0 else NONE
    call.probe = number
    call.endpoint = endpoint
    call.edge = edge_row
    call.source = NONE if client >= 0 else -1 - client
    channels = S.instance[client].channels if client >= 0 else S.source[-1 - client].channels
    call.channel = channels + S.edge[edge_row].channel
    call.user = NONE
    call.measured = 0
    call.depth = 1
    call.index = number
    call.fresh = key
    call.kept = key
    start_call(S, call_row)


# Events -------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, inline=True)
def receive(S, row):
    """A response message reaches its caller."""
    task = S.task[row]
    if task.call != NONE:
        end_attempt(S, task.call, task.result)
    free_task(S, row)


@kernel(void, STATE_TYPE, i8)
def time_out(S, row):
    """The caller of an attempt stops waiting."""
    end_attempt(S, S.task[row].call, TIMEOUT)
    if S.task[row].state == SILENT:
        free_task(S, row)


@kernel(void, STATE_TYPE, i8, inline=True)
def expire(S, timer):
    """The head of a timer list may be due."""
    row = expired(S, timer)
    if row == NONE:
        return
    if S.paused and is_paused(S, S.task[row].client_instance):
        call_row = S.task[row].call
        S.task[row].timed = STRUCK
        hold(S, OVERDUE, call_row, S.call[call_row].generation)
    else:
        time_out(S, row)


@kernel(void, STATE_TYPE, i8, inline=True)
def strike(S, call_row):
    """A timeout that fell due while its caller was paused; a response that waited too came before it."""
    row = S.call[call_row].attempt_task
    if row != NONE and S.task[row].timed == STRUCK:
        time_out(S, row)


@kernel(void, STATE_TYPE, i8, inline=True)
def sever(S, call_row):
    """A call's attempt has lost its connection."""
    row = S.call[call_row].attempt_task
    if row != NONE and S.task[row].connection == GONE:
        end_attempt(S, call_row, RESET)
        if S.task[row].state == SILENT:
            free_task(S, row)


@kernel(void, STATE_TYPE, i8, i8, i8, inline=True)
def handle(S, kind, slot, generation):
    """One event. Events of rows carry the row's generation; those of an earlier use are stale."""
    if S.paused and must_wait(S, kind, slot, generation):
        return
    if kind == ARRIVE:
        arrive(S, slot)
    elif kind == THINK:
        end_thinking(S, slot)
    elif kind == EXPIRE:
        expire(S, slot)
    elif kind == RETRY:
        if S.call[slot].generation == generation:
            start_attempt(S, slot)
    elif kind == OVERDUE:
        if S.call[slot].generation == generation:
            strike(S, slot)
    elif kind >= SEVERED:
        if kind >= NOTE:
            ask_log(S, kind, slot, generation)
        elif kind >= HOP:
            ask_wire(S, kind, slot, generation)
        elif S.call[slot].generation == generation:
            sever(S, slot)
    elif S.task[slot].generation != generation:
        return
    elif kind == STEP:
        run_task(S, slot)
    elif kind == DELIVER:
        deliver(S, slot)
    elif kind == REPLY:
        receive(S, slot)
    elif kind == CANCEL:
        cancel(S, slot)


@kernel(i8, STATE_TYPE)
def room(S):
    """How many events may pass before the tables must be measured again; none where the widest does not fit.

    An event takes at most `reserve` rows of a table; beside that, one message or wake-up for each row in use may be
    pending (a crash or a cancellation sends them all at once), and all that paused processes have not seen yet.
    """
    rows = S.tasks_used + S.calls_used + S.held_length + S.packets_used + S.connections_used + S.notes_used
    spare = min(
        min(TASKS - S.tasks_used, CALLS - S.calls_used), min(HEAP - S.heap_length, READY - S.ready_length) - rows
    )
    spare = min(spare, PACKETS - max(S.packets_used, S.connections_used))
    spare = min(spare, min(NOTES - S.notes_used, PROPOSALS - S.proposals_used))
    images = (ARENA - S.arena_used) // max(S.channel_words, 1)
    return max(min(min(spare // (3 * S.reserve), images), HELD - S.held_length), 0)


@kernel(i8, STATE_TYPE)
def look_around(S):
    """Why the kernel must return before the next event; DUE where it need not, and then `unchecked` is set anew."""
    if S.bad_policy > 0:
        return BROKEN
    if S.outbox_length > 0:
        return OUTBOX
    if S.spool_length >= SPOOLED:
        return SPOOL
    if S.in_flight > S.in_flight_limit:
        return LIMIT
    if S.draining and S.cohort_open == 0:
        return DONE
    S.unchecked = room(S)
    return DUE if S.unchecked > 0 else FULL


@kernel(b1, STATE_TYPE, hot=True)
def more_is_due(S):
    """Is there any event at the present time?"""
    if S.ready_length > 0:
        return True
    if S.heap_length > 0 and S.heap[0].time <= S.now:
        return True
    return S.armed_length > 0 and S.armed[0].time <= S.now


@kernel(i8, u8, f8, i8, cache=True)
def advance(address, until, budget):
    """Handle events earlier than `until` (s), at most `budget` of them, on the state at an address.

    Returns: a status of `sim.kernel.codes`; S.now is the last event's time, or `until` where that was reached (DUE).
    """
    S = state_at(address)
    S.unchecked = 0
    handled = 0
    while True:
        if S.unchecked <= 0:
            status = look_around(S)
            if status != DUE:
                S.events += handled
                return status
        # The earliest of three: the heap's head, the processors' next end, and what is due at once.
        time, order, queue = FAR, 0, 0
        if S.heap_length > 0:
            head = S.heap[0]
            time, order, queue = head.time, head.order, 1
        if S.armed_length > 0:
            armed = S.armed[0]
            if armed.time < time or (armed.time == time and armed.order < order):
                time, order, queue = armed.time, armed.order, 2
        if S.ready_length > 0:
            ready = S.ready[S.ready_head]
            if time > S.now or ready.order < order:
                time, order, queue = ready.time, ready.order, 3
        if time >= until or queue == 0 or handled >= budget:
            S.events += handled
            if time < until and queue != 0:
                return SLICE
            S.now = max(S.now, until) if until < FAR else S.now
            return DUE
        handled += 1
        S.unchecked -= 1
        S.now = time
        if queue == 2:
            kind, slot = STEP, finish_burst(S, S.armed[0].instance)
            generation = S.task[slot].generation
            if more_is_due(S):
                wake(S, slot)
                continue
        elif queue == 3:
            ready = S.ready[S.ready_head]
            kind, slot, generation = order & KIND_MASK, ready.slot, ready.generation
            S.ready_length -= 1
            S.ready_head = (S.ready_head + 1) & READY_MASK if S.ready_length else 0
        else:
            head = S.heap[0]
            kind, slot, generation = order & KIND_MASK, head.slot, head.generation
            pop_heap(S)
        handle(S, kind, slot, generation)


# Acts of the control plane ------------------------------------------------------------------------------------------

START, FLUSH, CRASH_INSTANCE, RESTORE_INSTANCE, CRASH_NODE, RESTORE_NODE = range(6)
PAUSE_INSTANCE, RESUME_INSTANCE, PAUSE_NODE, RESUME_NODE = range(6, 10)
SET_SPEED, SET_OWN_SPEED, SET_CORES, WEIGH = range(10, 14)
BURST, CALL, FINISH = range(14, 17)
PROBE, WRITE, RENEW_VIEW = range(17, 20)
TELL_MEMBER = 20


@kernel(i8, u8, i8, i8, i8, i8, i8, f8, cache=True)
def control(address, act, row, generation, pc, operation, amount):
    """One act. For behaviours (BURST, CALL, FINISH) `row` and `generation` name the task; returns 0 if it is gone, -1
    where there is no room for another operation. PROBE: along the edge `row`, from the client `pc` (an instance, or
    -1 - source), to the endpoint `amount`; WRITE: so many bytes (`amount`) to the disk of the node `row`; of both,
    `operation` is the number that is told at the end, `generation` the key of their draws."""
    S = state_at(address)
    if act == START:
        if S.source[row].users == 0:
            schedule_arrival(S, row)
        for user in range(S.source[row].first_user, S.source[row].first_user + S.source[row].users):
            start_thinking(S, user)
    elif act == FLUSH:
        count_pending(S)
    elif act == CRASH_INSTANCE:
        S.instance[row].down += 1
        crash_instance(S, row, S.node[S.instance[row].node].down)
        release(S)
    elif act == RESTORE_INSTANCE:
        S.instance[row].down -= 1
        if S.instance[row].weighed:
            weigh(S, row)
    elif act == CRASH_NODE:
        S.node[row].down += 1
        instance = S.node[row].first_instance
        while instance != NONE:
            if S.instance[instance].service != NONE:
                crash_instance(S, instance, 1)
            instance = S.instance[instance].node_next
        if S.node[row].disk != NONE:
            crash_instance(S, S.node[row].disk, 1)
        release(S)
    elif act == RESTORE_NODE:
        S.node[row].down -= 1
    elif act in (PAUSE_INSTANCE, RESUME_INSTANCE):
        pause_instance(S, row, 1 if act == PAUSE_INSTANCE else -1)
    elif act in (PAUSE_NODE, RESUME_NODE):
        pause_node(S, row, 1 if act == PAUSE_NODE else -1)
    elif act == SET_SPEED:
        S.node[row].speed = amount
        instance = S.node[row].first_instance
        while instance != NONE:
            change_speed(S, instance)
            instance = S.instance[instance].node_next
    elif act == SET_OWN_SPEED:
        S.instance[row].own_speed = amount
        change_speed(S, row)
    elif act == SET_CORES:
        S.instance[row].own_cores = amount
        change_cap(S, row)
    elif act == WEIGH:
        weigh(S, row)
    elif act == RENEW_VIEW:
        renew_view(S, row)
    elif act in (PROBE, WRITE) and room(S) == 0:
        return -1
    elif act == PROBE:
        probe(S, row, pc, operation, int(amount), np.uint64(generation))
    elif act == WRITE:
        work = disk_time(S, row, amount, 1, np.uint64(generation), operation)
        occupy(S, operation, 0, S.node[row].disk, REPORT_PC, work)
    elif act == TELL_MEMBER:
        invoke(S.log, address_of(S), row, np.uint64(generation), pc, amount, operation)
    elif S.task[row].generation != generation:
        return 0
    elif act == FINISH:
        resume(S, row, pc)
    elif room(S) == 0:
        return -1
    else:
        branch = new_branch(S, row)
        S.task[branch].result = OK
        S.task[branch].operation = operation
        S.task[branch].visit = np.uint64(operation)
        S.task[branch].pc = pc
        if act == BURST:
            start_burst(S, branch, amount)
        else:
            wake(S, branch)
    return 1
