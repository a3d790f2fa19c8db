"""What must hold in the kernel's tables between any two events, whatever the scenario.

Written against docs/semantics.md and the field comments of sim/kernel/tables.py, not against the functions that keep
them so. `broken` reads the tables and changes nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from sim.engine.lowered import Lowered
from sim.kernel.codes import (
    ARRIVE,
    DELIVER,
    EXPIRE,
    FLYING,
    IN_BEHAVIOUR,
    IN_CALL,
    IN_IO,
    IN_JOIN,
    NONE,
    OVERDUE,
    READY,
    REPLY,
    REPLYING,
    RETRY,
    STEP,
    STRUCK,
    THINK,
)
from sim.kernel.events import KIND_MASK
from sim.kernel.tables import CAPACITY
from tests.swarm import instances, wires
from tests.swarm.snapshot import RESIDENT, Snapshot, chain, doubly_linked

EVENT_OF_STATE = {FLYING: DELIVER, REPLYING: REPLY, READY: STEP, IN_IO: STEP}
"""The one event that a row in this state waits for; the other states wait for another row."""
COUNTING_POLICIES = ("least_outstanding", "power_of_two")


# Rows ----------------------------------------------------------------------------------------------------------------


def free_lists(t: Snapshot) -> Iterator[str]:
    """Every row ever used is either in use or in the free list, once."""
    free = chain(t.task.next, t.number("task_free"), t.task.count)
    is_free = {row for row in range(t.task.count) if not t.used[row]}
    if len(free) != len(set(free)) or set(free) != is_free:
        yield f"task free list: holds {sorted(free)}, free are {sorted(is_free)}"
    if t.number("tasks_used") != t.task.count - len(is_free):
        yield f"tasks_used: {t.number('tasks_used')}, in use are {t.task.count - len(is_free)}"
    walked = chain(t.call.next, t.number("call_free"), t.call.count)
    if len(walked) != len(set(walked)):
        yield "call free list: a circle"
    if t.number("calls_used") != t.call.count - len(t.free_calls):
        yield f"calls_used: {t.number('calls_used')}, not in the free list are {t.call.count - len(t.free_calls)}"


def untouched_rows(t: Snapshot) -> Iterator[str]:
    """Row -1 (which wraps around to a table's last) and the row behind those in use hold nothing."""
    behind = {name: getattr(t, name).count for name in ("task", "call", "packet", "connection", "pool")}
    named = ("instance", "node", "edge", "timer", "source", "service", "channel", "stat", "step", "link", "transport")
    for name in (*behind, *named):
        for row in {CAPACITY[name] - 1, behind.get(name, CAPACITY[name] - 1)}:
            if any(np.asarray(t.state[name][row : row + 1]).tobytes()):
                yield f"{name} row {row}: was written to, and belongs to nobody"


def links_of_calls(t: Snapshot) -> Iterator[str]:
    """A call and its attempt's task name each other; so do a call and the task that waits for it."""
    for row in t.task.where(lambda row: t.used[row]):
        call = t.task.call[row]
        if call != NONE and not (t.is_call(call) and t.call.attempt_task[call] == row):
            yield f"task {row}: belongs to call {call}, which does not know it"
        if call != NONE and not t.is_root(row):
            yield f"task {row}: a branch that belongs to call {call}"
        if t.task.state[row] == IN_CALL:
            awaits = t.task.awaits[row]
            if not (t.is_call(awaits) and t.call.task[awaits] == row):
                yield f"task {row}: waits for call {awaits}, which does not know it"
    for row in t.call.where(t.is_call):
        task, caller = t.call.attempt_task[row], t.call.task[row]
        if task != NONE and not (t.is_task(task) and t.task.call[task] == row):
            yield f"call {row}: its attempt is task {task}, which does not know it"
        if caller != NONE and not (
            t.is_task(caller) and t.task.state[caller] == IN_CALL and t.task.awaits[caller] == row
        ):
            yield f"call {row}: made by task {caller}, which does not wait for it"


def branches(t: Snapshot) -> Iterator[str]:
    """A parent's branches are linked to it, as many as its join still expects."""
    listed: set[int] = set()
    for row in t.task.where(lambda row: t.used[row]):
        if t.task.state[row] not in RESIDENT:
            continue
        rows = chain(t.task.sibling_next, t.task.first_branch[row], t.task.count)
        listed |= set(rows)
        for branch in rows:
            if not (t.is_task(branch) and t.task.parent[branch] == row and t.task.edge[branch] == NONE):
                yield f"task {row}: lists {branch} as its branch, which is none"
        for before, branch in zip([NONE, *rows], rows, strict=False):
            if t.task.sibling_previous[branch] != before:
                yield f"task {branch}: its left sibling is {before}, not {t.task.sibling_previous[branch]}"
        if t.task.state[row] == IN_JOIN:
            if t.task.join_open[row] != len(rows):
                yield f"task {row}: joins {len(rows)} branches, join_open says {t.task.join_open[row]}"
            if not 1 <= t.task.join_needed[row] <= len(rows):
                yield f"task {row}: needs {t.task.join_needed[row]} of {len(rows)} branches: decided, but not resumed"
        elif (
            rows
            and t.task.state[row] != IN_BEHAVIOUR
            and not (
                t.task.state[row] == READY and t.is_paused(t.task.instance[row])  # a behaviour's end, in a pause
            )
        ):
            yield f"task {row}: has branches outside a parallel"
    for row in t.task.where(lambda row: t.used[row] and not t.is_root(row)):
        if t.task.parent[row] != NONE and row not in listed:
            yield f"task {row}: a branch that its parent {t.task.parent[row]} does not list"


# Events --------------------------------------------------------------------------------------------------------------


def heaps(t: Snapshot) -> Iterator[str]:
    """Both heaps are heaps, nothing in them is past; what is due at once is due now, in order."""
    for name, rows in (("heap", t.heap), ("armed", t.armed)):
        keys = list(zip(rows.time, rows.order, strict=True))
        for child in range(1, rows.count):
            if keys[(child - 1) // 2] > keys[child]:
                yield f"{name}: entry {child} comes before its parent"
        if rows.count and not t.now <= keys[0][0]:
            yield f"{name}: begins with {keys[0][0]}, and it is {t.now}"
        if any(not math.isfinite(time) for time in rows.time):
            yield f"{name}: holds a time that is not finite"
    if t.ready.order != sorted(t.ready.order):
        yield "ready: not in order"
    if any(time != t.now for time in t.ready.time):
        yield f"ready: holds what is not due at {t.now}"
    orders = [*t.heap.order, *t.armed.order, *t.ready.order]
    if len({order >> 4 for order in orders}) != len(orders):
        yield "two events have one sequence number"


def events_of_rows(t: Snapshot) -> Iterator[str]:
    """Each row has exactly the event that its state waits for; so have calls between two attempts, and timers."""
    pending: Counter[tuple[int, int]] = Counter()
    timers: Counter[int] = Counter()
    on_the_wire = wires.messages(t)
    for rows in (t.heap, t.ready):
        for order, slot, generation in zip(rows.order, rows.slot, rows.generation, strict=True):
            kind = order & KIND_MASK
            if kind == EXPIRE:
                timers[slot] += 1
            elif t.is_current(kind, slot, generation):
                pending[kind, slot] += 1
    for kind, slot, generation in zip(t.held.kind, t.held.slot, t.held.generation, strict=True):
        if t.is_current(kind, slot, generation):
            pending[kind, slot] += 1
    for row in t.task.where(lambda row: t.used[row]):
        for kind in (DELIVER, REPLY, STEP):
            due = int(EVENT_OF_STATE.get(t.task.state[row]) == kind)
            if kind != STEP and due:
                due -= on_the_wire[row]
            if kind == STEP and t.task.state[row] == IN_IO:
                due -= t.on_errand[row]
            if pending[kind, row] != due:
                yield f"task {row} in state {t.task.state[row]}: {pending[kind, row]} events of kind {kind}, not {due}"
    for row in t.call.where(t.is_call):
        due = int(t.call.attempt_task[row] == NONE)
        if pending[RETRY, row] != due:
            yield f"call {row}: {pending[RETRY, row]} retries pending, not {due}"
    for row in range(t.timer.count):
        if timers[row] != t.timer.armed[row]:
            yield f"timer {row}: {timers[row]} events pending, armed says {t.timer.armed[row]}"


def held(t: Snapshot) -> Iterator[str]:
    """Events are kept back for paused processes only, and none of theirs happens; pauses are counted."""
    if t.number("paused") != sum(t.instance.paused) + sum(t.node.paused):
        yield f"paused: {t.number('paused')}, in force are {sum(t.instance.paused) + sum(t.node.paused)}"
    for kind, slot, generation in zip(t.held.kind, t.held.slot, t.held.generation, strict=True):
        host = t.process_of(kind, slot, generation)
        if host != NONE and not t.is_paused(host):
            yield f"an event of kind {kind} of row {slot} is kept back, and instance {host} is not paused"
    overdue = Counter(slot for kind, slot in zip(t.held.kind, t.held.slot, strict=True) if kind == OVERDUE)
    for row in t.task.where(lambda row: t.used[row] and t.task.timed[row] == STRUCK and t.task.call[row] != NONE):
        pending = sum(
            order & KIND_MASK == OVERDUE and slot == t.task.call[row]
            for order, slot in zip(t.heap.order, t.heap.slot, strict=True)
        )
        if overdue[t.task.call[row]] + pending != 1:
            yield f"task {row}: its timeout struck, and {overdue[t.task.call[row]] + pending} events know of it"


def timers(t: Snapshot) -> Iterator[str]:
    """Lists of attempts in order of deadline; the heap knows of a time no later than the first."""
    due = {
        slot: time
        for time, order, slot in zip(t.heap.time, t.heap.order, t.heap.slot, strict=True)
        if order & 15 == EXPIRE
    }
    listed: list[int] = []
    for timer in range(t.timer.count):
        rows = chain(t.task.timer_next, t.timer.head[timer], t.task.count)
        listed += rows
        yield from doubly_linked(f"timer {timer}", rows, t.task.timer_previous, t.timer.tail[timer])
        deadlines = [t.task.deadline[row] for row in rows]
        if deadlines != sorted(deadlines):
            yield f"timer {timer}: deadlines are not in order"
        if rows and not t.now <= due.get(timer, -1.0) <= deadlines[0]:
            yield f"timer {timer}: first deadline {deadlines[0]}, its event comes at {due.get(timer)}"
        for row in rows:
            if not t.is_task(row) or t.task.call[row] == NONE or t.timer_of(row) != timer:
                yield f"timer {timer}: holds task {row}, which nobody waits for with it"
    timed = t.task.where(lambda row: t.used[row] and t.task.timed[row] == 1)
    if sorted(listed) != timed:
        yield f"timers: hold {sorted(listed)}, timed are {timed}"


# The whole -----------------------------------------------------------------------------------------------------------


def in_flight(t: Snapshot) -> Iterator[str]:
    roots = t.call.where(lambda row: t.is_call(row) and t.call.task[row] == NONE)
    if t.number("in_flight") != len(roots):
        yield f"in_flight: {t.number('in_flight')}, calls of sources are {len(roots)}"
    measured = sum(t.call.measured[row] for row in roots)
    if t.number("cohort_open") != measured:
        yield f"cohort_open: {t.number('cohort_open')}, measured calls of sources are {measured}"


def outstanding(t: Snapshot) -> Iterator[str]:
    """Balancers that count their outstanding attempts have them right."""
    sent: Counter[tuple[int, int]] = Counter()
    for row in t.call.where(lambda row: t.is_call(row) and t.call.attempt_task[row] != NONE):
        sent[t.call.channel[row], t.call.endpoint[row]] += 1
    for channel, row in enumerate(t.state["channel"]):
        words, client = int(row["words"]), int(row["client"])
        if words == 0:
            return
        if client == 0 or t.tables.policies[int(row["policy"])] not in COUNTING_POLICIES:
            continue
        known = t.state["arena"][int(row["servers"]) : client + words].tolist()
        for endpoint, count in enumerate(known):
            if count != sent[channel, endpoint]:
                yield f"channel {channel}: counts {count} attempts at {endpoint}, out are {sent[channel, endpoint]}"


def users(t: Snapshot) -> Iterator[str]:
    """A closed user either thinks or waits for an answer; an open source has at most one next arrival."""
    busy = Counter(t.call.user[row] for row in t.call.where(lambda row: t.is_call(row) and t.call.task[row] == NONE))
    events = Counter((order & KIND_MASK, slot) for order, slot in zip(t.heap.order, t.heap.slot, strict=True))
    events += Counter((order & KIND_MASK, slot) for order, slot in zip(t.ready.order, t.ready.slot, strict=True))
    for source in range(len(t.tables.model.sources)):
        row = t.state["source"][source]
        if events[ARRIVE, source] > (row["users"] == 0):
            yield f"source {source}: {events[ARRIVE, source]} arrivals pending"
        for user in range(int(row["first_user"]), int(row["first_user"]) + int(row["users"])):
            if busy[user] + events[THINK, user] != 1:
                yield f"user {user}: {busy[user]} requests under way, {events[THINK, user]} to come"


CHECKS: tuple[Callable[[Snapshot], Iterator[str]], ...] = (
    free_lists,
    untouched_rows,
    links_of_calls,
    branches,
    heaps,
    events_of_rows,
    held,
    timers,
    *instances.CHECKS,
    *wires.CHECKS,
    in_flight,
    outstanding,
    users,
)


def broken(tables: Lowered) -> list[str]:
    """A sentence for each thing that does not hold."""
    snapshot = Snapshot(tables)
    return [f"{check.__name__}: {sentence}" for check in CHECKS for sentence in check(snapshot)]
