"""Paused processes: their events wait, in the order in which they fell due, until the process goes on.

A pause costs nothing where there is none: one number says how many are in force, and only then is an event asked for
whom it is. What a paused process computes stands still because it asks its node for no cores.
"""

from __future__ import annotations

from sim.kernel.codes import ARRIVE, DATA, DELIVER, EXPIRE, HOP, LATE, NONE, NOTE, OVERDUE, REPLY, RETRY, SEVERED, THINK
from sim.kernel.events import schedule
from sim.kernel.jit import b1, i8, kernel, void
from sim.kernel.processors import ask_anew, demand, settle
from sim.kernel.tables import STATE_TYPE


@kernel(b1, STATE_TYPE, i8)
def is_paused(S, host):
    """Is an instance paused, by itself or with its node? No instance (-1) is not."""
    if host == NONE:
        return False
    instance = S.instance[host]
    return instance.paused > 0 or S.node[instance.node].paused > 0


@kernel(b1, STATE_TYPE, i8, i8, i8)
def waits(S, kind, slot, generation):
    """Is an event for a paused process? Stale ones are for nobody; a dead host's messages are lost as they arrive, and
    a dead process's are refused, unless it is the host that is paused."""
    if kind >= NOTE:
        return is_paused(S, S.replica[S.note[slot].receiver if kind == NOTE else slot].instance)
    if kind in (ARRIVE, THINK, EXPIRE) or kind >= HOP:
        return False
    if kind in (RETRY, OVERDUE, SEVERED):
        call = S.call[slot]
        return call.generation == generation and is_paused(S, call.client)
    task = S.task[slot]
    if task.generation != generation:
        return False
    if kind == REPLY:
        return task.call != NONE and is_paused(S, task.client_instance)
    instance = S.instance[task.instance]
    node = S.node[instance.node]
    if kind == DELIVER and (node.down > 0 or (instance.down > 0 and node.paused == 0)):
        return False
    return is_paused(S, task.instance)


@kernel(void, STATE_TYPE, i8, i8, i8)
def hold(S, kind, slot, generation):
    """Keep an event back."""
    held = S.held[S.held_length]
    S.held_length += 1
    held.kind = kind
    held.slot = slot
    held.generation = generation


@kernel(b1, STATE_TYPE, i8, i8, i8)
def must_wait(S, kind, slot, generation):
    """Keep an event back if it is for a paused process."""
    if not waits(S, kind, slot, generation):
        return False
    hold(S, kind, slot, generation)
    return True


@kernel(void, STATE_TYPE)
def release(S):
    """What need not wait any more happens now, in the order in which it fell due; timeouts after the rest."""
    kept = 0
    for position in range(S.held_length):
        held = S.held[position]
        kind, slot, generation = held.kind, held.slot, held.generation
        if waits(S, kind, slot, generation):
            still = S.held[kept]
            still.kind = kind
            still.slot = slot
            still.generation = generation
            kept += 1
        else:
            schedule(S, S.now, LATE if kind == OVERDUE else DATA, kind, slot, generation)
    S.held_length = kept


@kernel(void, STATE_TYPE, i8)
def change_cap(S, host):
    """Let a paused instance ask for no cores, one that runs for its own."""
    settle(S, host)
    instance = S.instance[host]
    before = demand(S, host)
    instance.cores = 0.0 if is_paused(S, host) else instance.own_cores
    ask_anew(S, host, before)


@kernel(void, STATE_TYPE, i8, i8)
def pause_instance(S, host, by):
    """One pause more (+1) or fewer (-1) in force on a process."""
    S.paused += by
    S.instance[host].paused += by
    change_cap(S, host)
    release(S)


@kernel(void, STATE_TYPE, i8, i8)
def pause_node(S, row, by):
    """One pause more (+1) or fewer (-1) in force on a host."""
    S.paused += by
    S.node[row].paused += by
    host = S.node[row].first_instance
    while host != NONE:
        change_cap(S, host)
        host = S.instance[host].node_next
    release(S)
