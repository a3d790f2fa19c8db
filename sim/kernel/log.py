"""The replicated log: committed writes and linearizable reads as kernel traffic. The kernel's entry to groups.

Compiled apart from the main loop, which knows it by its address only, as it knows the wire: scenarios without a group
neither compile it nor pay for it.

A member works in turns, as etcd 3.4 and 3.5 do (server/etcdserver/raft.go, `start`, and raft's `Ready`). A turn answers
what is known to be committed, sends, and flushes what has been appended since the last one, with one fsync. What comes
in during a flush waits for the next turn. A leader sends before its flush, in parallel with it (thesis, section
10.2.1); a follower only after it, whatever it has to say. Where nothing is to be flushed a turn takes no time.

Departures: what etcd sends as several messages at once goes as one note; a follower is told of a commit at once only
where somebody waits there for it, and else with the next entries; heartbeats that nobody waits for are the control
plane's, not sent here; entries are not cut into messages of 1 MB, and a member that is far behind gets them all, never
a snapshot; members' work is no CPU time.
"""

from __future__ import annotations

import numpy as np

from sim.distributions import sample
from sim.kernel.codes import (
    ASKED,
    CONFIRMED,
    DONE_FLUSH,
    FLUSHED,
    FOLLOW,
    IDLE,
    LEAD,
    LOG_PC,
    NONE,
    NOTE,
    PROPOSE,
    READ_INDEX,
    RUNS_FLUSH,
    SET_VOTER,
    SWEEP,
    TICK,
    TURN,
)
from sim.kernel.draws import derive
from sim.kernel.epochs import is_same, meet, put
from sim.kernel.errands import occupy
from sim.kernel.hooks import data_of, state_at
from sim.kernel.jit import f8, i8, kernel, u8, void
from sim.kernel.notes import (
    free_note,
    is_up,
    new_note,
    new_proposal,
    next_in_order,
    next_key,
    peer_of,
    send_note,
    unlist_all,
)
from sim.kernel.replicas import (
    adopt,
    apply_committed,
    call_for,
    close_rounds,
    commit_more,
    end_of_group,
    end_round,
    follow,
    free_one,
    lead,
    may_send,
    notice_death,
    open_round,
    propose,
    set_leader,
    stir,
    sweep,
    sweep_later,
    take_answer,
    take_entries,
    take_forwarded,
    tick_later,
)
from sim.kernel.tables import STATE_TYPE

ACCESS, FLUSH = np.uint64(1), np.uint64(2)


# What a note says ---------------------------------------------------------------------------------------------------


@kernel(i8, STATE_TYPE, i8, i8, apart="log")
def write_entries(S, n, row):
    """A leader's entries for a peer, if there are any and they may leave; 1: there are."""
    note, peer = S.note[n], S.peer[row]
    replica = S.replica[note.sender]
    if replica.commit.index > peer.told_commit and S.replica[note.receiver].pending_head != NONE:
        call_for(S, note.sender, row)
    if peer.probe:
        put(note.last, peer.upto)
    elif may_send(S, row) and (peer.force or peer.next.index < replica.last.index):
        put(note.last, replica.last)
    else:
        return 0
    note.append = 1
    put(note.previous, peer.next)
    put(note.commit, replica.commit)
    note.bytes += max(note.last.offset - peer.next.offset, 0.0)
    peer.force = 0
    peer.probe = 0
    peer.told_commit = replica.commit.index
    peer.sent += 1
    note.number = peer.sent
    if peer.probing == 0:
        put(peer.next, note.last)
    return 1


@kernel(i8, STATE_TYPE, i8, i8, apart="log")
def write_leading(S, n, row):
    """What a leader has to tell a peer; how many things."""
    note, peer = S.note[n], S.peer[row]
    things = write_entries(S, n, row)
    if peer.beat:
        peer.beat = 0
        note.beat = 1
        note.context = S.replica[note.sender].context
        things += 1
    if peer.answer:
        peer.answer = 0
        note.answer = 1
        note.answer_round = peer.asked_round
        note.answer_index = peer.asked_index
        things += 1
    if things:
        tick_later(S, note.sender)
    return things


@kernel(i8, STATE_TYPE, i8, i8, apart="log")
def write_following(S, n, row):
    """What anybody has to answer a peer, and to ask it if it is the leader; how many things."""
    note, peer, things = S.note[n], S.peer[row], 0
    if peer.ack:
        note.ack = peer.ack
        put(note.acked, peer.acked)
        note.refused = peer.refused
        note.ack_number = peer.ack_number
        peer.ack = 0
        things += 1
    if peer.echo:
        peer.echo = 0
        note.echo = 1
        note.echoed = peer.echoed
        things += 1
    replica = S.replica[note.sender]
    if replica.leader != note.receiver:
        return things
    if replica.asking:
        replica.asking = 0
        note.ask = 1
        note.ask_round = replica.round_number
        things += 1
    if replica.outgoing_head != NONE:
        note.forwarded = replica.outgoing_head
        replica.outgoing_head = NONE
        replica.outgoing_tail = NONE
        p = note.forwarded
        while p != NONE:
            note.bytes += S.proposal[p].bytes
            p = S.proposal[p].next
        things += 1
    return things


@kernel(void, STATE_TYPE, i8, apart="log")
def write_notes(S, r):
    """One note for each peer that a member has something to tell, into its outbox."""
    replica = S.replica[r]
    for other in range(S.group[replica.group].first, end_of_group(S, r)):
        if other == r:
            continue
        n, row = new_note(S, r, other), peer_of(S, r, other)
        things = write_following(S, n, row)
        if replica.leading and S.replica[other].voter:
            things += write_leading(S, n, row)
        if things:
            S.note[n].next = replica.outbox
            replica.outbox = n
        else:
            free_note(S, n)


@kernel(void, STATE_TYPE, i8, apart="log")
def send_notes(S, r):
    replica = S.replica[r]
    while replica.outbox != NONE:
        n = replica.outbox
        replica.outbox = S.note[n].next
        S.note[n].next = NONE
        send_note(S, n)


# Turns --------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, apart="log")
def begin_round(S, r):
    """The reads that have come meanwhile are a round (etcd's linearizableReadLoop: one at a time)."""
    replica = S.replica[r]
    if replica.reading != IDLE or replica.reads_head == NONE:
        return
    replica.round_head = replica.reads_head
    replica.reads_head = NONE
    replica.reads_tail = NONE
    replica.round_number += 1
    replica.reading = ASKED
    replica.asking = 1
    if replica.leading:
        replica.asking = 0
        row = peer_of(S, r, r)
        S.peer[row].asked_round = replica.round_number
        open_round(S, r, row)
        close_rounds(S, r)


@kernel(void, STATE_TYPE, i8, apart="log")
def answer_requests(S, r):
    """Requests go on that need nothing more."""
    replica = S.replica[r]
    if replica.commit.index > replica.applied:
        apply_committed(S, r)
    if replica.reading == CONFIRMED and replica.applied >= replica.read_index:
        end_round(S, r, 1)


@kernel(i8, STATE_TYPE, i8, apart="log")
def begin_flush(S, r):
    """Write what has been appended since the last flush, and flush it. RUNS_FLUSH: that takes its time."""
    replica = S.replica[r]
    node = S.node[S.instance[replica.instance].node]
    put(replica.writing, replica.last)
    if node.disk == NONE:
        return DONE_FLUSH
    bytes_, key = max(replica.last.offset - replica.stable.offset, 0.0), next_key(S, r)
    work = bytes_ * node.disk_byte
    if bytes_ > 0.0 and node.disk_access != NONE:
        work += sample(S.distribution[node.disk_access], data_of(S), derive(key, ACCESS), 0)
    if node.disk_fsync != NONE:
        work += sample(S.distribution[node.disk_fsync], data_of(S), derive(key, FLUSH), 0)
    occupy(S, r, replica.generation, node.disk, LOG_PC, work)
    return RUNS_FLUSH


@kernel(void, STATE_TYPE, i8, apart="log")
def end_flush(S, r):
    """What was written is on the disk; a leader counts itself from now on."""
    replica = S.replica[r]
    replica.flushing = IDLE
    meet(S, replica.stable, replica.writing, replica.last)
    if replica.leading:
        put(S.peer[peer_of(S, r, r)].match, replica.stable)
        commit_more(S, r)
        close_rounds(S, r)
    send_notes(S, r)


@kernel(void, STATE_TYPE, i8, apart="log")
def turn(S, r):
    """A member's loop."""
    replica = S.replica[r]
    replica.turning = 0
    while replica.flushing != RUNS_FLUSH:
        if replica.flushing == DONE_FLUSH:
            end_flush(S, r)
        begin_round(S, r)
        answer_requests(S, r)
        write_notes(S, r)
        if replica.leading:
            send_notes(S, r)
        if not is_same(replica.last, replica.stable):
            replica.flushing = begin_flush(S, r)
            continue
        send_notes(S, r)
        if replica.reading != IDLE or replica.reads_head == NONE:
            return


@kernel(void, STATE_TYPE, i8, apart="log")
def tick(S, r):
    """A leader's heartbeat, for those who are behind, or whose word a read waits for: their answers repair what was
    lost. The others' would change nothing."""
    replica = S.replica[r]
    replica.ticking = 0
    if replica.leading == 0:
        return
    group = S.group[replica.group]
    reads = 0
    for row in range(replica.peers, replica.peers + group.count):
        reads += S.peer[row].asked
    for other in range(group.first, group.first + group.count):
        peer = S.peer[peer_of(S, r, other)]
        if other != r and S.replica[other].voter and (peer.match.index < replica.last.index or reads):
            peer.beat = 1
            stir(S, r)


# What comes in ------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def hear_leader(S, r, n):
    """Entries, a heartbeat or a read index come from the leader of the member's term."""
    note = S.note[n]
    row = peer_of(S, r, note.sender)
    set_leader(S, r, note.sender)
    replica = S.replica[r]
    if note.append:
        take_entries(S, r, n, row)
    if note.beat:
        S.peer[row].echo = 1
        S.peer[row].echoed = max(S.peer[row].echoed, note.context)
    if note.answer and replica.reading == ASKED and note.answer_round == replica.round_number:
        replica.reading = CONFIRMED
        replica.read_index = note.answer_index


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def hear_follower(S, r, n):
    """A leader hears from a member that follows it."""
    note = S.note[n]
    row = peer_of(S, r, note.sender)
    if note.ack:
        take_answer(S, r, n, row)
    if note.echo:
        peer = S.peer[row]
        peer.heard = max(peer.heard, note.echoed)
        free_one(S, row)
        if peer.match.index < S.replica[r].last.index:
            call_for(S, r, row)
    close_rounds(S, r)


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def hear(S, r, n):
    """A note reaches a member that lives. What belongs to an earlier term is ignored; what clients want has none."""
    note, replica = S.note[n], S.replica[r]
    adopt(S, r, note.term)
    if note.term == replica.term:
        if note.append or note.beat or note.answer:
            hear_leader(S, r, n)
        if replica.leading and (note.ack or note.echo):
            hear_follower(S, r, n)
    if note.ask and replica.leading:
        row = peer_of(S, r, note.sender)
        S.peer[row].asked_round = note.ask_round
        open_round(S, r, row)
        close_rounds(S, r)
    if note.forwarded != NONE:
        take_forwarded(S, r, note.forwarded)
        note.forwarded = NONE
    stir(S, r)


@kernel(void, STATE_TYPE, i8, apart="log")
def learn_of_loss(S, n):
    """A note was given up with its connection: a leader probes from what it knows the other one to have."""
    note = S.note[n]
    replica, peer = S.replica[note.sender], S.peer[peer_of(S, note.sender, note.receiver)]
    if replica.deaths == note.deaths and replica.leading and note.append and peer.probing == 0:
        put(peer.next, peer.match)
        peer.probing = 1
        peer.probed = 0


@kernel(void, STATE_TYPE, i8, apart="log")
def take_note(S, n):
    r = S.note[n].receiver
    if S.note[n].void:
        learn_of_loss(S, n)
    elif is_up(S, r):
        notice_death(S, r)
        hear(S, r, n)
    unlist_all(S, S.note[n].forwarded)
    free_note(S, n)


@kernel(void, STATE_TYPE, i8, apart="log")
def break_stream(S, n):
    """With a note its connection is given up: what else was on its way is lost, and ends as its packets come in."""
    stream = S.peer[peer_of(S, S.note[n].sender, S.note[n].receiver)]
    other = stream.first
    stream.first = NONE
    stream.last = NONE
    while other != NONE:
        note = S.note[other]
        following = note.behind
        note.void = 1
        note.wired = 0
        if note.here:
            take_note(S, other)
        other = following


@kernel(void, STATE_TYPE, i8, apart="log")
def reach_member(S, n):
    """A note comes in; on the wire after all that was sent before it."""
    if S.note[n].wired and S.note[n].void:
        break_stream(S, n)
    if S.note[n].wired == 0:
        take_note(S, n)
        return
    S.note[n].here = 1
    first = next_in_order(S, n)
    while first != NONE:
        sender, receiver = S.note[first].sender, S.note[first].receiver
        take_note(S, first)
        stream = S.peer[peer_of(S, sender, receiver)]
        if stream.first == NONE:
            return
        first = next_in_order(S, stream.first)


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def request(S, task_row, is_read):
    """A task wants something committed, or to read what is."""
    task = S.task[task_row]
    instance = S.instance[task.instance]
    service = S.service[instance.service]
    r = S.group[service.group].first + task.instance - service.first_instance
    notice_death(S, r)
    p = new_proposal(S, r, task_row, S.step[task.pc].x)
    sweep_later(S, r)
    if is_read:
        replica = S.replica[r]
        S.proposal[p].listed = 1
        if replica.reads_head == NONE:
            replica.reads_head = p
        else:
            S.proposal[replica.reads_tail].next = p
        replica.reads_tail = p
    else:
        propose(S, r, p)
    stir(S, r)


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def set_voter(S, r, voter):
    """A member joins those who count, or leaves them."""
    replica = S.replica[r]
    group = S.group[replica.group]
    group.voters += voter - replica.voter
    replica.voter = voter
    for other in range(group.first, group.first + group.count):
        if S.replica[other].leading:
            commit_more(S, other)
            close_rounds(S, other)
            stir(S, other)


@kernel(i8, u8, i8, u8, i8, f8, i8, apart="log")
def log(address, row, key, value, unused, what):
    """The kernel's one way in: an event of a member (`row` is a note or a replica, `value` its generation), a task that
    waits (`row`), or an act of the control plane on a replica (`row`; `value` is a term, `key` a replica and one)."""
    S = state_at(address)
    if what == NOTE:
        reach_member(S, row)
        return 0
    if what in (PROPOSE, READ_INDEX):
        request(S, row, 1 if what == READ_INDEX else 0)
        return 0
    notice_death(S, row)
    if what == LEAD:
        if is_up(S, row):
            lead(S, row, value)
    elif what == FOLLOW:
        if is_up(S, row):
            follow(S, row, np.int64(key) - 1, value)
    elif what == SET_VOTER:
        set_voter(S, row, value)
    elif S.replica[row].generation != value or not is_up(S, row):
        return 0
    elif what == TURN:
        turn(S, row)
    elif what == FLUSHED:
        S.replica[row].flushing = DONE_FLUSH
        stir(S, row)
    elif what == TICK:
        tick(S, row)
    elif what == SWEEP:
        sweep(S, row)
    return 0
