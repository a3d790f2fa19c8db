"""The wire: how messages travel where latency is not all. The kernel's entry to packets, streams and connections.

Compiled apart from the main loop, which knows it by its address only, as it knows balancing policies: scenarios whose
network is nothing but latencies neither compile it nor pay for it.

Three transports. `udp`: a message of which any segment is lost is lost. `ideal`: connections are always open and their
windows never full; what is lost is sent again when its timer strikes. `tcp`: see `sim.kernel.streams` and
`sim.kernel.connections`.
"""

from __future__ import annotations

import numpy as np

from sim.kernel.codes import (
    ACKED,
    CANCEL,
    CANCELLATION,
    DATA,
    ERROR,
    FLYING,
    GIVE_UP,
    HOP,
    IDEAL,
    KEEP_ALIVE,
    LET_GO,
    LETTER,
    NONE,
    NOTE,
    OK,
    PROBE,
    REPLY,
    REQUEST,
    RESEND,
    RESETTING,
    RESPONSE,
    SEND_CANCEL,
    SEND_NOTE,
    SEND_REQUEST,
    SEND_RESPONSE,
    SHED,
    SYN,
    TCP,
    TRANSMITTED,
)
from sim.kernel.connections import (
    give_up_dialling,
    keep_alive,
    let_go,
    reach_handshake,
    reach_probe,
    resend_handshake,
    take_connection,
)
from sim.kernel.draws import derive
from sim.kernel.events import schedule
from sim.kernel.hooks import state_at
from sim.kernel.jit import f8, i8, kernel, u8, void
from sim.kernel.keys import NETWORK_OUT
from sim.kernel.packets import (
    attach,
    comes_in,
    count_segments,
    free_packet,
    give_up,
    has_forgotten,
    is_dead,
    launch,
    new_packet,
    propagate,
    vanish,
)
from sim.kernel.streams import (
    BACK,
    OUT,
    acknowledge,
    cut_off,
    hand_over,
    new_message,
    reach_stream,
    send_message,
    time_out_packet,
)
from sim.kernel.tables import STATE_TYPE

BROKEN_AFTER_S = 5.0
"""Without an acknowledgement, between members of a group (etcd's rafthttp: DefaultConnReadTimeout)."""


@kernel(i8, STATE_TYPE, i8, apart="wire")
def pool_of(S, row):
    """The pool of an attempt's connections; -1: its transport has none."""
    call = S.call[S.task[row].call]
    channel = S.channel[call.channel]
    return channel.pools + call.endpoint if S.transport[channel.transport].kind == TCP else NONE


@kernel(void, STATE_TYPE, i8, apart="wire")
def send_request(S, row):
    task = S.task[row]
    task.recalled = 0
    task.connection = NONE
    pool = pool_of(S, row)
    if pool == NONE:
        launch(S, new_message(S, row, REQUEST))
    else:
        take_connection(S, pool, row)


@kernel(void, STATE_TYPE, i8, apart="wire")
def send_response(S, row):
    """A response, or word of a process that is no more."""
    task = S.task[row]
    answered = task.result in (OK, ERROR, SHED)
    pool = pool_of(S, row)
    if pool != NONE and answered and task.connection >= 0:
        send_message(S, task.connection, row, RESPONSE)
        return
    p = new_message(S, row, RESPONSE)
    if pool != NONE:
        S.packet[p].what = RESETTING
        if task.connection >= 0:
            attach(S, p, task.connection)
    launch(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def send_cancel(S, row):
    """A cancel message, as fast as its request was; it has no size, and is not sent again."""
    task = S.task[row]
    client = task.client_instance
    p = new_packet(S)
    packet = S.packet[p]
    packet.what = CANCELLATION
    packet.task = row
    packet.task_generation = task.generation
    packet.index = task.index
    packet.transport = 0
    packet.sender = S.instance[client].node
    packet.receiver = S.instance[task.instance].node
    packet.bytes = 0.0
    packet.segments = 1
    packet.key = derive(task.fresh, NETWORK_OUT)
    launch(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def vanish_rest(S, p):
    """A part of a message without connection is lost: all of it, by udp; else that part is sent again."""
    packet = S.packet[p]
    if S.transport[packet.transport].kind == IDEAL:
        packet.bytes = np.ceil(packet.bytes * packet.lost / packet.segments)
        packet.segments = packet.lost
    vanish(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def send_letter(S, n):
    """A note between members of a group, in a packet of its own."""
    note = S.note[n]
    p = new_packet(S)
    packet = S.packet[p]
    packet.what = LETTER
    packet.note = n
    packet.index = 0
    packet.transport = 0
    packet.sender = S.instance[S.replica[note.sender].instance].node
    packet.receiver = S.instance[S.replica[note.receiver].instance].node
    packet.bytes = np.ceil(note.bytes)
    packet.key = note.key
    count_segments(S, p, 0)
    launch(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def reach_letter(S, p):
    """A dead host answers nothing: to its sender that is a loss."""
    packet = S.packet[p]
    if is_dead(S, packet.receiver):
        vanish(S, p)
    elif packet.lost > 0:
        vanish_rest(S, p)
    else:
        schedule(S, S.now, DATA, NOTE, packet.note, S.note[packet.note].generation)
        free_packet(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def resend_letter(S, p):
    """A note is sent again, unless its sender has died since, or its connection counts as broken."""
    packet = S.packet[p]
    note = S.note[packet.note]
    sender = S.instance[S.replica[note.sender].instance]
    has_died = sender.deaths + sender.silent_deaths != note.deaths
    if has_died or note.void or S.now - note.sent >= BROKEN_AFTER_S:
        note.void = 1
        schedule(S, S.now, DATA, NOTE, packet.note, note.generation)
        free_packet(S, p)
    else:
        packet.tries += 1
        launch(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def reach(S, p):
    """A packet, or what is left of it, comes in at its receiver."""
    packet = S.packet[p]
    task, generation = packet.task, packet.task_generation
    if packet.what == LETTER:
        reach_letter(S, p)
    elif packet.what >= SYN:
        reach_handshake(S, p)
    elif packet.what >= PROBE:
        reach_probe(S, p)
    elif packet.what == RESETTING:
        if task != NONE and S.task[task].generation == generation:
            schedule(S, S.now, DATA, REPLY, task, generation)
        elif packet.connection != NONE:
            cut_off(S, packet.connection)
        free_packet(S, p)
    elif packet.what == CANCELLATION:
        if S.task[task].generation == generation:
            if S.task[task].state == FLYING:
                S.task[task].recalled = 1
            else:
                schedule(S, S.now, DATA, CANCEL, task, generation)
        free_packet(S, p)
    elif packet.connection != NONE:
        reach_stream(S, p)
    elif packet.lost > 0:
        vanish_rest(S, p)
    else:
        hand_over(S, p)
        free_packet(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def resend(S, p):
    """A retransmission timer strikes."""
    packet = S.packet[p]
    if packet.what == LETTER:
        resend_letter(S, p)
    elif packet.what >= SYN:
        resend_handshake(S, p)
    elif packet.connection != NONE:
        time_out_packet(S, p, OUT if packet.what == REQUEST else BACK)
    elif S.task[packet.task].generation != packet.task_generation:
        free_packet(S, p)
    elif S.task[packet.task].call == NONE or has_forgotten(S, p):
        give_up(S, p)
    else:
        packet.tries += 1
        launch(S, p)


@kernel(i8, u8, i8, u8, i8, f8, i8, apart="wire")
def wire(address, row, key, value, unused, what):
    """The kernel's one way in: an event of the wire (`row` is a packet or a connection, `value` its generation), or
    something that the kernel wants of it (`row` is a task, `value` an outcome)."""
    S = state_at(address)
    if what == HOP:
        if S.packet[row].generation == value and comes_in(S, row):
            reach(S, row)
    elif what == SEND_REQUEST:
        send_request(S, row)
    elif what == SEND_RESPONSE:
        send_response(S, row)
    elif what == LET_GO:
        pool = pool_of(S, row)
        if pool != NONE:
            let_go(S, pool, row, value)
    elif what == TRANSMITTED:
        if S.packet[row].generation == value:
            propagate(S, row)
    elif what == ACKED:
        if S.packet[row].generation == value:
            acknowledge(S, row)
    elif what == RESEND:
        if S.packet[row].generation == value:
            resend(S, row)
    elif what == SEND_CANCEL:
        send_cancel(S, row)
    elif what == SEND_NOTE:
        send_letter(S, row)
    elif what == GIVE_UP:
        give_up_dialling(S, row, value)
    elif what == KEEP_ALIVE:
        keep_alive(S, row, value)
    return 0
