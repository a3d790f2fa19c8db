"""Members of a group: what they append, acknowledge and commit (Raft, Ongaro & Ousterhout; as etcd's raft does it).

Terms, leaders and votes are the control plane's: it tells each member what that member has learnt. Here are entries:
a leader sends what it has appended without waiting for answers (`next` runs ahead of `match`), until one is refused or
given up; then it probes, one message at a time. An entry is committed when a quorum has it on its disk, the leader
counted once its own flush is done, and only by a leader in whose term an entry is (section 5.4.2).
"""

from __future__ import annotations

from sim.kernel.calls import resume
from sim.kernel.codes import (
    ASKED,
    CONFIRMED,
    DATA,
    IDLE,
    NONE,
    POSTPONED,
    REJECTED,
    RUNS_FLUSH,
    SWEEP,
    TAKEN,
    TICK,
    TURN,
)
from sim.kernel.epochs import POSITION_TYPE, holds, meet, put
from sim.kernel.events import schedule
from sim.kernel.jit import b1, i8, kernel, void
from sim.kernel.notes import deaths_of, forget_proposal, free_note, mark_appended, unlist, unlist_all
from sim.kernel.tables import STATE_TYPE

INFLIGHT = 512
"""Messages with entries that may be unanswered (etcd's maxInflightMsgs)."""


@kernel(void, STATE_TYPE, i8, apart="log")
def stir(S, r):
    """Let a member's loop turn, once all that comes in at this time has come in."""
    replica = S.replica[r]
    if replica.turning == 0 and replica.flushing != RUNS_FLUSH:
        replica.turning = 1
        schedule(S, S.now, DATA, TURN, r, replica.generation)


@kernel(i8, STATE_TYPE, i8, apart="log")
def end_of_group(S, r):
    group = S.group[S.replica[r].group]
    return group.first + group.count


# Requests -----------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def finish(S, p, succeeded):
    """A request has its answer: its task goes on, if it still is there."""
    proposal = S.proposal[p]
    task = proposal.task
    if S.task[task].generation == proposal.task_generation:
        resume(S, task, succeeded)
    forget_proposal(S, p)


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def end_round(S, r, succeeded):
    """The reads of a round are answered."""
    replica = S.replica[r]
    p = replica.round_head
    replica.round_head = NONE
    replica.reading = IDLE
    while p != NONE:
        following = S.proposal[p].next
        if S.proposal[p].done == 0:
            finish(S, p, succeeded)
        unlist(S, p)
        p = following


@kernel(void, STATE_TYPE, i8, apart="log")
def apply_committed(S, r):
    """Writes that were made here, and that this member knows to be committed, are answered. Others in the list are of
    logs that this one is not a part of (any more): they wait for the end of their patience, as etcd's do."""
    replica = S.replica[r]
    replica.applied = replica.commit.index
    p = replica.appended_head
    while p != NONE:
        proposal = S.proposal[p]
        following = proposal.appended_next
        if holds(S, replica.last, proposal.epoch, proposal.index):
            if proposal.index > replica.applied:
                return
            finish(S, p, 1)
        p = following


@kernel(void, STATE_TYPE, i8, apart="log")
def sweep_later(S, r):
    """Look again when the request that has waited for the longest has waited for too long."""
    replica = S.replica[r]
    if replica.sweeping == 0 and replica.pending_head != NONE:
        replica.sweeping = 1
        due = S.proposal[replica.pending_head].started + S.group[replica.group].patience
        schedule(S, due, DATA, SWEEP, r, replica.generation)


@kernel(void, STATE_TYPE, i8, apart="log")
def sweep(S, r):
    """Requests that have waited for too long are answered with an error; what was proposed may yet be committed."""
    replica = S.replica[r]
    replica.sweeping = 0
    patience = S.group[replica.group].patience
    while replica.pending_head != NONE and S.proposal[replica.pending_head].started + patience <= S.now:
        finish(S, replica.pending_head, 0)
    p = replica.round_head
    while p != NONE and S.proposal[p].done:
        p = S.proposal[p].next
    if replica.reading == ASKED and p == NONE:
        end_round(S, r, 0)
        stir(S, r)
    sweep_later(S, r)


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def send_to_leader(S, r, p):
    """A write is to be forwarded."""
    replica = S.replica[r]
    S.proposal[p].listed = 1
    if replica.outgoing_tail == NONE:
        replica.outgoing_head = p
    else:
        S.proposal[replica.outgoing_tail].next = p
    replica.outgoing_tail = p


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def call_for(S, r, row):
    """A leader sends entries to a peer in its next turn; a probe has those that there are now."""
    peer = S.peer[row]
    if peer.probing == 0:
        peer.force = 1
    elif peer.probed == 0:
        peer.probed = 1
        peer.probe = 1
        put(peer.upto, S.replica[r].last)


@kernel(void, STATE_TYPE, i8, apart="log")
def call_for_probes(S, r):
    """What a leader has appended goes to those too whom it only probes."""
    replica = S.replica[r]
    for row in range(replica.peers, replica.peers + S.group[replica.group].count):
        if S.peer[row].probing:
            call_for(S, r, row)


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def propose(S, r, p):
    """A leader appends a write; another forwards it, or waits for a leader."""
    replica = S.replica[r]
    if replica.leading == 0:
        send_to_leader(S, r, p)
        return
    proposal = S.proposal[p]
    replica.last.index += 1
    replica.last.offset += proposal.bytes
    if proposal.done == 0:
        proposal.index = replica.last.index
        mark_appended(S, p, replica.last.epoch)
    call_for_probes(S, r)


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def take_forwarded(S, r, p):
    """Writes from another member come in, in the list that begins with `p`."""
    while p != NONE:
        proposal = S.proposal[p]
        following = proposal.next
        proposal.listed = 0
        proposal.next = NONE
        done = proposal.done
        propose(S, r, p)
        if done and S.replica[r].leading:
            unlist(S, p)
        p = following


# Commits ------------------------------------------------------------------------------------------------------------


@kernel(b1, STATE_TYPE, i8, i8, apart="log")
def has_quorum(S, r, index):
    """Do most voters have a leader's entries up to an index on their disks, as far as it knows?"""
    group = S.group[S.replica[r].group]
    having = 0
    for other in range(group.first, group.first + group.count):
        if S.replica[other].voter and S.peer[S.replica[r].peers + other - group.first].match.index >= index:
            having += 1
    return 2 * having > group.voters


@kernel(void, STATE_TYPE, i8, apart="log")
def commit_more(S, r):
    """A leader has learnt what somebody has on its disk: more may be committed."""
    replica = S.replica[r]
    group = S.group[replica.group]
    best = NONE
    for k in range(group.count):
        index = S.peer[replica.peers + k].match.index
        is_more = index > replica.commit.index and index >= replica.first_index
        if is_more and has_quorum(S, r, index):
            put(replica.commit, S.peer[replica.peers + k].match)
            best = k
    if best != NONE:
        call_for_probes(S, r)
        if replica.commit.index > group.committed.index:
            put(group.committed, replica.commit)


# Roles --------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, apart="log")
def forget_duties(S, r):
    """What a member had to answer in an earlier term, or life, is not answered."""
    replica = S.replica[r]
    for row in range(replica.peers, replica.peers + S.group[replica.group].count):
        peer = S.peer[row]
        peer.ack = 0
        peer.acked.index = 0
        peer.echo = 0
        peer.beat = 0
        peer.force = 0
        peer.probe = 0
        peer.answer = 0
        peer.asked = IDLE


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def set_leader(S, r, leader):
    """A member learns whom to follow. A round of reads that still waits for the old leader's word fails (etcd:
    ErrLeaderChanged)."""
    replica = S.replica[r]
    if replica.leader == leader:
        return
    replica.leader = leader
    if leader != NONE:
        if replica.reading == ASKED:
            end_round(S, r, 0)
        stir(S, r)


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def adopt(S, r, term):
    """A member learns of a term; it neither leads nor follows anybody in it yet."""
    replica = S.replica[r]
    if term > replica.term:
        forget_duties(S, r)
        replica.term = term
        replica.leader = NONE
        replica.leading = 0


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def forget_all(S, r, now_dead):
    """A member begins its next life with what is on its disk."""
    replica = S.replica[r]
    replica.generation += 1
    replica.deaths = now_dead
    replica.leading = 0
    replica.leader = NONE
    put(replica.last, replica.stable)
    if replica.commit.index > replica.stable.index:
        put(replica.commit, replica.stable)
    replica.applied = replica.commit.index
    replica.flushing = IDLE
    replica.turning = 0
    replica.ticking = 0
    replica.sweeping = 0
    replica.reading = IDLE
    replica.asking = 0
    forget_duties(S, r)
    while replica.outbox != NONE:
        n = replica.outbox
        replica.outbox = S.note[n].next
        unlist_all(S, S.note[n].forwarded)
        free_note(S, n)
    while replica.pending_head != NONE:
        forget_proposal(S, replica.pending_head)
    unlist_all(S, replica.outgoing_head)
    unlist_all(S, replica.reads_head)
    unlist_all(S, replica.round_head)
    replica.outgoing_head = NONE
    replica.outgoing_tail = NONE
    replica.reads_head = NONE
    replica.reads_tail = NONE
    replica.round_head = NONE


@kernel(void, STATE_TYPE, i8, apart="log")
def notice_death(S, r):
    """Let a member that has died meanwhile begin anew."""
    now_dead = deaths_of(S, r)
    if S.replica[r].deaths != now_dead:
        forget_all(S, r, now_dead)


@kernel(void, STATE_TYPE, i8, apart="log")
def tick_later(S, r):
    """A leader's next heartbeat, at its start + k periods."""
    replica = S.replica[r]
    if replica.ticking == 0:
        replica.ticking = 1
        period = S.group[replica.group].heartbeat
        turns = int((S.now - replica.led_since) / period) + 1
        due = replica.led_since + turns * period
        if due <= S.now:
            due += period
        schedule(S, due, DATA, TICK, r, replica.generation)


@kernel(b1, STATE_TYPE, POSITION_TYPE, POSITION_TYPE, apart="log")
def is_ahead(S, a, b):
    """Is the log that ends at `a` more up-to-date than the one that ends at `b` (section 5.4.1)?"""
    term_a = S.epoch[a.epoch].term if a.epoch != NONE else 0
    term_b = S.epoch[b.epoch].term if b.epoch != NONE else 0
    return term_a > term_b or (term_a == term_b and a.index > b.index)


@kernel(void, STATE_TYPE, i8, apart="log")
def take_best_log(S, r):
    """A new leader has the most up-to-date of the logs on the disks of those who are in its term, and so take nothing
    of earlier leaders any more: most members are, or it had not been elected. As in Viewstamped Replication (Liskov &
    Cowling 2012, section 4.2), for elections compare the control plane's logs, and not these."""
    replica = S.replica[r]
    for other in range(S.group[replica.group].first, end_of_group(S, r)):
        if S.replica[other].term == replica.term and is_ahead(S, S.replica[other].stable, replica.last):
            put(replica.last, S.replica[other].stable)
    if not holds(S, replica.last, replica.stable.epoch, replica.stable.index):
        meet(S, replica.stable, replica.stable, replica.last)


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def lead(S, r, term):
    """A member has been elected: it appends an entry without content, and finds out what the others have."""
    replica = S.replica[r]
    if term < replica.term or replica.leading:
        return
    adopt(S, r, term)
    group = S.group[replica.group]
    take_best_log(S, r)
    if not holds(S, replica.last, group.committed.epoch, group.committed.index):
        group.lost += group.committed.index
        meet(S, group.committed, group.committed, replica.last)
        group.lost -= group.committed.index
    for row in range(replica.peers, replica.peers + group.count):
        peer = S.peer[row]
        peer.match.epoch = NONE
        peer.match.index = 0
        peer.match.offset = 0.0
        put(peer.next, replica.last)
        peer.probing = 1
        peer.probed = 0
        peer.sent = 0
        peer.seen = 0
        peer.told_commit = 0
        peer.heard = 0
    epoch = S.epochs
    S.epochs += 1
    S.epoch[epoch].term = term
    put(S.epoch[epoch].origin, replica.last)
    replica.last.epoch = epoch
    replica.last.index += 1
    replica.first_index = replica.last.index
    call_for_probes(S, r)
    put(S.peer[replica.peers + r - group.first].match, replica.stable)
    replica.leading = 1
    replica.led_since = S.now
    replica.context = 0
    set_leader(S, r, r)
    p = replica.outgoing_head
    replica.outgoing_head = NONE
    replica.outgoing_tail = NONE
    take_forwarded(S, r, p)
    stir(S, r)


@kernel(void, STATE_TYPE, i8, i8, i8, apart="log")
def follow(S, r, leader, term):
    """A member is told of a term, and whom it follows in it (-1: nobody)."""
    replica = S.replica[r]
    if term < replica.term:
        return
    adopt(S, r, term)
    if leader == NONE or leader != replica.leader:
        if replica.leading:
            replica.leading = 0
            forget_duties(S, r)
        set_leader(S, r, leader)


# Entries ------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, i8, apart="log")
def take_entries(S, r, n, row):
    """A follower gets entries: it takes them if its log has the one before; `row` is what it knows of the leader."""
    replica, note, peer = S.replica[r], S.note[n], S.peer[row]
    peer.ack_number = note.number
    if note.previous.index < replica.commit.index:
        if peer.ack != TAKEN or replica.commit.index > peer.acked.index:
            put(peer.acked, replica.commit)
        peer.ack = TAKEN
        return
    if not holds(S, replica.last, note.previous.epoch, note.previous.index):
        peer.ack = REJECTED
        peer.refused = note.previous.index
        put(peer.acked, replica.last)
        return
    if not holds(S, replica.last, note.last.epoch, note.last.index):
        put(replica.last, note.last)
        if not holds(S, replica.last, replica.stable.epoch, replica.stable.index):
            meet(S, replica.stable, replica.stable, replica.last)
    if min(note.commit.index, note.last.index) > replica.commit.index:
        if note.commit.index <= note.last.index:
            put(replica.commit, note.commit)
        else:
            put(replica.commit, note.last)
    if peer.ack != TAKEN or note.last.index > peer.acked.index:
        put(peer.acked, note.last)
    peer.ack = TAKEN


@kernel(b1, STATE_TYPE, i8, apart="log")
def may_send(S, row):
    """May a leader send more entries to a peer?"""
    peer = S.peer[row]
    return peer.probing == 0 and peer.sent - peer.seen < INFLIGHT


@kernel(void, STATE_TYPE, i8, i8, i8, apart="log")
def take_acceptance(S, r, n, row):
    """A leader learns what a peer has on its disk. One to whom nothing could be sent may lack word of a commit."""
    replica, note, peer = S.replica[r], S.note[n], S.peer[row]
    was_held_up, known = not may_send(S, row), replica.commit.index
    is_news = note.acked.index > peer.match.index
    if is_news:
        put(peer.match, note.acked)
        peer.probed = 0
    logs_met = peer.probing and note.acked.index == peer.match.index
    if not (is_news or logs_met):
        return
    if logs_met:
        peer.probing = 0
        peer.probe = 0
        put(peer.next, peer.match)
    elif peer.next.index < peer.match.index:
        put(peer.next, peer.match)
    commit_more(S, r)
    if was_held_up and replica.commit.index == known:
        call_for(S, r, row)


@kernel(void, STATE_TYPE, i8, i8, i8, apart="log")
def take_answer(S, r, n, row):
    """A leader learns that entries were taken, or were not."""
    replica, note, peer = S.replica[r], S.note[n], S.peer[row]
    if note.ack == TAKEN:
        take_acceptance(S, r, n, row)
    elif peer.probing:
        if note.refused == peer.next.index:
            meet(S, peer.next, replica.last, note.acked)
            peer.probed = 0
            call_for(S, r, row)
    elif note.refused > peer.match.index:
        put(peer.next, peer.match)
        peer.probing = 1
        peer.probed = 0
        call_for(S, r, row)
    peer.seen = max(peer.seen, note.ack_number)


@kernel(void, STATE_TYPE, i8, apart="log")
def free_one(S, row):
    """An answered heartbeat lets one more message out, where none may leave."""
    peer = S.peer[row]
    peer.probed = 0
    if peer.sent - peer.seen >= INFLIGHT:
        peer.seen += 1


# What reads need of a leader ----------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, apart="log")
def open_round(S, r, row):
    """A leader begins to make sure, for the reads of a member (`row`: what it knows of it), that it still leads; once
    an entry of its term is committed, so that it knows what is (thesis, section 6.4)."""
    replica, peer = S.replica[r], S.peer[row]
    if replica.commit.index < replica.first_index:
        peer.asked = POSTPONED
        return
    replica.context += 1
    peer.asked = ASKED
    peer.asked_context = replica.context
    peer.asked_index = replica.commit.index
    for other in range(replica.peers, replica.peers + S.group[replica.group].count):
        S.peer[other].beat = 1


@kernel(void, STATE_TYPE, i8, apart="log")
def close_rounds(S, r):
    """A leader's commit, or an answered heartbeat, may let it answer."""
    replica = S.replica[r]
    group = S.group[replica.group]
    own = replica.peers + r - group.first
    for row in range(replica.peers, replica.peers + group.count):
        peer = S.peer[row]
        if peer.asked == POSTPONED:
            open_round(S, r, row)
        if peer.asked != ASKED:
            continue
        answered = 0
        for k in range(group.count):
            is_heard = replica.peers + k == own or S.peer[replica.peers + k].heard >= peer.asked_context
            if is_heard and S.replica[group.first + k].voter:
                answered += 1
        if 2 * answered <= group.voters:
            continue
        peer.asked = IDLE
        if row == own:
            replica.read_index = peer.asked_index
            replica.reading = CONFIRMED
        else:
            peer.answer = 1
        stir(S, r)
