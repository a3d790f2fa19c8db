"""Named constants of the kernel: outcomes, states, events, models, status codes."""

from __future__ import annotations

NONE = -1

OK, ERROR, TIMEOUT, REFUSED, RESET, SHED, UNAVAILABLE, TOO_DEEP, CANCELLED, KILLED, LOST = range(11)
OUTCOMES = (
    "ok",
    "error",
    "timeout",
    "refused",
    "reset",
    "shed",
    "unavailable",
    "too_deep",
    "cancelled",
    "killed",
    "lost",
)
"""Names by code. `killed` (died in a crash) and `lost` (met a dead host) are seen by the server's accounts only."""

ALL, COHORT = range(2)
"""Whom a counter counts."""

FREE, FLYING, QUEUED, READY, ON_CPU, CPU_WAIT, IN_IO, IN_CALL, IN_JOIN, IN_BEHAVIOUR, REPLYING, SILENT, DIALLING = (
    range(13)
)
"""States of a task row: unused; its request is on the wire; waits for a worker; about to run its next step; burst runs;
burst waits for the event loop; waits for time, or for its errand; for a call; for its branches; for the user's
generator; its answer is on the wire; nothing will ever be answered (lost or killed on a dead host), the caller has not
given up yet; its request waits for a connection."""

THREADS, EVENT_LOOP, GOROUTINES = range(3)

IDEAL, UDP, TCP = range(3)
"""Transports."""

REQUEST, RESPONSE, CANCELLATION, RESETTING, PROBE, PROBED, SYN, SYN_ACK, LOOKUP, LETTER = range(10)
"""What a packet is (part of): a task's messages; a reset; a keep-alive probe and its answer; the two ways of a
handshake, and the question for the server's address that goes before it; a note between members of a group."""

GONE = -2
"""In place of an attempt's connection: it had one."""

CLOSED, OPENING, OPEN, CLOSING = range(4)
"""States of a connection: unused row; shakes hands; may be used; its client has left it, packets are still about."""

DATA, LATE = 0, 1
"""Classes of equal-time events in the kernel: deliveries and the rest, then timeouts. (Control comes first by itself:
the kernel stops before the control plane's time.)"""

ARRIVE, THINK, DELIVER, REPLY, STEP, RETRY, EXPIRE, CANCEL, OVERDUE = range(9)
SEVERED, HOP, ACKED, RESEND, GIVE_UP, KEEP_ALIVE = range(9, 15)
NOTE, TURN, TICK, SWEEP = range(15, 19)
"""Event kinds: a source's next arrival; a closed user's next request; a request message, a response message, a cancel
message reach their end; a task runs on; a call starts its next attempt; the head of a timer list is due; a call's
timeout strikes that had to wait for the end of a pause; the connection of a call's attempt is gone. Of the wire
(`sim.kernel.wire`), from HOP on: a packet reaches the end of a link; its acknowledgement reaches its sender; a lost one
is sent again; a dial has taken too long; it is time to see whether a connection's other end lives. Of groups
(`sim.kernel.log`), from NOTE on: a note reaches its member; a member's loop turns; a leader's heartbeat is due;
requests may have waited for too long."""

SEND_REQUEST, SEND_RESPONSE, SEND_CANCEL, LET_GO, TRANSMITTED, SEND_NOTE = range(32, 38)
"""What else the wire is asked for: to carry a message; to let an attempt's connection go; a link has sent a packet; to
carry a note."""

PROPOSE, READ_INDEX, FLUSHED, LEAD, FOLLOW, SET_VOTER = range(32, 38)
"""What else a group is asked for: to have a task's write committed; to let a task read what is committed; a member's
flush is done; a member has been elected, has learnt whom it follows, counts or does not."""

IDLE, RUNS_FLUSH, DONE_FLUSH = range(3)
ASKED, CONFIRMED, POSTPONED = range(1, 4)
"""A member's flush: none, runs, done. Its round of reads: none (IDLE), asks the leader, knows what it has to wait for;
at the leader: asked for, or not yet since nothing of its term is committed."""

TAKEN, REJECTED = 1, 2
"""Answers to entries."""

UNTIMED, TIMED, STRUCK = range(3)
"""An attempt has no timeout (any more); stands in a timer list; its timeout waits for the end of its caller's pause."""

DUE, DONE, OUTBOX, SPOOL, FULL, SLICE, LIMIT, BROKEN = range(8)
"""Why the kernel returned: the time asked for is reached; every cohort request has ended; signals for the control
plane; the record buffer is full; a table is nearly full; the event budget is used up; too many requests in flight; a
policy picked an endpoint that does not exist."""

SIGNAL_START, SIGNAL_DONE, SIGNAL_GONE, SIGNAL_FULL, SIGNAL_ENDED = range(5)
"""Signals: a behaviour's task starts; an operation that it asked for ended; the task died; memory is full (of an
instance, not of a task: the one that has to die for it); what the control plane began (a probe, a write to a disk) has
ended."""

FAILED_PC, OK_PC, ERRAND_PC, PACKET_PC, REPORT_PC, LOG_PC = range(6)
"""Program rows that end a handler (or a branch) with error and with ok; that end an errand; that hand on a packet which
its link has sent; that tell the control plane of its own errand's end; that end a flush of a member of a group."""

BODY = 2
"""What the end row of a body of steps that the control plane had run says instead of 1, well."""

LOOP_DEPTH = 4
"""Nested `repeat`s that a task row can count."""

PENDING = 16
"""Histogram counts that wait for their bin to reach the cache."""
