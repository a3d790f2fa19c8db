"""Packets: over links, one after the other; what is lost on the way, and what faults do to those who talk.

A packet is a piece of a message that travels as one: up to a window of segments. On each link it occupies the
transmitter (where the link has a bandwidth), loses segments, and takes the link's latency. A transmitter is a station
like any other: an event loop (first come) or goroutines (fair shares) on a node whose speed is the bandwidth in bytes
per second, and the packet's errand there is a burst of so many bytes.
"""

from __future__ import annotations

import math

import numpy as np

from sim.distributions import sample
from sim.kernel.codes import (
    CANCELLATION,
    CLOSED,
    CLOSING,
    DATA,
    FLYING,
    HOP,
    NONE,
    PACKET_PC,
    PROBE,
    PROBED,
    REPLYING,
    REQUEST,
    RESEND,
    RESETTING,
    RESPONSE,
    SYN,
    SYN_ACK,
    TCP,
    UDP,
)
from sim.kernel.draws import derive, uniform
from sim.kernel.errands import occupy
from sim.kernel.events import schedule
from sim.kernel.hooks import data_of
from sim.kernel.jit import b1, f8, i8, kernel, u8, void
from sim.kernel.servers import fall_silent
from sim.kernel.tables import CAPACITY, STATE_TYPE

AT_ONCE, NO_WAY = -1, -2
"""Instead of a next link."""
NODES = CAPACITY["node"]
SENDS, RECEIVES = 1, 2
HOP_SALT, LOSS_SALT, JITTER_SALT, FAULT_SALT = (np.uint64(n << 48) for n in (1, 2, 3, 4))
_TRY_SHIFT = np.uint64(16)


@kernel(i8, STATE_TYPE, apart="wire")
def new_packet(S):
    """A packet row; the caller fills it in."""
    p = S.packet_free
    if p >= 0:
        S.packet_free = S.packet[p].next
    else:
        p = S.packets
        S.packets += 1
    S.packets_used += 1
    packet = S.packet[p]
    packet.next = NONE
    packet.connection = NONE
    packet.task = NONE
    packet.hops = 0
    packet.lost = 0
    packet.tries = 0
    packet.ends = 1
    packet.here = 0
    packet.known = 0
    packet.delivered = 0
    packet.begun = 0
    packet.waits = 0
    packet.link = NONE
    return p


@kernel(void, STATE_TYPE, i8, apart="wire")
def free_if_done(S, c):
    """A connection that its client has left ends with its last packet."""
    connection = S.connection[c]
    if connection.state == CLOSING and connection.packets == 0:
        connection.generation += 1
        connection.state = CLOSED
        connection.next = S.connection_free
        S.connection_free = c
        S.connections_used -= 1


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def attach(S, p, c):
    """A packet belongs to a connection, which stays for as long as it does."""
    S.packet[p].connection = c
    S.connection[c].packets += 1


@kernel(void, STATE_TYPE, i8, apart="wire")
def free_packet(S, p):
    packet = S.packet[p]
    packet.generation += 1
    packet.next = S.packet_free
    S.packet_free = p
    S.packets_used -= 1
    if packet.connection != NONE:
        S.connection[packet.connection].packets -= 1
        free_if_done(S, packet.connection)


@kernel(i8, STATE_TYPE, i8, apart="wire")
def site_of(S, place):
    """Where a node or a source stands; -1: a source at the door."""
    if place < NODES:
        return S.node[place].zone
    return S.source[place - NODES].zone


@kernel(b1, STATE_TYPE, i8, apart="wire")
def is_dead(S, place):
    return place < NODES and S.node[place].down > 0


@kernel(b1, STATE_TYPE, i8, apart="wire")
def has_forgotten(S, p):
    """Is a packet's sender dead, or up again without a memory of it?"""
    packet = S.packet[p]
    if is_dead(S, packet.sender):
        return True
    if packet.what != RESPONSE:
        return False
    c = packet.connection
    server = S.task[packet.task].instance if c == NONE else S.connection[c].server
    return S.instance[server].silent_deaths != packet.deaths


@kernel(void, STATE_TYPE, i8, i8, apart="wire")
def count_segments(S, p, transport):
    packet = S.packet[p]
    packet.segments = max(1, math.ceil(packet.bytes / S.transport[transport].segment))


@kernel(u8, STATE_TYPE, i8, apart="wire")
def hop_key(S, p):
    """The key of a packet's present hop; of the first try's first hop its own, which a message has without a wire."""
    packet = S.packet[p]
    if packet.hops == 0 and packet.tries == 0:
        return packet.key
    return derive(packet.key, HOP_SALT + (np.uint64(packet.tries) << _TRY_SHIFT) + np.uint64(packet.hops))


# Losses -------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, f8, u8, apart="wire")
def lose(S, p, share, key):
    """Each segment that is left is lost with a probability, by itself: from one lost one to the next in one draw."""
    packet = S.packet[p]
    if share >= 1.0:
        packet.lost = packet.segments
        return
    left = packet.segments - packet.lost
    scale, position, draw = 1.0 / math.log1p(-share), 0, 0
    while True:
        position += 1 + int(math.log(uniform(key, draw)) * scale)
        if position > left:
            return
        packet.lost += 1
        draw += 1


@kernel(b1, STATE_TYPE, i8, i8, i8, apart="wire")
def is_hit(S, slot, sender, receiver):
    """Does a fault concern who sends to whom?"""
    if S.impairment[slot].used == 0:
        return False
    return (S.side[slot, sender] & SENDS) != 0 and (S.side[slot, receiver] & RECEIVES) != 0


@kernel(b1, STATE_TYPE, i8, i8, apart="wire")
def is_cut(S, sender, receiver):
    """Does nothing pass at all?"""
    slot = 0
    while slot < S.impairments and not (S.impairment[slot].loss >= 1.0 and is_hit(S, slot, sender, receiver)):
        slot += 1
    return slot < S.impairments


@kernel(f8, STATE_TYPE, i8, u8, apart="wire")
def suffer(S, p, key):
    """What faults between the two ends do to a packet that leaves: loses segments; returns seconds more."""
    packet, more = S.packet[p], 0.0
    for slot in range(S.impairments):
        if is_hit(S, slot, packet.sender, packet.receiver):
            fault, draws = S.impairment[slot], derive(key, FAULT_SALT + np.uint64(slot))
            if fault.loss > 0.0:
                lose(S, p, fault.loss, derive(draws, LOSS_SALT))
            if fault.latency != NONE:
                more += sample(S.distribution[fault.latency], data_of(S), draws, packet.index)
    return more


@kernel(f8, STATE_TYPE, i8, apart="wire")
def patience(S, p):
    """Seconds after which a lost packet is sent again (RFC 6298)."""
    packet = S.packet[p]
    rules, doubled = S.transport[packet.transport], 2.0 ** min(packet.tries, 30)
    if packet.what == SYN or packet.what == SYN_ACK:
        return min(rules.resend_first * doubled, rules.resend_most)
    if rules.kind == TCP:
        return S.connection[packet.connection].flow[0 if packet.what == REQUEST else 1].resend
    return min(rules.resend_least * doubled, rules.resend_most)


@kernel(void, STATE_TYPE, i8, apart="wire")
def drop_message(S, p):
    """The message that a packet is (a part of) will never arrive, unless it has."""
    packet = S.packet[p]
    if packet.task == NONE or packet.delivered or S.task[packet.task].generation != packet.task_generation:
        return
    state = S.task[packet.task].state
    if state == (FLYING if packet.what == REQUEST else REPLYING) and packet.what != CANCELLATION:
        fall_silent(S, packet.task)


@kernel(void, STATE_TYPE, i8, apart="wire")
def give_up(S, p):
    """A packet is not sent again."""
    drop_message(S, p)
    free_packet(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def send_later(S, p):
    """What is lost is sent again, once its sender has waited for long enough."""
    packet = S.packet[p]
    packet.waits = 1
    schedule(S, max(S.now, packet.sent + patience(S, p)), DATA, RESEND, p, packet.generation)


@kernel(void, STATE_TYPE, i8, apart="wire")
def vanish(S, p):
    """Nothing of a packet arrives."""
    packet = S.packet[p]
    packet.lost = packet.segments
    kind = S.transport[packet.transport].kind
    if kind == UDP or packet.what in (CANCELLATION, RESETTING, PROBE, PROBED):
        give_up(S, p)
    else:
        send_later(S, p)


# Hops ---------------------------------------------------------------------------------------------------------------


@kernel(f8, STATE_TYPE, i8, u8, i8, apart="wire")
def link_latency(S, link_row, key, index):
    link = S.link[link_row]
    time = 0.0
    if link.latency != NONE:
        time += sample(S.distribution[link.latency], data_of(S), key, index)
    if link.jitter != NONE:
        time += sample(S.distribution[link.jitter], data_of(S), derive(key, JITTER_SALT), index)
    return time * link.slowness


@kernel(f8, STATE_TYPE, i8, i8, apart="wire")
def loopback_latency(S, place, p):
    """Within a node: no link is occupied, nothing is lost."""
    packet, law = S.packet[p], S.same_node
    if law != NONE:
        return sample(S.distribution[law], data_of(S), hop_key(S, p), packet.index)
    site = site_of(S, place)
    link = S.route[site * S.sites + site]
    return link_latency(S, link, hop_key(S, p), packet.index) if link >= 0 else 0.0


@kernel(void, STATE_TYPE, i8, apart="wire")
def propagate(S, p):
    """A packet leaves the transmitter of its link (or needed none)."""
    packet = S.packet[p]
    key, time = hop_key(S, p), 0.0
    if packet.hops == 0 and S.impairments > 0:
        time += suffer(S, p, key)
    if packet.link != NONE:
        link = S.link[packet.link]
        if link.down > 0:
            vanish(S, p)
            return
        if link.loss > 0.0:
            lose(S, p, link.loss, derive(key, LOSS_SALT))
        time += link_latency(S, packet.link, key, packet.index)
        packet.cuts = link.cuts
    if packet.lost >= packet.segments:
        vanish(S, p)
    else:
        schedule(S, S.now + time, DATA, HOP, p, packet.generation)


@kernel(void, STATE_TYPE, i8, apart="wire")
def enter_link(S, p):
    """A packet goes on from where it is."""
    packet = S.packet[p]
    packet.link = NONE
    if packet.at == NONE or packet.goal == NONE:
        schedule(S, S.now, DATA, HOP, p, packet.generation)
        return
    if packet.sender == packet.receiver:
        schedule(S, S.now + loopback_latency(S, packet.sender, p), DATA, HOP, p, packet.generation)
        return
    link_row = S.route[packet.at * S.sites + packet.goal]
    if link_row == NO_WAY:
        vanish(S, p)
        return
    if link_row == AT_ONCE:
        propagate(S, p)
        return
    packet.link = link_row
    link = S.link[link_row]
    if link.down > 0:
        vanish(S, p)
    elif link.station == NONE:
        propagate(S, p)
    else:
        occupy(S, p, packet.generation, link.station, PACKET_PC, packet.bytes)


@kernel(void, STATE_TYPE, i8, apart="wire")
def launch(S, p):
    """Send a packet, from its sender."""
    packet = S.packet[p]
    packet.at = site_of(S, packet.sender)
    packet.goal = site_of(S, packet.receiver)
    packet.hops = 0
    packet.lost = 0
    packet.waits = 0
    packet.sent = S.now
    enter_link(S, p)


@kernel(void, STATE_TYPE, i8, apart="wire")
def turn_round(S, p):
    """Let a packet's answer travel in its row."""
    packet = S.packet[p]
    packet.sender, packet.receiver = packet.receiver, packet.sender
    packet.tries = 0
    launch(S, p)


@kernel(b1, STATE_TYPE, i8, apart="wire")
def comes_in(S, p):
    """A packet reaches the end of a link. Is it where it is to go? If not, it goes on, or is lost."""
    packet = S.packet[p]
    packet.hops += 1
    if packet.link == NONE:
        packet.at = packet.goal
    else:
        link = S.link[packet.link]
        if link.cuts != packet.cuts:
            vanish(S, p)
            return False
        packet.at = link.receiver
    if packet.at != packet.goal:
        enter_link(S, p)
        return False
    is_outside = packet.at == NONE or site_of(S, packet.sender) == NONE or packet.sender == packet.receiver
    if S.impairments > 0 and not is_outside and is_cut(S, packet.sender, packet.receiver):
        vanish(S, p)
        return False
    return True


@kernel(f8, STATE_TYPE, i8, apart="wire")
def acknowledgement_latency(S, p):
    """Seconds that the acknowledgement of a packet takes, too small for links to notice; -1: none gets back."""
    packet = S.packet[p]
    if packet.at == NONE or site_of(S, packet.sender) == NONE:
        return 0.0
    if packet.sender == packet.receiver:
        return loopback_latency(S, packet.sender, p)
    if S.impairments > 0 and is_cut(S, packet.receiver, packet.sender):
        return -1.0
    at, goal, time, hop = packet.goal, site_of(S, packet.sender), 0.0, 0
    for slot in range(S.impairments):
        if S.impairment[slot].latency != NONE and is_hit(S, slot, packet.receiver, packet.sender):
            key = derive(derive(hop_key(S, p), HOP_SALT), FAULT_SALT + np.uint64(slot))
            time += sample(S.distribution[S.impairment[slot].latency], data_of(S), key, packet.index)
    while True:
        link = S.route[at * S.sites + goal]
        if link == AT_ONCE:
            return time
        if link == NO_WAY or S.link[link].down > 0:
            return -1.0
        time += link_latency(S, link, derive(hop_key(S, p), HOP_SALT + np.uint64(hop)), packet.index)
        at = S.link[link].receiver
        hop += 1
        if at == goal:
            return time
