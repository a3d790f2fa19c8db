"""What travels in a connection, each way: windows, order, acknowledgements, retransmission.

A message is cut into packets as the window allows; an acknowledgement lets the next ones out. So a long message goes by
rounds, one window each round trip: slow start and additive increase (RFC 5681), halved by a loss that three later
segments tell of, down to one segment by one that only the timer tells of (RFC 6298). What arrives is handed over in
order: a lost segment holds up what was sent after it. Selective acknowledgements are taken to be perfect, their own
losses to be covered by later ones, and no timer to strike too early.
"""

from __future__ import annotations

import numpy as np

from sim.kernel.codes import (
    ACKED,
    CANCEL,
    CLOSING,
    DATA,
    DELIVER,
    ERROR,
    FLYING,
    GONE,
    NONE,
    OK,
    REPLY,
    REPLYING,
    REQUEST,
    RESETTING,
    RESPONSE,
    SEVERED,
)
from sim.kernel.draws import derive
from sim.kernel.events import schedule
from sim.kernel.jit import b1, f8, i8, kernel, void
from sim.kernel.keys import NETWORK_BACK, NETWORK_OUT
from sim.kernel.packets import (
    NODES,
    acknowledgement_latency,
    attach,
    count_segments,
    drop_message,
    free_if_done,
    free_packet,
    has_forgotten,
    is_dead,
    launch,
    new_packet,
    send_later,
    vanish,
)
from sim.kernel.servers import fall_silent
from sim.kernel.tables import STATE_TYPE

OUT, BACK = 0, 1
TELLING = 3
"""Segments behind a lost one that tell of it (RFC 5681, three duplicate acknowledgements)."""
LEAST_WINDOW = 2.0
MOST_SEGMENTS = 8.0
"""In one packet: as with segmentation offload, a window goes in bursts; acknowledgements come in between."""
RESET_SALT = np.uint64(0x525354)


@kernel(i8, STATE_TYPE, i8, i8, apart="wire")
def new_message(S, row, what):
    """A packet that holds the whole of a task's message."""
    task = S.task[row]
    edge, server = S.edge[task.edge], S.instance[task.instance].node
    client = task.client_instance
    place = NODES + task.source if client == NONE else S.instance[client].node
    p = new_packet(S)
    packet = S.packet[p]
    packet.what = what
    packet.task = row
    packet.task_generation = task.generation
    packet.index = task.index
    packet.transport = S.channel[S.call[task.call].channel].transport
    if what == REQUEST:
        packet.sender, packet.receiver = place, server
        packet.bytes = np.ceil(edge.request_bytes)
        packet.key = derive(task.fresh, NETWORK_OUT)
    else:
        packet.sender, packet.receiver = server, place
        packet.bytes = np.ceil(edge.response_bytes) if task.result == OK or task.result == ERROR else 0.0
        packet.key = derive(task.fresh, NETWORK_BACK)
        packet.deaths = S.instance[task.instance].silent_deaths
    count_segments(S, p, packet.transport)
    return p


@kernel(b1, STATE_TYPE, i8, apart="wire")
def is_server_gone(S, c):
    """Has the process at a connection's far end died since it was dialled, alone or with its host?"""
    connection = S.connection[c]
    server = S.instance[connection.server]
    return server.deaths != connection.server_deaths or server.silent_deaths != connection.server_silent


@kernel(b1, STATE_TYPE, i8, apart="wire")
def is_torn(S, p):
    """Was something before a packet given up?"""
    packet = S.packet[p]
    return S.connection[packet.connection].flow[OUT if packet.what == REQUEST else BACK].torn > 0


@kernel(void, STATE_TYPE, i8, apart="wire")
def hand_over(S, p):
    """A message is complete. Nobody takes one if a part of it, or what was sent before it, was given up, or if it
    waited for a process that is dead by now."""
    packet = S.packet[p]
    if packet.task == NONE or S.task[packet.task].generation != packet.task_generation:
        return
    state = S.task[packet.task].state
    if packet.what == REQUEST and state == FLYING:
        if packet.connection != NONE and (is_torn(S, p) or is_server_gone(S, packet.connection)):
            fall_silent(S, packet.task)
            return
        schedule(S, S.now, DATA, DELIVER, packet.task, packet.task_generation)
        if S.task[packet.task].recalled:
            schedule(S, S.now, DATA, CANCEL, packet.task, packet.task_generation)
    elif packet.what == RESPONSE and state == REPLYING:
        if packet.connection != NONE and is_torn(S, p):
            fall_silent(S, packet.task)
            return
        schedule(S, S.now, DATA, REPLY, packet.task, packet.task_generation)


# Sending ------------------------------------------------------------------------------------------------------------


@kernel(i8, STATE_TYPE, i8, f8, apart="wire")
def split(S, p, taken):
    """The first `taken` bytes of a message as a packet of their own."""
    first = new_packet(S)
    packet, whole = S.packet[first], S.packet[p]
    packet.what = whole.what
    packet.task = whole.task
    packet.task_generation = whole.task_generation
    packet.transport = whole.transport
    packet.sender = whole.sender
    packet.receiver = whole.receiver
    packet.index = whole.index
    packet.key = whole.key
    packet.deaths = whole.deaths
    packet.bytes = taken
    packet.ends = 0
    whole.key = derive(whole.key, np.uint64(1))
    whole.bytes -= taken
    whole.begun = 1
    attach(S, first, whole.connection)
    count_segments(S, first, packet.transport)
    count_segments(S, p, packet.transport)
    return first


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def take_backlog_head(S, c, way):
    flow = S.connection[c].flow[way]
    flow.backlog_head = S.packet[flow.backlog_head].next
    if flow.backlog_head == NONE:
        flow.backlog_tail = NONE


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def drop_backlog_head(S, c, way):
    """A message of which nothing has been sent, or not all, goes no further."""
    p = S.connection[c].flow[way].backlog_head
    take_backlog_head(S, c, way)
    drop_message(S, p)
    free_packet(S, p)


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def empty_backlog(S, c, way):
    """What has not been sent is not sent any more."""
    while S.connection[c].flow[way].backlog_head != NONE:
        drop_backlog_head(S, c, way)


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def pump(S, c, way):
    """Send what the window allows."""
    connection = S.connection[c]
    flow, rules = connection.flow[way], S.transport[connection.transport]
    while flow.backlog_head != NONE:
        p = flow.backlog_head
        packet = S.packet[p]
        if has_forgotten(S, p):
            drop_backlog_head(S, c, way)
            continue
        room = min(np.floor(flow.window) * rules.segment, rules.window) - flow.flight
        if packet.begun == 0 and S.task[packet.task].call == NONE:
            drop_backlog_head(S, c, way)
            continue
        piece = min(room, MOST_SEGMENTS * rules.segment)
        if piece < packet.bytes:
            if room < rules.segment:
                return
            p = split(S, p, piece)
        else:
            take_backlog_head(S, c, way)
        sent = S.packet[p]
        sent.next = NONE
        if flow.last == NONE:
            flow.first = p
        else:
            S.packet[flow.last].next = p
        flow.last = p
        flow.flight += sent.bytes
        flow.busy = S.now
        launch(S, p)


@kernel(void, STATE_TYPE, i8, i8, i8, apart="wire")
def send_message(S, c, row, what):
    """Send a task's message through a connection."""
    p = new_message(S, row, what)
    attach(S, p, c)
    way = OUT if what == REQUEST else BACK
    connection = S.connection[c]
    flow = connection.flow[way]
    if flow.flight <= 0.0 and S.now - flow.busy > flow.resend:
        flow.window = min(flow.window, S.transport[connection.transport].initial)
    if flow.backlog_tail == NONE:
        flow.backlog_head = p
    else:
        S.packet[flow.backlog_tail].next = p
    flow.backlog_tail = p
    pump(S, c, way)


# Arrival ------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def deliver_in_order(S, c, way):
    flow = S.connection[c].flow[way]
    while flow.first != NONE and S.packet[flow.first].here:
        p = flow.first
        packet = S.packet[p]
        flow.first = packet.next
        if flow.first == NONE:
            flow.last = NONE
        packet.delivered = 1
        if packet.ends:
            hand_over(S, p)
        if packet.known:
            free_packet(S, p)


@kernel(i8, STATE_TYPE, i8, apart="wire")
def told_behind(S, p):
    """Segments that have arrived of a packet and of those sent after it."""
    packet = S.packet[p]
    told = packet.segments - packet.lost
    later = packet.next
    while later != NONE and told < TELLING:
        if S.packet[later].here:
            told += S.packet[later].segments
        later = S.packet[later].next
    return told


@kernel(void, STATE_TYPE, i8, i8, f8, apart="wire")
def tell_of_earlier(S, c, p, back):
    """What arrives tells of what was lost before it."""
    way = OUT if S.packet[p].what == REQUEST else BACK
    q = S.connection[c].flow[way].first
    while q != NONE and q != p:
        earlier = S.packet[q]
        if earlier.waits and told_behind(S, q) >= TELLING:
            earlier.waits = 0
            earlier.generation += 1
            schedule(S, S.now + back, DATA, ACKED, q, earlier.generation)
        q = earlier.next


@kernel(void, STATE_TYPE, i8, apart="wire")
def abandon_packet(S, p):
    """A packet is not sent again; what came behind it is thrown away with it."""
    packet = S.packet[p]
    c, way = packet.connection, OUT if packet.what == REQUEST else BACK
    drop_message(S, p)
    packet.known = 1
    if packet.delivered:
        free_packet(S, p)
    else:
        if packet.here == 0:
            S.connection[c].flow[way].torn = 1
            empty_backlog(S, c, way)
        packet.here = 1
        deliver_in_order(S, c, way)


@kernel(void, STATE_TYPE, i8, apart="wire")
def refuse_segment(S, p):
    """A host gets a segment of a connection that it does not know (any more): a reset goes back. Should that be lost,
    the segment is sent again."""
    reset = new_packet(S)
    answer, packet = S.packet[reset], S.packet[p]
    answer.what = RESETTING
    answer.sender, answer.receiver = packet.receiver, packet.sender
    answer.transport = packet.transport
    answer.index = packet.index
    answer.key = derive(packet.key, RESET_SALT)
    answer.bytes = 0.0
    answer.segments = 1
    attach(S, reset, packet.connection)
    vanish(S, p)
    launch(S, reset)


@kernel(void, STATE_TYPE, i8, apart="wire")
def reach_stream(S, p):
    """What is left of a packet of a message comes in at its receiver."""
    packet = S.packet[p]
    if is_dead(S, packet.receiver):
        vanish(S, p)
        return
    c = packet.connection
    if packet.what == REQUEST and is_server_gone(S, c):
        refuse_segment(S, p)
        return
    back = acknowledgement_latency(S, p)
    if packet.what == RESPONSE:
        S.connection[c].heard = S.now
    if packet.lost == 0 and packet.here == 0:
        packet.here = 1
        if back < 0.0:
            send_later(S, p)
        else:
            tell_of_earlier(S, c, p, back)
            schedule(S, S.now + back, DATA, ACKED, p, packet.generation)
        deliver_in_order(S, c, OUT if packet.what == REQUEST else BACK)
    elif back >= 0.0 and (packet.here or told_behind(S, p) >= TELLING):
        schedule(S, S.now + back, DATA, ACKED, p, packet.generation)
    else:
        send_later(S, p)


# Acknowledgements and losses ----------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, f8, apart="wire")
def measure(S, c, way, round_trip):
    """A measured round trip: the retransmission timeout follows (RFC 6298, section 2; the lower bound is on what the
    deviation adds, as in Linux)."""
    flow, rules = S.connection[c].flow[way], S.transport[S.connection[c].transport]
    if flow.smooth == 0.0:
        flow.smooth = round_trip
        flow.deviation = round_trip / 2.0
    else:
        flow.deviation += (abs(flow.smooth - round_trip) - flow.deviation) / 4.0
        flow.smooth += (round_trip - flow.smooth) / 8.0
    spare = max(4.0 * flow.deviation, rules.resend_least)
    flow.resend = min(flow.smooth + spare, rules.resend_most)


@kernel(void, STATE_TYPE, i8, i8, f8, apart="wire")
def grow(S, c, way, bytes_):
    """The window after an acknowledgement: only what fills it makes it grow."""
    connection = S.connection[c]
    flow, segment = connection.flow[way], S.transport[connection.transport].segment
    acknowledged = bytes_ / segment
    if flow.window < flow.threshold:
        if 2.0 * flow.flight >= flow.window * segment:
            flow.window = min(flow.window + acknowledged, max(flow.threshold, flow.window))
    elif flow.flight + segment > np.floor(flow.window) * segment:
        flow.window += acknowledged / flow.window


@kernel(void, STATE_TYPE, i8, i8, f8, apart="wire")
def shrink(S, p, way, window):
    """A loss halves the window (once a round trip); the timer leaves one segment of it."""
    packet = S.packet[p]
    flow = S.connection[packet.connection].flow[way]
    if packet.sent >= flow.cut:
        flow.threshold = max(flow.window / 2.0, LEAST_WINDOW)
        flow.cut = S.now
        flow.window = window if window > 0.0 else flow.threshold


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def repeat_lost(S, p, way):
    """Send the lost segments of a packet again; the others have left the network."""
    packet = S.packet[p]
    connection = S.connection[packet.connection]
    left = np.ceil(packet.bytes * packet.lost / packet.segments)
    connection.flow[way].flight -= packet.bytes - left
    packet.bytes = left
    packet.segments = packet.lost
    packet.tries += 1
    launch(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def acknowledge(S, p):
    """An acknowledgement reaches the sender of a packet."""
    packet = S.packet[p]
    c, way = packet.connection, OUT if packet.what == REQUEST else BACK
    flow = S.connection[c].flow[way]
    if way == OUT:
        S.connection[c].heard = S.now
    if packet.here:
        grow(S, c, way, packet.bytes)
        flow.flight -= packet.bytes
        if packet.tries == 0:
            measure(S, c, way, S.now - packet.sent)
        packet.known = 1
        if packet.delivered:
            free_packet(S, p)
        pump(S, c, way)
    elif has_forgotten(S, p):
        abandon_packet(S, p)
    else:
        shrink(S, p, way, 0.0)
        repeat_lost(S, p, way)
        pump(S, c, way)


# Breaking -----------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def unbind(S, c, row):
    """An attempt's time with a connection is over."""
    task, connection = S.task[row], S.connection[c]
    if task.stream_previous == NONE:
        connection.first_stream = task.stream_next
    else:
        S.task[task.stream_previous].stream_next = task.stream_next
    if task.stream_next != NONE:
        S.task[task.stream_next].stream_previous = task.stream_previous
    connection.streams -= 1
    task.connection = NONE
    if connection.listed and connection.streams == 0:
        S.pool[connection.pool].idle += 1


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def unlist(S, pool_row, c):
    """Take a connection out of its pool's list of those with room."""
    pool, connection = S.pool[pool_row], S.connection[c]
    if connection.listed == 0:
        return
    connection.listed = 0
    if connection.streams == 0:
        pool.idle -= 1
    if connection.previous == NONE:
        pool.first = connection.next
    else:
        S.connection[connection.previous].next = connection.next
    if connection.next == NONE:
        pool.last = connection.previous
    else:
        S.connection[connection.next].previous = connection.previous


@kernel(void, STATE_TYPE, i8, apart="wire")
def close(S, c):
    """The client leaves a connection: no message enters it any more, what is on its way may arrive."""
    connection = S.connection[c]
    unlist(S, connection.pool, c)
    S.pool[connection.pool].open -= 1
    connection.state = CLOSING
    empty_backlog(S, c, OUT)
    empty_backlog(S, c, BACK)
    free_if_done(S, c)


@kernel(void, STATE_TYPE, i8, apart="wire")
def cut_off(S, c):
    """A connection is gone, with all attempts that are bound to it: their callers learn it at once."""
    connection = S.connection[c]
    if connection.state == CLOSING:
        return
    while connection.first_stream != NONE:
        row = connection.first_stream
        unbind(S, c, row)
        S.task[row].connection = GONE
        if S.task[row].call != NONE:
            call = S.task[row].call
            schedule(S, S.now, DATA, SEVERED, call, S.call[call].generation)
    close(S, c)


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def time_out_packet(S, p, way):
    """The retransmission timer of a packet strikes."""
    packet = S.packet[p]
    c = packet.connection
    connection = S.connection[c]
    rules = S.transport[connection.transport]
    if connection.state == CLOSING or has_forgotten(S, p):
        abandon_packet(S, p)
    elif packet.tries >= rules.tries:
        cut_off(S, c)
        abandon_packet(S, p)
    else:
        flow = connection.flow[way]
        if packet.sent >= flow.cut:
            flow.resend = min(2.0 * flow.resend, rules.resend_most)
        shrink(S, p, way, 1.0)
        if packet.here:
            packet.tries += 1
            launch(S, p)
        else:
            repeat_lost(S, p, way)
