"""Notes: all that one member of a group has to tell another at one time, as one message.

Members talk over TCP (etcd's rafthttp): notes come in the order in which they were sent. A network of mere latencies
loses none. On the wire each is a packet; what is lost is sent again after 200 ms, then after twice as long and so on,
until the connection counts as broken, after 5 s (rafthttp's read and write timeouts): then the note is given up, and
its sender knows.
"""

from __future__ import annotations

import numpy as np

from sim.distributions import sample
from sim.kernel.codes import DATA, NONE, NOTE, SEND_NOTE
from sim.kernel.draws import derive
from sim.kernel.events import schedule
from sim.kernel.hooks import ask_wire, data_of
from sim.kernel.jit import b1, f8, i8, kernel, u8, void
from sim.kernel.tables import STATE_TYPE

OWN_BYTES = 200.0
"""Of a note without entries."""
NOTE_SALT = np.uint64(0x4E4F5445)


@kernel(i8, STATE_TYPE, i8, apart="log")
def deaths_of(S, r):
    """Times that the process of a replica has died so far."""
    instance = S.instance[S.replica[r].instance]
    return instance.deaths + instance.silent_deaths


@kernel(b1, STATE_TYPE, i8, apart="log")
def is_up(S, r):
    instance = S.instance[S.replica[r].instance]
    return instance.down == 0 and S.node[instance.node].down == 0


@kernel(i8, STATE_TYPE, i8, i8, apart="log")
def peer_of(S, r, other):
    """The row of what a replica knows of another one of its group."""
    return S.replica[r].peers + other - S.group[S.replica[r].group].first


@kernel(u8, STATE_TYPE, i8, apart="log")
def next_key(S, r):
    """The key of a replica's next draw."""
    replica = S.replica[r]
    replica.draws += 1
    return derive(replica.key, np.uint64(replica.draws))


@kernel(i8, STATE_TYPE, i8, i8, apart="log")
def new_note(S, sender, receiver):
    """A note that says nothing yet."""
    n = S.note_free
    if n >= 0:
        S.note_free = S.note[n].next
    else:
        n = S.notes
        S.notes += 1
    S.notes_used += 1
    note = S.note[n]
    note.sender = sender
    note.receiver = receiver
    note.deaths = S.replica[sender].deaths
    note.term = S.replica[sender].term
    note.next = NONE
    note.behind = NONE
    note.wired = 0
    note.here = 0
    note.void = 0
    note.bytes = OWN_BYTES
    note.append = 0
    note.ack = 0
    note.beat = 0
    note.echo = 0
    note.ask = 0
    note.answer = 0
    note.forwarded = NONE
    return n


@kernel(void, STATE_TYPE, i8, apart="log")
def free_note(S, n):
    note = S.note[n]
    note.generation += 1
    note.next = S.note_free
    S.note_free = n
    S.notes_used -= 1


@kernel(f8, STATE_TYPE, i8, apart="log")
def note_latency(S, n):
    """Seconds that a note takes where a message takes its latency and nothing else."""
    note = S.note[n]
    sender = S.instance[S.replica[note.sender].instance]
    receiver = S.instance[S.replica[note.receiver].instance]
    law = S.same_node if sender.node == receiver.node else NONE
    if law == NONE:
        law = S.latency[sender.zone * S.zones + receiver.zone]
    if law == NONE:
        return 0.0
    return sample(S.distribution[law], data_of(S), note.key, 0)


@kernel(void, STATE_TYPE, i8, apart="log")
def send_note(S, n):
    note = S.note[n]
    note.key = derive(next_key(S, note.sender), NOTE_SALT)
    note.sent = S.now
    stream = S.peer[peer_of(S, note.sender, note.receiver)]
    if S.wire:
        note.wired = 1
        if stream.last == NONE:
            stream.first = n
        else:
            S.note[stream.last].behind = n
        stream.last = n
        ask_wire(S, SEND_NOTE, n, 0)
    else:
        stream.arrives = max(S.now + note_latency(S, n), stream.arrives)
        schedule(S, stream.arrives, DATA, NOTE, n, note.generation)


@kernel(i8, STATE_TYPE, i8, apart="log")
def next_in_order(S, n):
    """The first note of a wired one's stream, if it has come in; it leaves the stream. -1: there is none."""
    stream = S.peer[peer_of(S, S.note[n].sender, S.note[n].receiver)]
    first = stream.first
    if first == NONE or S.note[first].here == 0:
        return NONE
    stream.first = S.note[first].behind
    if stream.first == NONE:
        stream.last = NONE
    return first


# Requests -----------------------------------------------------------------------------------------------------------


@kernel(i8, STATE_TYPE, i8, i8, f8, apart="log")
def new_proposal(S, r, task, bytes_):
    """A request that a task makes at a replica; it stands in the list of those that wait there."""
    p = S.proposal_free
    if p >= 0:
        S.proposal_free = S.proposal[p].next
    else:
        p = S.proposals
        S.proposals += 1
    S.proposals_used += 1
    proposal, replica = S.proposal[p], S.replica[r]
    proposal.replica = r
    proposal.task = task
    proposal.task_generation = S.task[task].generation
    proposal.bytes = bytes_
    proposal.started = S.now
    proposal.epoch = NONE
    proposal.index = 0
    proposal.next = NONE
    proposal.listed = 0
    proposal.done = 0
    proposal.pending_next = NONE
    proposal.pending_previous = replica.pending_tail
    if replica.pending_tail == NONE:
        replica.pending_head = p
    else:
        S.proposal[replica.pending_tail].pending_next = p
    replica.pending_tail = p
    return p


@kernel(void, STATE_TYPE, i8, apart="log")
def free_proposal(S, p):
    S.proposal[p].next = S.proposal_free
    S.proposal_free = p
    S.proposals_used -= 1


@kernel(void, STATE_TYPE, i8, apart="log")
def unlist(S, p):
    """A request leaves its list by `next`."""
    proposal = S.proposal[p]
    proposal.listed = 0
    proposal.next = NONE
    if proposal.done:
        free_proposal(S, p)


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def mark_appended(S, p, epoch):
    """A write stands in a log, under its index."""
    proposal = S.proposal[p]
    replica = S.replica[proposal.replica]
    proposal.epoch = epoch
    proposal.appended_next = NONE
    proposal.appended_previous = replica.appended_tail
    if replica.appended_tail == NONE:
        replica.appended_head = p
    else:
        S.proposal[replica.appended_tail].appended_next = p
    replica.appended_tail = p


@kernel(void, STATE_TYPE, i8, apart="log")
def forget_proposal(S, p):
    """Nobody waits for a request any more; its row stays for as long as it stands in a list by `next`."""
    proposal = S.proposal[p]
    replica = S.replica[proposal.replica]
    before, after = proposal.pending_previous, proposal.pending_next
    if before == NONE:
        replica.pending_head = after
    else:
        S.proposal[before].pending_next = after
    if after == NONE:
        replica.pending_tail = before
    else:
        S.proposal[after].pending_previous = before
    if proposal.epoch != NONE:
        before, after = proposal.appended_previous, proposal.appended_next
        if before == NONE:
            replica.appended_head = after
        else:
            S.proposal[before].appended_next = after
        if after == NONE:
            replica.appended_tail = before
        else:
            S.proposal[after].appended_previous = before
    proposal.done = 1
    if proposal.listed == 0:
        free_proposal(S, p)


@kernel(void, STATE_TYPE, i8, apart="log")
def unlist_all(S, first):
    """A list by `next` is given up."""
    while first != NONE:
        following = S.proposal[first].next
        unlist(S, first)
        first = following
