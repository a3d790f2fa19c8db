"""Connections: dialled, pooled, shared by requests; and what their two ends know of each other.

A client keeps a pool for each server. A request takes a connection that has room, or waits; one is dialled where those
that are being dialled do not suffice for those who wait, and whoever waits first takes the first that is free (as Go's
net/http does). With one stream a connection carries one request at a time (HTTP/1.1), with more many (HTTP/2, gRPC).
A process that dies on a living host closes its connections: clients know when they next look. A dead host closes
nothing: its clients find out by silence, or by a reset once it is back.
"""

from __future__ import annotations

import numpy as np

from sim.kernel.codes import (
    CLOSING,
    DATA,
    DIALLING,
    ERROR,
    FLYING,
    GIVE_UP,
    GONE,
    KEEP_ALIVE,
    LOOKUP,
    NONE,
    OK,
    OPEN,
    OPENING,
    PROBE,
    PROBED,
    REFUSED,
    REPLY,
    REPLYING,
    REQUEST,
    RESEND,
    RESET,
    RESETTING,
    SHED,
    SILENT,
    SYN,
    SYN_ACK,
    TIMEOUT,
    UNAVAILABLE,
)
from sim.kernel.draws import derive
from sim.kernel.events import schedule
from sim.kernel.jit import b1, i8, kernel, void
from sim.kernel.packets import NODES, attach, free_if_done, free_packet, is_dead, launch, new_packet, turn_round, vanish
from sim.kernel.streams import BACK, OUT, close, cut_off, is_server_gone, measure, send_message, unbind, unlist
from sim.kernel.tables import STATE_TYPE

FAR = np.inf
DIAL_SALT, PROBE_SALT = np.uint64(0x4449414C), np.uint64(0x50524F42)
LOOKUP_S, LOOKUPS = 5.0, 2
"""How long a resolver waits for an answer, and how often it asks (resolv.conf(5): timeout, attempts)."""


# Those who wait -----------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def leave_queue(S, pool_row, row):
    """An attempt does not wait for a connection any more."""
    pool, task = S.pool[pool_row], S.task[row]
    if task.previous == NONE:
        pool.waiting_head = task.next
    else:
        S.task[task.previous].next = task.next
    if task.next == NONE:
        pool.waiting_tail = task.previous
    else:
        S.task[task.next].previous = task.previous
    task.next = NONE
    task.previous = NONE
    pool.waiting -= 1


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def enqueue(S, pool_row, row):
    pool, task = S.pool[pool_row], S.task[row]
    task.state = DIALLING
    task.next = NONE
    task.previous = pool.waiting_tail
    if pool.waiting_tail == NONE:
        pool.waiting_head = row
    else:
        S.task[pool.waiting_tail].next = row
    pool.waiting_tail = row
    pool.waiting += 1


@kernel(void, STATE_TYPE, i8, i8, i8, apart="wire")
def fail(S, pool_row, row, outcome):
    """An attempt that waits for a connection gets none."""
    leave_queue(S, pool_row, row)
    task = S.task[row]
    task.state = REPLYING
    task.result = outcome
    schedule(S, S.now, DATA, REPLY, row, task.generation)


@kernel(i8, STATE_TYPE, i8, apart="wire")
def deaths_of(S, client):
    """How often a client has died; sources (-1) do not."""
    return 0 if client == NONE else S.instance[client].deaths + S.instance[client].silent_deaths


# Dialling -----------------------------------------------------------------------------------------------------------


@kernel(i8, STATE_TYPE, i8, i8, i8, apart="wire")
def new_connection(S, pool_row, transport, row):
    """A connection row for an attempt's server."""
    c = S.connection_free
    if c >= 0:
        S.connection_free = S.connection[c].next
    else:
        c = S.connections
        S.connections += 1
    S.connections_used += 1
    connection, rules, task = S.connection[c], S.transport[transport], S.task[row]
    connection.state = OPENING
    connection.pool = pool_row
    connection.transport = transport
    connection.server = task.instance
    connection.streams = 0
    connection.first_stream = NONE
    connection.listed = 0
    connection.packets = 0
    connection.client_deaths = S.pool[pool_row].client_deaths
    connection.dialled_for = row
    connection.dialled_generation = task.generation
    connection.rounds = 0
    for way in range(2):
        flow = connection.flow[way]
        flow.window = rules.initial
        flow.threshold = FAR
        flow.flight = 0.0
        flow.cut = -1.0
        flow.busy = S.now
        flow.torn = 0
        flow.smooth = 0.0
        flow.resend = rules.resend_first
        flow.first = NONE
        flow.last = NONE
        flow.backlog_head = NONE
        flow.backlog_tail = NONE
    return c


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def dial(S, pool_row, row):
    """Open a connection, on account of an attempt that waits."""
    task = S.task[row]
    transport = S.channel[S.call[task.call].channel].transport
    c = new_connection(S, pool_row, transport, row)
    pool = S.pool[pool_row]
    pool.open += 1
    pool.dialling += 1
    p = new_packet(S)
    packet = S.packet[p]
    packet.what = SYN
    packet.transport = transport
    client = task.client_instance
    packet.sender = NODES + task.source if client == NONE else S.instance[client].node
    packet.receiver = S.instance[task.instance].node
    packet.bytes = 0.0
    packet.segments = 1
    packet.index = task.index
    packet.key = derive(task.fresh, DIAL_SALT)
    S.connection[c].client = packet.sender
    S.connection[c].key = packet.key
    attach(S, p, c)
    limit = S.transport[transport].dial_for
    if limit < FAR:
        schedule(S, S.now + limit, 1, GIVE_UP, c, S.connection[c].generation)
    if S.service[S.instance[task.instance].service].unresolved > 0:
        packet.what = LOOKUP
        schedule(S, S.now + LOOKUP_S, DATA, RESEND, p, packet.generation)
    else:
        launch(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def dial_for_waiting(S, pool_row):
    """Dial, where those that are being dialled do not suffice for those who wait."""
    pool = S.pool[pool_row]
    if pool.waiting_head == NONE or deaths_of(S, S.task[pool.waiting_head].client_instance) != pool.client_deaths:
        return
    rules = S.transport[S.channel[S.call[S.task[pool.waiting_head].call].channel].transport]
    while pool.dialling * rules.streams < pool.waiting and (rules.most_open < 0 or pool.open < rules.most_open):
        dial(S, pool_row, pool.waiting_tail)


@kernel(b1, STATE_TYPE, i8, apart="wire")
def is_orphan(S, c):
    """Did another life of its client dial it? Its pool does not count it any more."""
    connection = S.connection[c]
    return connection.client_deaths != S.pool[connection.pool].client_deaths


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def dial_failed(S, c, outcome):
    """The attempt that had it dialled fails with it; where requests share connections, all that wait do."""
    connection = S.connection[c]
    pool_row = connection.pool
    pool, row = S.pool[pool_row], connection.dialled_for
    connection.state = CLOSING
    if is_orphan(S, c):
        free_if_done(S, c)
        return
    pool.open -= 1
    pool.dialling -= 1
    if S.transport[connection.transport].streams > 1:
        while pool.waiting_head != NONE:
            fail(S, pool_row, pool.waiting_head, outcome)
    elif S.task[row].generation == connection.dialled_generation and S.task[row].state == DIALLING:
        fail(S, pool_row, row, outcome)
    free_if_done(S, c)
    dial_for_waiting(S, pool_row)


# Use ----------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, apart="wire")
def enlist(S, c):
    """A connection has room: it heads its pool's list."""
    connection = S.connection[c]
    pool = S.pool[connection.pool]
    if connection.listed:
        return
    connection.listed = 1
    connection.previous = NONE
    connection.next = pool.first
    if pool.first == NONE:
        pool.last = c
    else:
        S.connection[pool.first].previous = c
    pool.first = c
    if connection.streams == 0:
        pool.idle += 1


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def bind(S, c, row):
    """Send an attempt's request through a connection that has room."""
    connection, task = S.connection[c], S.task[row]
    pool_row = connection.pool
    if connection.listed and connection.streams == 0:
        S.pool[pool_row].idle -= 1
    task.state = FLYING
    task.connection = c
    task.stream_previous = NONE
    task.stream_next = connection.first_stream
    if connection.first_stream != NONE:
        S.task[connection.first_stream].stream_previous = row
    connection.first_stream = row
    connection.streams += 1
    if connection.streams >= S.transport[connection.transport].streams:
        unlist(S, pool_row, c)
    send_message(S, c, row, REQUEST)


@kernel(void, STATE_TYPE, i8, apart="wire")
def serve(S, c):
    """A connection has room: those who wait take it; else it is kept, or is one too many."""
    connection = S.connection[c]
    pool_row = connection.pool
    pool, rules = S.pool[pool_row], S.transport[connection.transport]
    while pool.waiting_head != NONE and connection.streams < rules.streams:
        row = pool.waiting_head
        leave_queue(S, pool_row, row)
        bind(S, c, row)
    if connection.streams < rules.streams:
        enlist(S, c)
        if connection.streams == 0:
            connection.idle_since = S.now
            if pool.idle > rules.most_idle:
                close(S, c)


@kernel(void, STATE_TYPE, i8, apart="wire")
def opened(S, c):
    connection = S.connection[c]
    if is_orphan(S, c):
        connection.state = CLOSING
        free_if_done(S, c)
        return
    connection.state = OPEN
    connection.heard = S.now
    connection.probes = 0
    S.pool[connection.pool].dialling -= 1
    rules = S.transport[connection.transport]
    if rules.probes > 0:
        schedule(S, S.now + rules.probe_after, DATA, KEEP_ALIVE, c, connection.generation)
    serve(S, c)


@kernel(i8, STATE_TYPE, i8, apart="wire")
def with_room(S, pool_row):
    """A connection with room that its client believes to be alive; -1. Those that are not are closed."""
    pool = S.pool[pool_row]
    while pool.last != NONE:
        connection = S.connection[pool.last]
        rules = S.transport[connection.transport]
        if connection.streams > 0 or S.now - connection.idle_since <= rules.idle_for:
            break
        close(S, pool.last)
    while pool.first != NONE:
        c = pool.first
        connection = S.connection[c]
        if S.instance[connection.server].deaths == connection.server_deaths:
            return c
        cut_off(S, c)
    return NONE


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def take_connection(S, pool_row, row):
    """An attempt's request needs a connection. A client that has been dead since begins with none."""
    pool, deaths = S.pool[pool_row], deaths_of(S, S.task[row].client_instance)
    if pool.client_deaths != deaths:
        while pool.first != NONE:
            close(S, pool.first)
        pool.client_deaths = deaths
        pool.open = 0
        pool.dialling = 0
    c = with_room(S, pool_row)
    if c != NONE:
        bind(S, c, row)
    else:
        enqueue(S, pool_row, row)
        dial_for_waiting(S, pool_row)


@kernel(void, STATE_TYPE, i8, i8, i8, apart="wire")
def let_go(S, pool_row, row, outcome):
    """An attempt has ended for its caller. An answered one leaves its connection to others; one that was given up takes
    it along, where it carried nothing else."""
    task = S.task[row]
    if task.state == DIALLING:
        leave_queue(S, pool_row, row)
        task.state = SILENT
        return
    c = task.connection
    if c < 0:
        if c == GONE:
            dial_for_waiting(S, pool_row)
        return
    unbind(S, c, row)
    connection = S.connection[c]
    if connection.state == CLOSING:
        return
    if outcome == RESET or deaths_of(S, task.client_instance) != S.pool[pool_row].client_deaths:
        cut_off(S, c)
        dial_for_waiting(S, pool_row)
    elif outcome in (OK, ERROR, SHED) or S.transport[connection.transport].streams > 1:
        serve(S, c)
    else:
        close(S, c)
        dial_for_waiting(S, pool_row)


# The handshake ------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, apart="wire")
def reach_handshake(S, p):
    """A packet of a handshake comes in: at the server, which answers; at the client, which goes on."""
    packet = S.packet[p]
    c = packet.connection
    connection = S.connection[c]
    if is_dead(S, packet.receiver):
        vanish(S, p)
    elif connection.state == CLOSING:
        free_packet(S, p)
    elif packet.what == SYN:
        server = S.instance[connection.server]
        packet.what = SYN_ACK
        packet.ends = 0 if server.down > 0 else 1
        connection.server_deaths = server.deaths
        connection.server_silent = server.silent_deaths
        packet.key = derive(packet.key, DIAL_SALT)
        packet.known = 1 if packet.tries > 0 else packet.known
        turn_round(S, p)
    elif packet.ends == 0:
        dial_failed(S, c, REFUSED)
        free_packet(S, p)
    else:
        if packet.tries == 0 and packet.known == 0 and connection.rounds == 0:
            measure(S, c, OUT, S.now - connection.flow[OUT].busy)
            measure(S, c, BACK, S.now - connection.flow[OUT].busy)
        connection.rounds += 1
        if connection.rounds < S.transport[connection.transport].rounds:
            packet.what = SYN
            packet.key = derive(packet.key, DIAL_SALT)
            turn_round(S, p)
        else:
            free_packet(S, p)
            connection.flow[OUT].busy = S.now
            connection.flow[BACK].busy = S.now
            opened(S, c)


@kernel(void, STATE_TYPE, i8, apart="wire")
def resend_handshake(S, p):
    """A packet of a handshake was lost."""
    packet = S.packet[p]
    c = packet.connection
    connection = S.connection[c]
    if connection.state == CLOSING:
        free_packet(S, p)
    elif packet.what != SYN_ACK and is_dead(S, packet.sender):
        dial_failed(S, c, TIMEOUT)
        free_packet(S, p)
    elif packet.what == LOOKUP:
        packet.tries += 1
        if S.service[S.instance[connection.server].service].unresolved == 0:
            packet.what = SYN
            packet.tries = 0
            packet.known = 1
            launch(S, p)
        elif packet.tries < LOOKUPS:
            schedule(S, S.now + LOOKUP_S, DATA, RESEND, p, packet.generation)
        else:
            dial_failed(S, c, UNAVAILABLE)
            free_packet(S, p)
    elif packet.tries >= S.transport[packet.transport].dials:
        dial_failed(S, c, TIMEOUT)
        free_packet(S, p)
    else:
        packet.tries += 1
        if packet.what == SYN_ACK and is_server_gone(S, c):
            packet.what = SYN
            turn_round(S, p)
        else:
            launch(S, p)


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def give_up_dialling(S, c, generation):
    """The connect timeout has passed."""
    if S.connection[c].generation == generation and S.connection[c].state == OPENING:
        dial_failed(S, c, TIMEOUT)


# Keep-alive ---------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, apart="wire")
def probe(S, c):
    """Send a keep-alive probe."""
    connection = S.connection[c]
    p = new_packet(S)
    packet = S.packet[p]
    packet.what = PROBE
    packet.transport = connection.transport
    packet.sender, packet.receiver = connection.client, S.instance[connection.server].node
    packet.bytes = 0.0
    packet.segments = 1
    packet.index = connection.probes
    packet.key = derive(derive(connection.key, PROBE_SALT), np.uint64(S.now * 1e6))
    attach(S, p, c)
    launch(S, p)


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def keep_alive(S, c, generation):
    """See whether the other end of a connection lives, if nothing was heard of it and nothing is on its way to it."""
    connection = S.connection[c]
    if connection.generation != generation or connection.state == CLOSING:
        return
    rules = S.transport[connection.transport]
    due = connection.heard + rules.probe_after
    if connection.flow[OUT].flight > 0.0 or due > S.now:
        connection.probes = 0
        schedule(S, due if due > S.now else S.now + rules.probe_after, DATA, KEEP_ALIVE, c, generation)
    elif connection.probes >= rules.probes:
        cut_off(S, c)
    else:
        connection.probes += 1
        schedule(S, S.now + rules.probe_every, DATA, KEEP_ALIVE, c, generation)
        probe(S, c)


@kernel(void, STATE_TYPE, i8, apart="wire")
def reach_probe(S, p):
    """A probe, or its answer, comes in; it is not sent again when it is lost."""
    packet = S.packet[p]
    connection = S.connection[packet.connection]
    if is_dead(S, packet.receiver) or connection.state == CLOSING:
        free_packet(S, p)
    elif packet.what == PROBED:
        connection.heard = S.now
        connection.probes = 0
        free_packet(S, p)
    else:
        packet.what = RESETTING if is_server_gone(S, packet.connection) else PROBED
        packet.key = derive(packet.key, PROBE_SALT)
        turn_round(S, p)
