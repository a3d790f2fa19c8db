"""The kernel's whole state: one nested record of tables at fixed capacities.

Each field is declared once, here, in `wire_tables.py` or in `log_tables.py`, with unit and meaning. Row numbers refer
to rows of the table named; -1 is none. Untouched pages cost nothing: the record is about 1.6 GB of address space and a
few MB of memory.
Tables that would overflow stop the kernel before the event that needs the room (status FULL), never in its middle.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.distributions import DISTRIBUTION
from sim.kernel.codes import LOOP_DEPTH, OUTCOMES, PENDING
from sim.kernel.log_tables import EPOCH, GROUP, NOTE, PEER, PROPOSAL, REPLICA
from sim.kernel.row_types import keyed_row, row
from sim.kernel.wire_tables import CONNECTION, IMPAIRMENT, LINK, PACKET, POOL, TRANSPORT
from sim.traffic import ARRIVAL

CAPACITY = {
    "task": 1 << 20,
    "call": 1 << 20,
    "heap": 1 << 22,
    "ready": 1 << 21,
    "held": 1 << 21,
    "user": 1 << 20,
    "step": 1 << 16,
    "branch": 1 << 16,
    "edge": 1 << 16,
    "timer": 1 << 12,
    "source": 1 << 12,
    "distribution": 1 << 16,
    "service": 1 << 14,
    "instance": 1 << 17,
    "node": 1 << 17,
    "channel": 1 << 20,
    "listing": 1 << 16,
    "member": 1 << 22,
    "policy": 1 << 10,
    "latency": 1 << 16,
    "stat": 1 << 18,
    "arena": 1 << 25,
    "outbox": 1 << 20,
    "spool": 1 << 14,
    "link": 1 << 16,
    "route": 1 << 24,
    "impairment": 1 << 6,
    "transport": 1 << 10,
    "pool": 1 << 20,
    "connection": 1 << 20,
    "packet": 1 << 20,
    "group": 1 << 10,
    "replica": 1 << 14,
    "peer": 1 << 16,
    "note": 1 << 18,
    "proposal": 1 << 20,
    "epoch": 1 << 16,
}


OUTCOME_COUNT = len(OUTCOMES)
PLACES = CAPACITY["node"] + CAPACITY["source"]
"""Where messages start and end: nodes, then sources."""

TASK = row(
    ("generation", "i4"),  # counts the uses of this row: events of an earlier use are stale
    ("state", "i4"),  # codes.FREE …
    ("call", "i4"),  # call whose current attempt this is; -1: nobody waits (abandoned), or a branch
    ("edge", "i4"),  # edge of the attempt, kept after abandonment; -1 for a branch and for an errand
    ("instance", "i4"),  # where it runs
    ("client_instance", "i4"),  # who sent it; -1: a source
    ("stat", "i4"),  # server-side stat row (instance × endpoint)
    ("pc", "i4"),  # program row of the step that it runs or waits in
    ("awaits", "i4"),  # call that it waits for
    ("next", "i4"),  # free list; worker queue; loop queue; siblings in the pairing heap; cancel worklist
    ("previous", "i4"),  # the same, backwards (pairing heap: parent of a first child)
    ("child", "i4"),  # pairing heap: first child
    ("timer_next", "i4"),  # timer list of the attempt
    ("timer_previous", "i4"),
    ("timed", "i4"),  # codes.UNTIMED …
    ("parent", "i4"),  # a branch's parent task; -1: a handler's root, or orphaned
    ("first_branch", "i4"),  # a parent's running branches, linked by sibling_*
    ("sibling_next", "i4"),
    ("sibling_previous", "i4"),
    ("resident_next", "i4"),  # tasks and branches at the instance, in order of admission
    ("resident_previous", "i4"),
    ("join_open", "i4"),  # branches of the parallel that it waits in, still running
    ("join_needed", "i4"),  # successes still needed
    ("holds_worker", "i4"),
    ("depth", "i4"),  # 1 for a request's first task
    ("measured", "i4"),  # 1: belongs to the cohort
    ("result", "i4"),  # outcome that travels in its response
    ("operation", "i4"),  # behaviours: number of the operation that this branch carries out
    ("carries", "i4"),  # errands: the task whose errand it is; a link's: the packet; a log's: the replica
    ("carries_generation", "i4"),  # its generation when the errand set out
    ("source", "i4"),  # class of the request
    ("turn", "i4", (LOOP_DEPTH,)),  # turns left of the nested repeats
    ("index", "i8"),  # the request's number in its source
    ("visit", "u8"),  # loop turns taken so far
    ("fresh", "u8"),  # draw key, new for each attempt
    ("kept", "u8"),  # draw key, equal in all attempts
    ("burst_order", "i8"),  # ties in the pairing heap
    ("finish", "f8"),  # virtual time at which its burst ends; before that the burst's work, core-s
    ("arrived", "f8"),  # s, at the instance
    ("deadline", "f8"),  # s, of the attempt
    ("expiry", "i8"),  # order word of the deadline, as it was set
    ("connection", "i4"),  # that an attempt is bound to; -1
    ("stream_next", "i4"),  # attempts bound to one connection
    ("stream_previous", "i4"),
    ("recalled", "i4"),  # its cancel message came before its request did
)

CALL = row(
    ("generation", "i4"),
    ("task", "i4"),  # who waits; -1: the source, or the control plane
    ("client", "i4"),  # instance that sends it; -1: a source
    ("probe", "i4"),  # number by which the control plane waits for it; -1
    ("attempt_task", "i4"),  # the current attempt's task row; -1 during a back-off
    ("edge", "i4"),
    ("channel", "i4"),  # the client's balancer state towards the callee
    ("endpoint", "i4"),  # instance picked, by ordinal in the service
    ("attempt", "i4"),  # 0, 1, …
    ("source", "i4"),
    ("user", "i4"),  # closed traffic: whose request; -1
    ("measured", "i4"),
    ("depth", "i4"),  # of the tasks that it makes
    ("next", "i4"),  # free list
    ("index", "i8"),
    ("fresh", "u8"),
    ("kept", "u8"),
    ("started", "f8"),  # s; a request's intended time
    ("attempt_started", "f8"),
)

EVENT = keyed_row(
    ("slot", "i4"),
    ("generation", "i4"),
)

INSTANCE = row(
    ("service", "i4"),  # -1: no process of the model, but a disk, or a neighbour that only asks for cores
    ("node", "i4"),
    ("node_next", "i4"),  # next instance on the node
    ("model", "i4"),  # codes.THREADS …
    ("workers", "i4"),
    ("queue_bound", "i4"),  # waiting requests at most; -1: unbounded
    ("down", "i4"),  # crash faults in force on the process
    ("zone", "i4"),
    ("channels", "i4"),  # first channel row as a client
    ("stats", "i4"),  # stat row of its service's first endpoint
    ("top", "i4"),  # pairing heap of running bursts
    ("running", "i4"),  # bursts in it
    ("first_resident", "i4"),  # tasks and branches present, in order of admission
    ("last_resident", "i4"),
    ("queue_head", "i4"),
    ("queue_tail", "i4"),
    ("queue_length", "i4"),
    ("busy_workers", "i4"),
    ("in_system", "i4"),  # tasks present
    ("weighed", "i4"),  # 1: its memory or its node's is limited
    ("cores", "f8"),  # cap now: 0 while it is paused
    ("share", "f8"),  # cores that it has now
    ("rate", "f8"),  # core-s per s of each running burst
    ("clock", "f8"),  # virtual time: core-s that each burst running since 0 would have got
    ("settled", "f8"),  # s, when clock and areas were brought up to date
    ("in_system_area", "f8"),  # task-s
    ("queue_area", "f8"),  # task-s
    ("busy_area", "f8"),  # core-s given
    ("own_cores", "f8"),  # cap while it is not paused
    ("speed", "f8"),  # core-s per s of a core that it has: its node's speed times its own
    ("own_speed", "f8"),
    ("drift", "i4"),  # number of its clock's drift among the model's; 0: none
    ("stretch", "f8"),  # s that a second of its clock takes
    ("memory_limit", "f8"),  # bytes; inf
    ("memory_base", "f8"),  # bytes of the process when it has nothing to do
    ("memory_task", "f8"),  # bytes that each task present holds
    ("memory_filled", "f8"),  # bytes that something else in the process holds
    ("paused", "i4"),  # pauses in force on the process
    ("deaths", "i4"),  # of the process while its host lived, so far
    ("silent_deaths", "i4"),  # with its host
)

NODE = row(
    ("first_instance", "i4"),
    ("down", "i4"),  # crash faults in force
    ("paused", "i4"),  # pauses in force
    ("zone", "i4"),
    ("tight", "i4"),  # 1: its instances ask for more than its cores
    ("cores", "f8"),
    ("speed", "f8"),
    ("demand", "f8"),  # cores that its instances ask for
    ("disk", "i4"),  # instance row of its disk; -1
    ("disk_access", "i4"),  # distribution of an access; -1: takes no time
    ("disk_fsync", "i4"),  # distribution of a flush
    ("disk_byte", "f8"),  # s per byte
    ("memory", "f8"),  # bytes; inf
    ("memory_filled", "f8"),  # bytes that no instance holds
)

ARMED = keyed_row(("instance", "i4"))

HELD = row(("kind", "i4"), ("slot", "i4"), ("generation", "i4"))

STEP = row(
    ("kind", "i4"),  # CODE of the step's file
    ("a", "i4"),  # a–d: as the step's file says
    ("b", "i4"),
    ("c", "i4"),
    ("d", "i4"),
    ("optional", "i4"),
    ("kept", "i4"),  # 1: draws with the request's key (draw: request)
    ("distribution", "i4"),
    ("salt", "u8"),
    ("x", "f8"),
)

BRANCH = row(("pc", "i4"), ("cumulative", "f8"))

EDGE = row(
    ("service", "i4"),  # callee
    ("endpoint", "i4"),  # callee's endpoint, ordinal in the service
    ("entry", "i4"),  # program row of that endpoint
    ("channel", "i4"),  # ordinal among the client's channels
    ("timer", "i4"),  # timer list, of clients whose clock drifts so many further; -1: no timeout
    ("stat", "i4"),
    ("other_bins", "i4"),  # histogram row for ok requests outside the cohort (roots only); -1
    ("attempts", "i4"),  # tries at most
    ("request_bytes", "f8"),
    ("response_bytes", "f8"),
    ("jitter", "i4"),  # 0 none, 1 full, 2 equal
    ("retried", "i8"),  # bit per outcome
    ("timeout", "f8"),  # s
    ("backoff", "f8"),  # s, first
    ("backoff_factor", "f8"),
    ("backoff_max", "f8"),  # s
    ("slo", "f8"),  # s; latency up to which an ok request is good
    ("started", "i8"),  # attempts
    ("attempt", "i8", (OUTCOME_COUNT,)),  # attempts ended, by outcome
)

TIMER = row(("head", "i4"), ("tail", "i4"), ("armed", "i4"))

SOURCE = row(
    ("zone", "i4"),  # -1: at the door
    ("channels", "i4"),
    ("targets", "i4"),  # first row in branch (pc = edge)
    ("target_count", "i4"),
    ("scripted", "i4"),  # trace with endpoints: where in the data each request's target number stands; -1
    ("users", "i4"),  # closed: number of users; 0: open
    ("first_user", "i4"),
    ("key", "u8"),
    ("issued", "i8"),  # requests so far
    ("arrival", ARRIVAL),
)

USER = row(("source", "i4"), ("cycle", "i4"))

SERVICE = row(
    ("unresolved", "i4"),  # faults in force that let nobody find out its address
    ("first_instance", "i4"),
    ("instance_count", "i4"),
    ("channel_count", "i4"),  # channels of each of its instances as a client
    ("group", "i4"),  # row, where its instances are the members of one; -1
)

CHANNEL = row(
    ("policy", "i4"),
    ("service", "i4"),
    ("listing", "i4"),  # its client's view of the service
    ("client", "i4"),  # arena word of the policy's client record; 0: not allocated yet
    ("servers", "i4"),  # arena word of its server records
    ("template", "i4"),  # arena word of the initial image of both
    ("client_words", "i4"),
    ("words", "i4"),  # of the image
    ("transport", "i4"),
    ("pools", "i4"),  # first pool row; one a server
)

POLICY = row(("pick", "u8"), ("on_send", "u8"), ("on_response", "u8"), ("on_view_change", "u8"))

LISTING = row(("start", "i4"), ("count", "i4"))

STAT = row(
    ("offered", "i8", (2,)),  # all, and of the cohort; so everywhere here
    ("good", "i8", (2,)),
    ("flow_total", "f8"),  # s, all ok latencies
    ("shift", "f8"),  # first ok latency of the cohort: sums are of differences to it (no cancellation)
    ("total", "f8"),  # s, cohort, ok
    ("square_total", "f8"),  # s²
    ("outcome", "i8", (OUTCOME_COUNT, 2)),
    ("minimum", "f8"),
    ("maximum", "f8"),
)

SIGNAL = row(("kind", "i4"), ("task", "i4"), ("generation", "i4"), ("operation", "i4"), ("outcome", "i4"))

RECORD = row(
    ("index", "i8"),
    ("intended_s", "f8"),
    ("latency_s", "f8"),
    ("source", "i4"),
    ("edge", "i4"),
    ("outcome", "i4"),
    ("attempts", "i4"),
    ("instance", "i4"),  # of the last attempt; -1
)

STATE_FIELDS = (
    ("now", "f8"),  # s
    ("sequence", "i8"),
    ("cohort_start", "f8"),  # s
    ("cohort_end", "f8"),  # s
    ("cohort_open", "i8"),  # cohort requests in flight
    ("in_flight", "i8"),  # requests in flight
    ("in_flight_limit", "i8"),
    ("draining", "i8"),  # 1: return DONE once cohort_open is 0
    ("depth_limit", "i8"),
    ("reserve", "i8"),  # rows that one event may need
    ("events", "i8"),  # handled so far
    ("record_share", "f8"),  # 0 none … 1 all
    ("drifts", "i8"),  # 1: some clock drifts
    ("same_node", "i8"),  # distribution of a message within a node; -1: as the zones say
    ("zones", "i8"),
    ("tasks", "i8"),  # rows ever used
    ("tasks_used", "i8"),
    ("task_free", "i8"),  # head of the free list
    ("calls", "i8"),
    ("calls_used", "i8"),
    ("call_free", "i8"),
    ("heap_length", "i8"),
    ("ready_head", "i8"),
    ("ready_length", "i8"),
    ("armed_length", "i8"),
    ("paused", "i8"),  # pauses in force
    ("held_length", "i8"),
    ("outbox_length", "i8"),
    ("spool_length", "i8"),
    ("arena_used", "i8"),
    ("wire", "u8"),  # address of `sim.kernel.wire.wire`; 0: messages take their latency and nothing else
    ("sites", "i8"),
    ("impairments", "i8"),  # rows in use, and below the highest in use
    ("packets", "i8"),
    ("packets_used", "i8"),
    ("packet_free", "i8"),
    ("connections", "i8"),
    ("connections_used", "i8"),
    ("connection_free", "i8"),
    ("nodes", "i8"),  # of the model
    ("node_rows", "i8"),  # used; beyond the model's: of what no service runs on, such as disks
    ("instances", "i8"),  # of the model, then disks and links: what is measured
    ("instance_rows", "i8"),  # used; beyond: neighbours
    ("channel_words", "i8"),  # of the largest balancer image
    ("data_address", "u8"),  # of the array that hooks.data_of gives
    ("data_length", "i8"),
    ("bins_address", "u8"),  # of hooks.bins_of's
    ("bins_length", "i8"),
    ("pending", "i8", (PENDING,)),  # bins that are still to be counted
    ("pending_next", "i8"),
    ("unchecked", "i8"),  # events that may pass before the kernel must look around; 0: before the next one
    ("bad_policy", "i8"),  # row + 1 of a policy that picked an endpoint that does not exist
    ("bad_pick", "i8"),
    ("log", "u8"),  # address of `sim.kernel.log.log`; 0: there are no groups
    ("notes", "i8"),
    ("notes_used", "i8"),
    ("note_free", "i8"),
    ("proposals", "i8"),
    ("proposals_used", "i8"),
    ("proposal_free", "i8"),
    ("epochs", "i8"),
)

STATE = np.dtype(
    (
        np.record,
        np.dtype(
            [
                *STATE_FIELDS,
                ("task", TASK, (CAPACITY["task"],)),
                ("call", CALL, (CAPACITY["call"],)),
                ("heap", EVENT, (CAPACITY["heap"],)),
                ("ready", EVENT, (CAPACITY["ready"],)),
                ("held", HELD, (CAPACITY["held"],)),  # events that paused processes have still to see, in order
                ("armed", ARMED, (CAPACITY["instance"],)),
                ("user", USER, (CAPACITY["user"],)),
                ("step", STEP, (CAPACITY["step"],)),
                ("branch", BRANCH, (CAPACITY["branch"],)),
                ("edge", EDGE, (CAPACITY["edge"],)),
                ("timer", TIMER, (CAPACITY["timer"],)),
                ("source", SOURCE, (CAPACITY["source"],)),
                ("distribution", DISTRIBUTION, (CAPACITY["distribution"],)),
                ("service", SERVICE, (CAPACITY["service"],)),
                ("instance", INSTANCE, (CAPACITY["instance"],)),
                ("position", "i4", (CAPACITY["instance"],)),  # of each instance in `armed`; -1: not armed
                ("node", NODE, (CAPACITY["node"],)),
                ("channel", CHANNEL, (CAPACITY["channel"],)),
                ("listing", LISTING, (CAPACITY["listing"],)),
                ("member", "i4", (CAPACITY["member"],)),  # listings' endpoints, ordinals in the service
                ("policy", POLICY, (CAPACITY["policy"],)),
                ("latency", "i4", (CAPACITY["latency"],)),  # distribution by zone × zone; -1 none
                ("stat", STAT, (CAPACITY["stat"],)),
                ("arena", "i8", (CAPACITY["arena"],)),  # balancers' records
                ("outbox", SIGNAL, (CAPACITY["outbox"],)),
                ("spool", RECORD, (CAPACITY["spool"],)),
                ("link", LINK, (CAPACITY["link"],)),
                ("route", "i4", (CAPACITY["route"],)),  # next link by site × site; -1: at once, -2: no way
                ("impairment", IMPAIRMENT, (CAPACITY["impairment"],)),
                ("side", "u1", (CAPACITY["impairment"], PLACES)),  # of each place: 1 sends, 2 receives through it
                ("transport", TRANSPORT, (CAPACITY["transport"],)),
                ("pool", POOL, (CAPACITY["pool"],)),
                ("connection", CONNECTION, (CAPACITY["connection"],)),
                ("packet", PACKET, (CAPACITY["packet"],)),
                ("group", GROUP, (CAPACITY["group"],)),
                ("replica", REPLICA, (CAPACITY["replica"],)),
                ("peer", PEER, (CAPACITY["peer"],)),
                ("note", NOTE, (CAPACITY["note"],)),
                ("proposal", PROPOSAL, (CAPACITY["proposal"],)),
                ("epoch", EPOCH, (CAPACITY["epoch"],)),
            ],
            align=True,
        ),
    )
)

STATE_TYPE = numba.from_dtype(STATE)


def new_state() -> np.record:
    """An empty state; pages are taken as they are touched."""
    state: np.record = np.zeros(1, STATE)[0]
    for head in ("task_free", "call_free", "packet_free", "connection_free", "note_free", "proposal_free"):
        state[head] = -1
    return state
