"""The kernel's tables as they stand, read into lists: what the checkers look at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sim.engine.lowered import Lowered
from sim.kernel.codes import (
    CANCEL,
    CPU_WAIT,
    DELIVER,
    ERRAND_PC,
    FREE,
    IN_BEHAVIOUR,
    IN_CALL,
    IN_IO,
    IN_JOIN,
    NONE,
    ON_CPU,
    OVERDUE,
    QUEUED,
    READY,
    REPLY,
    RETRY,
    STEP,
)
from sim.kernel.events import READY_MASK

RESIDENT = {QUEUED, READY, ON_CPU, CPU_WAIT, IN_IO, IN_CALL, IN_JOIN, IN_BEHAVIOUR}
"""States in which a task is at its instance."""
ROUNDING = 1e-9


MOST_POOLS = 4096


def used_pools(S: Any) -> int:
    """Pools in the table: empty lists end with -1, rows that nobody has touched hold zeros."""
    pools = S["pool"][:MOST_POOLS]
    used = np.flatnonzero(pools["first"] | pools["last"] | pools["waiting_head"] | pools["open"])
    return int(used[-1]) + 1 if len(used) else 0


class Rows:
    """Some rows of a table: a list for each field."""

    def __init__(self, table: Any, count: int) -> None:
        self._table = table
        self.count = count
        self._columns: dict[str, list[Any]] = {}

    def __getattr__(self, field: str) -> list[Any]:
        if field not in self._columns:
            self._columns[field] = self._table[field][: self.count].tolist()
        return self._columns[field]

    def where(self, wanted: Callable[[int], bool]) -> list[int]:
        return [row for row in range(self.count) if wanted(row)]


class Snapshot:
    """The tables as they stand."""

    def __init__(self, tables: Lowered) -> None:
        S = tables.state
        self.tables, self.state = tables, S
        self.now = float(S["now"])
        self.task = Rows(S["task"], int(S["tasks"]))
        self.call = Rows(S["call"], int(S["calls"]))
        self.instance = Rows(S["instance"], int(S["instance_rows"]))
        self.position: list[int] = S["position"][: self.instance.count].tolist()
        self.node = Rows(S["node"], int(S["node_rows"]))
        self.packet = Rows(S["packet"], int(S["packets"]))
        self.connection = Rows(S["connection"], int(S["connections"]))
        self.pool = Rows(S["pool"], used_pools(S))
        self.is_wired = bool(S["wire"])
        self.edge = Rows(S["edge"], len(tables.edges))
        drifts = 1 + max(self.instance.drift)
        self.timer = Rows(S["timer"], len({e.policy.timeout_s for e in tables.edges} - {None}) * drifts)
        self.heap = Rows(S["heap"], int(S["heap_length"]))
        self.armed = Rows(S["armed"], int(S["armed_length"]))
        head, length = int(S["ready_head"]), int(S["ready_length"])
        self.ready = Rows(S["ready"][(head + np.arange(length)) & READY_MASK], length)
        self.held = Rows(S["held"], int(S["held_length"]))
        self.used = [state != FREE for state in self.task.state]
        self.free_calls = set(chain(self.call.next, int(S["call_free"]), self.call.count))
        self.present: dict[int, list[int]] = defaultdict(list)
        for row in self.task.where(lambda row: self.task.state[row] in RESIDENT):
            self.present[self.task.instance[row]].append(row)
        self.on_errand: Counter[int] = Counter()
        """Errands under way for each task: operations of a disk."""
        for row in self.task.where(lambda row: self.used[row] and self.task.pc[row] == ERRAND_PC):
            carried = self.task.carries[row]
            if self.task.generation[carried] == self.task.carries_generation[row]:
                self.on_errand[carried] += 1

    def read(self, table: str, *fields: str) -> None:
        """Read columns now, which otherwise are when they are first asked for."""
        for field in fields:
            getattr(getattr(self, table), field)

    def number(self, field: str) -> int:
        return int(self.state[field])

    def is_call(self, row: int) -> bool:
        """Is it the row of a call in use?"""
        return 0 <= row < self.call.count and row not in self.free_calls

    def is_task(self, row: int) -> bool:
        return 0 <= row < self.task.count and self.used[row]

    def is_current(self, kind: int, slot: int, generation: int) -> bool:
        """Is an event of a task or call about its row's present use, rather than stale?"""
        if kind == RETRY:
            return self.is_call(slot) and bool(self.call.generation[slot] == generation)
        return kind in (DELIVER, REPLY, STEP) and self.is_task(slot) and bool(self.task.generation[slot] == generation)

    def is_paused(self, host: int) -> bool:
        return bool(self.instance.paused[host] or self.node.paused[self.instance.node[host]])

    def process_of(self, kind: int, slot: int, generation: int) -> int:
        """The instance that an event of a task or call is for; -1: nobody's, or stale."""
        if kind == OVERDUE:
            return self.process_of(RETRY, slot, generation)
        if not self.is_current(DELIVER if kind == CANCEL else kind, slot, generation):
            return NONE
        if kind == RETRY:
            return NONE if self.call.task[slot] == NONE else int(self.task.instance[self.call.task[slot]])
        return int(self.task.client_instance[slot] if kind == REPLY else self.task.instance[slot])

    def is_device(self, host: int) -> bool:
        """A disk, a link or a neighbour, whose tasks are errands."""
        return bool(self.instance.service[host] == NONE)

    def timer_of(self, row: int) -> int:
        """The list of an attempt's timeout."""
        client = self.task.client_instance[row]
        return int(self.edge.timer[self.task.edge[row]] + (0 if client == NONE else self.instance.drift[client]))

    def is_root(self, row: int) -> bool:
        """Does the row carry an attempt, rather than a branch?"""
        return bool(self.task.edge[row] != NONE)


def chain(next_: list[int], head: int, at_most: int) -> list[int]:
    """The rows of a linked list; stops where it leaves the table or turns in a circle."""
    rows: list[int] = []
    while 0 <= head < len(next_) and len(rows) <= at_most:
        rows.append(head)
        head = next_[head]
    return rows


def doubly_linked(what: str, rows: list[int], previous: list[int], tail: int) -> Iterator[str]:
    for before, row in zip([NONE, *rows], rows, strict=False):
        if previous[row] != before:
            yield f"{what}: row {row} stands behind {before}, its back link says {previous[row]}"
    if tail != (rows[-1] if rows else NONE):
        yield f"{what}: ends at {rows[-1:]}, its tail says {tail}"
