"""Rows of the tables that only replicated logs use: groups, their replicas, notes between them, proposals, epochs."""

from __future__ import annotations

from sim.kernel.row_types import row

POSITION = row(
    ("epoch", "i4"),  # in which the entry was appended; -1: before the first
    ("index", "i8"),  # of the entry; 0: before the first
    ("offset", "f8"),  # bytes of the log up to its end
)
"""The end of a log, or of a part of it: by Raft's log matching property it says all that stands before it. In a row it
must begin at a multiple of eight bytes."""

EPOCH = row(
    ("term", "i8"),
    ("origin", POSITION),  # the leader's log as it was elected
)

GROUP = row(
    ("first", "i4"),  # replica row of its first
    ("count", "i4"),  # replicas
    ("voters", "i4"),  # of these
    ("heartbeat", "f8"),  # s
    ("patience", "f8"),  # s after which a member answers a request with an error
    ("committed", POSITION),  # the last entry that any leader has committed
    ("lost", "i8"),  # committed entries that a later leader did not have
)

REPLICA = row(
    ("instance", "i4"),
    ("group", "i4"),
    ("peers", "i4"),  # first row in peer: one for each replica of the group, itself included
    ("voter", "i4"),
    ("generation", "i4"),  # its present life: events of earlier ones are stale
    ("deaths", "i4"),  # of its process and host when that began
    ("leading", "i4"),
    ("leader", "i4"),  # whom it follows (replica row); -1: nobody
    ("term", "i8"),
    ("first_index", "i8"),  # of its entry without content, as a leader: nothing before it commits by itself
    ("last", POSITION),  # its log, in memory
    ("stable", POSITION),  # on its disk
    ("writing", POSITION),  # once the present flush is done
    ("flushing", "i4"),  # codes.IDLE …
    ("turning", "i4"),  # its loop is about to turn
    ("ticking", "i4"),  # its next heartbeat is scheduled
    ("sweeping", "i4"),  # it will look whether requests have waited for too long
    ("led_since", "f8"),  # s
    ("commit", POSITION),  # the last entry that it knows to be committed
    ("applied", "i8"),  # index
    ("outbox", "i4"),  # notes that leave once the present flush is done
    ("pending_head", "i4"),  # requests (proposal rows) that wait here, as they came
    ("pending_tail", "i4"),
    ("appended_head", "i4"),  # those of them that stand in a log, as they were appended
    ("appended_tail", "i4"),
    ("outgoing_head", "i4"),  # writes for the leader
    ("outgoing_tail", "i4"),
    ("reads_head", "i4"),  # reads of the next round
    ("reads_tail", "i4"),
    ("round_head", "i4"),  # of the present one
    ("round_number", "i8"),
    ("reading", "i4"),  # codes.IDLE: there is none; ASKED; CONFIRMED, waits for entries up to read_index
    ("asking", "i4"),  # its question is to be sent
    ("read_index", "i8"),
    ("context", "i8"),  # as a leader: rounds of heartbeats for reads so far
    ("draws", "i8"),
    ("key", "u8"),
)

PEER = row(
    ("match", POSITION),  # what a replica, as a leader, knows another to have on its disk
    ("next", POSITION),  # what it has been sent
    ("upto", POSITION),  # of the probe: the log when it was called for
    ("probing", "i4"),  # 1: one message at a time
    ("probed", "i4"),  # 1: that message is out, or about to be
    ("probe", "i4"),  # 1: about to be
    ("sent", "i8"),  # messages with entries, in this term
    ("seen", "i8"),  # the last of them that was answered
    ("told_commit", "i8"),
    ("force", "i4"),  # send a message for entries, even without any
    ("beat", "i4"),  # send a heartbeat
    ("heard", "i8"),  # the last round of heartbeats for reads that it answered
    ("asked", "i4"),  # codes.IDLE …: its question for the read index; POSTPONED
    ("asked_round", "i8"),
    ("asked_context", "i8"),
    ("asked_index", "i8"),
    ("answer", "i4"),  # send it the read index
    ("ack", "i4"),  # answer its entries: codes.TAKEN, REJECTED
    ("acked", POSITION),
    ("refused", "i8"),  # index that did not match
    ("ack_number", "i8"),
    ("echo", "i4"),  # answer its heartbeat
    ("echoed", "i8"),
    ("arrives", "f8"),  # s, when the last note to it does
    ("first", "i4"),  # notes on the wire to it, in order
    ("last", "i4"),
)

NOTE = row(
    ("generation", "i4"),
    ("sender", "i4"),  # replica rows
    ("receiver", "i4"),
    ("deaths", "i4"),  # of the sender when it was sent
    ("next", "i4"),  # free list; outbox
    ("behind", "i4"),  # the note that was sent after it, on the wire
    ("wired", "i4"),
    ("here", "i4"),  # has come in, and waits for those before it
    ("void", "i4"),  # has been given up
    ("term", "i8"),
    ("bytes", "f8"),
    ("sent", "f8"),  # s
    ("key", "u8"),
    ("previous", POSITION),
    ("last", POSITION),
    ("acked", POSITION),
    ("commit", POSITION),
    ("append", "i4"),  # 1: entries from `previous` (exclusive) to `last`
    ("number", "i8"),
    ("ack", "i4"),  # codes.TAKEN, REJECTED
    ("refused", "i8"),
    ("ack_number", "i8"),
    ("beat", "i4"),
    ("context", "i8"),
    ("echo", "i4"),
    ("echoed", "i8"),
    ("ask", "i4"),
    ("ask_round", "i8"),
    ("answer", "i4"),
    ("answer_round", "i8"),
    ("answer_index", "i8"),
    ("forwarded", "i4"),  # writes for the leader
)

PROPOSAL = row(
    ("replica", "i4"),  # where it waits
    ("task", "i4"),
    ("task_generation", "i4"),
    ("bytes", "f8"),
    ("started", "f8"),  # s
    ("epoch", "i4"),  # of its entry; -1: there is none
    ("index", "i8"),
    ("next", "i4"),  # reads of a round, writes on their way to the leader; free list
    ("pending_next", "i4"),
    ("pending_previous", "i4"),
    ("appended_next", "i4"),
    ("appended_previous", "i4"),
    ("listed", "i4"),  # 1: stands in a list by `next`
    ("done", "i4"),  # 1: nobody waits for it any more
)
