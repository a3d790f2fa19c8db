"""The caller's side: calls, their attempts, retries, and what the caller learns.

A call row lives from the call's start to its outcome; a task row carries one attempt from its sending to the end of
everything that it set off. `task.call` ties the two while the caller waits; an abandoned attempt has none.
"""

from __future__ import annotations

import numpy as np

from sim.distributions import sample
from sim.kernel.codes import (
    CANCEL,
    CANCELLED,
    DATA,
    DELIVER,
    FAILED_PC,
    FLYING,
    LET_GO,
    NONE,
    OK,
    REPLYING,
    RETRY,
    SEND_CANCEL,
    SEND_REQUEST,
    SILENT,
    THINK,
    TIMED,
    TOO_DEEP,
    UNAVAILABLE,
)
from sim.kernel.draws import derive, uniform
from sim.kernel.events import schedule, wake
from sim.kernel.hooks import address_of, ask_wire, data_of, invoke
from sim.kernel.jit import f8, i8, kernel, u8, void
from sim.kernel.keys import BACKOFF_WORD, BALANCE, RECORD_WORD, THINK_SALT
from sim.kernel.measure import count_offered, count_outcome
from sim.kernel.network import attempt_latency
from sim.kernel.rows import free_call, free_task, new_task, report
from sim.kernel.tables import CAPACITY, STATE_TYPE
from sim.kernel.timers import on_clock, start_timer, stop_timer, timer_of

_ZERO = np.uint64(0)
FULL_JITTER, EQUAL_JITTER = 1, 2
SPOOLED = CAPACITY["spool"] - 1
"""Recorded requests at which the buffer must be emptied."""


@kernel(void, STATE_TYPE, i8, i8)
def resume(S, row, succeeded):
    """A task's awaited step has ended: on to the next one, or to failure."""
    task = S.task[row]
    if succeeded or S.step[task.pc].optional:
        task.pc += 1
    else:
        task.pc = FAILED_PC
    wake(S, row)


# Balancers ----------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8)
def reset_channel(S, row):
    """Give a channel its balancer's initial records (on first use, and when its client restarts)."""
    channel = S.channel[row]
    if channel.client == 0:
        channel.client = S.arena_used
        channel.servers = S.arena_used + channel.client_words
        S.arena_used += channel.words
    for word in range(channel.words):
        S.arena[channel.client + word] = S.arena[channel.template + word]
    hook = S.policy[channel.policy].on_view_change
    if hook:
        invoke(hook, address_of(S), row, _ZERO, NONE, 0.0, NONE)


@kernel(void, STATE_TYPE, i8)
def renew_view(S, row):
    """A channel's client knows other instances than before."""
    channel = S.channel[row]
    hook = S.policy[channel.policy].on_view_change
    if hook and channel.client != 0:
        invoke(hook, address_of(S), row, _ZERO, NONE, 0.0, NONE)


@kernel(i8, STATE_TYPE, i8, u8, inline=True)
def pick(S, call_row, attempt_key):
    """The endpoint (ordinal in its service) that the caller's balancer picks; -1 when its view is empty."""
    call = S.call[call_row]
    channel = S.channel[call.channel]
    known = S.listing[channel.listing]
    if known.count == 0:
        return NONE
    if channel.client == 0:
        reset_channel(S, call.channel)
    if known.count == 1:
        return S.member[known.start]
    key = derive(attempt_key, BALANCE)
    picked = invoke(S.policy[channel.policy].pick, address_of(S), call.channel, key, NONE, 0.0, NONE)
    if picked < 0 or picked >= S.service[channel.service].instance_count:
        S.bad_pick = picked
        S.bad_policy = channel.policy + 1
        S.unchecked = 0
        return NONE
    return picked


@kernel(void, STATE_TYPE, i8, i8)
def tell_balancer(S, call_row, outcome):
    """The current attempt's outcome, as the client sees it."""
    call = S.call[call_row]
    hook = S.policy[S.channel[call.channel].policy].on_response
    if hook:
        invoke(hook, address_of(S), call.channel, _ZERO, call.endpoint, S.now - call.attempt_started, outcome)


# Ends ---------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, hot=True)
def abandon(S, call_row, outcome):
    """The caller stops waiting for its current attempt (if one is out), for whatever reason."""
    call = S.call[call_row]
    if call.attempt_task == NONE:
        return
    tell_balancer(S, call_row, outcome)
    task = S.task[call.attempt_task]
    if task.timed == TIMED:
        stop_timer(S, timer_of(S, call.edge, call.attempt_task), call.attempt_task)
    if S.wire:
        ask_wire(S, LET_GO, call.attempt_task, outcome)
    task.call = NONE
    call.attempt_task = NONE


@kernel(void, STATE_TYPE, i8)
def start_thinking(S, user_row):
    """A closed user thinks before the next request."""
    user = S.user[user_row]
    source = S.source[user.source]
    person = derive(source.key, np.uint64(user_row - source.first_user))
    key = derive(derive(person, np.uint64(user.cycle)), THINK_SALT)
    think = sample(S.distribution[source.arrival.gap], data_of(S), key, user.cycle)
    schedule(S, S.now + think, DATA, THINK, user_row, 0)


@kernel(void, STATE_TYPE, i8, i8, inline=True)
def record_request(S, call_row, outcome):
    """Write a request's row, if it is among those recorded."""
    call = S.call[call_row]
    if S.record_share < 1.0 and uniform(call.fresh, RECORD_WORD) >= S.record_share:
        return
    row = S.spool[S.spool_length]
    S.spool_length += 1
    if S.spool_length >= SPOOLED:
        S.unchecked = 0
    row.index = call.index
    row.intended_s = call.started
    row.latency_s = S.now - call.started
    row.source = call.source
    row.edge = call.edge
    row.outcome = outcome
    row.attempts = call.attempt + 1
    row.instance = NONE
    if call.endpoint != NONE:
        row.instance = S.service[S.edge[call.edge].service].first_instance + call.endpoint


@kernel(void, STATE_TYPE, i8, i8, inline=True)
def finish_request(S, call_row, outcome):
    """A root call has ended."""
    call = S.call[call_row]
    S.in_flight -= 1
    S.cohort_open -= call.measured
    if S.draining and S.cohort_open == 0:
        S.unchecked = 0
    if S.record_share > 0.0:
        record_request(S, call_row, outcome)
    if call.user != NONE:
        S.user[call.user].cycle += 1
        start_thinking(S, call.user)


@kernel(void, STATE_TYPE, i8, i8)
def finish_call(S, call_row, outcome):
    """A call has its outcome: count it, and let whoever waits go on."""
    call = S.call[call_row]
    edge = S.edge[call.edge]
    count_outcome(S, edge.stat, outcome, call.measured, S.now - call.started, edge.slo, edge.other_bins)
    if call.task == NONE and call.probe != NONE:
        report(S, call.probe, outcome)
    elif call.task == NONE:
        finish_request(S, call_row, outcome)
    else:
        S.task[call.task].awaits = NONE
        S.task[call.task].result = outcome
        resume(S, call.task, outcome == OK)
    free_call(S, call_row)


@kernel(f8, STATE_TYPE, i8, inline=True)
def backoff(S, call_row):
    """Seconds to wait after the attempt that has just failed."""
    call = S.call[call_row]
    edge = S.edge[call.edge]
    wait = min(edge.backoff_max, edge.backoff * edge.backoff_factor ** (1.0 * call.attempt))
    if edge.jitter == 0:
        return wait
    share = uniform(derive(call.fresh, np.uint64(call.attempt)), BACKOFF_WORD)
    return wait * share if edge.jitter == FULL_JITTER else wait * (0.5 + 0.5 * share)


@kernel(void, STATE_TYPE, i8, i8)
def end_attempt(S, call_row, outcome):
    """The caller learns how its attempt ended: retry, or the call has its outcome."""
    call = S.call[call_row]
    edge = S.edge[call.edge]
    edge.attempt[outcome] += 1
    abandon(S, call_row, outcome)
    if (edge.retried >> outcome) & 1 and call.attempt + 1 < edge.attempts:
        wait = on_clock(S, call.client, backoff(S, call_row))
        call.attempt += 1
        schedule(S, S.now + wait, DATA, RETRY, call_row, call.generation)
    else:
        finish_call(S, call_row, outcome)


@kernel(void, STATE_TYPE, i8, i8)
def drop_call(S, call_row, notify):
    """End a call because its caller was cancelled (notify 1: a cancel message follows the attempt) or died (0)."""
    call = S.call[call_row]
    edge = S.edge[call.edge]
    row = call.attempt_task
    if row != NONE:
        edge.attempt[CANCELLED] += 1
        abandon(S, call_row, CANCELLED)
        if S.task[row].state == SILENT:
            free_task(S, row)
        elif notify and S.task[row].state != REPLYING:
            S.unchecked = 0
            if S.wire:
                ask_wire(S, SEND_CANCEL, row, OK)
            else:
                schedule(S, S.now + attempt_latency(S, row, 0), DATA, CANCEL, row, S.task[row].generation)
    count_outcome(S, edge.stat, CANCELLED, call.measured, S.now - call.started, edge.slo, -1)
    free_call(S, call_row)


# Starts -------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, u8, inline=True)
def send(S, call_row, endpoint, attempt_key):
    """Send the current attempt to an endpoint."""
    call = S.call[call_row]
    edge = S.edge[call.edge]
    row = new_task(S)
    call.attempt_task = row
    call.endpoint = endpoint
    task = S.task[row]
    task.state = FLYING
    task.call = call_row
    task.edge = call.edge
    task.instance = S.service[edge.service].first_instance + endpoint
    task.client_instance = call.client
    task.stat = S.instance[task.instance].stats + edge.endpoint
    task.pc = edge.entry
    task.depth = call.depth
    task.measured = call.measured
    task.source = call.source
    task.index = call.index
    task.visit = _ZERO
    task.fresh = attempt_key
    task.kept = derive(call.kept, _ZERO)
    hook = S.policy[S.channel[call.channel].policy].on_send
    if hook:
        invoke(hook, address_of(S), call.channel, _ZERO, endpoint, 0.0, NONE)
    if S.wire:
        ask_wire(S, SEND_REQUEST, row, OK)
        S.sequence += 1  # the timer's own: the wire may have made no event, or several
    else:
        schedule(S, S.now + attempt_latency(S, row, 0), DATA, DELIVER, row, task.generation)
    if edge.timer != NONE:
        task.deadline = S.now + on_clock(S, task.client_instance, edge.timeout)
        start_timer(S, timer_of(S, call.edge, row), row)


@kernel(void, STATE_TYPE, i8)
def start_attempt(S, call_row):
    """Pick an instance and send; an empty view or too deep a call ends at once."""
    call = S.call[call_row]
    S.edge[call.edge].started += 1
    call.attempt_started = S.now
    call.attempt_task = NONE
    if call.depth > S.depth_limit:
        end_attempt(S, call_row, TOO_DEEP)
        return
    attempt_key = derive(call.fresh, np.uint64(call.attempt))
    endpoint = call.endpoint if call.probe != NONE else pick(S, call_row, attempt_key)
    if endpoint == NONE:
        end_attempt(S, call_row, UNAVAILABLE)
    else:
        send(S, call_row, endpoint, attempt_key)


@kernel(void, STATE_TYPE, i8)
def start_call(S, call_row):
    """Start a call whose row has been filled in."""
    call = S.call[call_row]
    call.started = S.now
    call.attempt = 0
    count_offered(S, S.edge[call.edge].stat, call.measured)
    start_attempt(S, call_row)
