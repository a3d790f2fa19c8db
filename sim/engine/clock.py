"""The joined clock: SimPy's events and the kernel's in one order of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.core import EmptySchedule, Infinity, StopSimulation
from simpy.events import NORMAL

from sim.engine import loop
from sim.engine.lowered import Lowered
from sim.errors import DsimError
from sim.kernel.codes import DUE, OUTBOX, SLICE, SPOOL

SLICE_EVENTS = 1 << 20
"""Events between two looks at the world outside (progress, Ctrl-C) at most."""
STANDSTILL_EVENTS = 20_000_000
"""Events at one and the same time after which a run is given up."""
LOOK_EVERY_S = 0.1
"""Wall time between two looks, where the control plane has something to do that often."""


class Environment(simpy.Environment):
    """A `simpy.Environment` whose step first lets the kernel run up to, not including, the next SimPy event.

    Control comes before data at equal times. Signals from the kernel (a behaviour's task starts, an operation ends) are
    handed to `on_signals` at exactly the simulated time at which they were written. A kernel status that ends the run
    leaves `run()` with that status as its value.
    """

    def __init__(self, tables: Lowered, slice_events: int = SLICE_EVENTS) -> None:
        super().__init__(initial_time=0.0)
        self.tables = tables
        self.slice_events = slice_events
        self.on_signals: Callable[[], None] = lambda: None
        self.on_spool: Callable[[], None] = lambda: None
        self.on_full_memory: Callable[[int], None] = lambda instance: None
        self.on_look: Callable[[], None] = lambda: None
        self.on_life: Callable[[int, int], None] = lambda act, row: None
        """Told of every act by which hosts and processes die, come back, stand still and go on."""
        self._begun: dict[int, Callable[[str], None]] = {}
        self._begun_count = 0
        self._agenda: list[tuple[float, int, int, Callable[..., object], tuple[Any, ...]]] = []
        """What `call_later` was asked for: (time in s, priority, order, function, arguments), a heap."""
        self._next_look_s = 0.0
        self._slice_at_s, self._still = -1.0, 0

    @property
    def now(self) -> float:
        return float(self._now)

    def call_later(self, delay_s: float, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function after some time, in the order that events of SimPy would have; without the cost of one."""
        heappush(self._agenda, (self._now + delay_s, NORMAL, next(self._eid), function, arguments))

    def peek(self) -> float:
        due_s = float(super().peek())
        return min(due_s, self._agenda[0][0]) if self._agenda else due_s

    def step(self) -> None:
        while (due_s := self.peek()) > self._now and not self.run_kernel(due_s):
            pass
        agenda, queue = self._agenda, self._queue
        if agenda and (not queue or agenda[0] < queue[0]):  # type: ignore[operator]
            self._now, _, _, function, arguments = heappop(agenda)
            function(*arguments)
        else:
            super().step()
        if time.perf_counter() > self._next_look_s:
            self.on_look()
            self._next_look_s = time.perf_counter() + LOOK_EVERY_S

    def run_kernel(self, horizon: float) -> bool:
        """Run the kernel up to `horizon` (s). False: it came back before, with what may have made an event."""
        status = loop.advance(self.tables.entry, horizon, self.slice_events)
        if status == DUE:
            if horizon == Infinity:
                raise EmptySchedule
            return True
        self._now = float(self.tables.state["now"])
        if status == OUTBOX:
            self.on_signals()
        elif status == SPOOL:
            self.on_spool()
        elif status == SLICE:
            self._check_progress()
            self.on_look()
        else:
            raise StopSimulation(status)
        return False

    def _check_progress(self) -> None:
        """Refuse a loop that takes no time."""
        self._still = self._still + self.slice_events if self._now == self._slice_at_s else 0
        self._slice_at_s = self._now
        if self._still >= STANDSTILL_EVENTS:
            raise DsimError(
                f"time stands still at {self._now:.9g} s: {self._still:,} events without progress; something loops "
                "and takes no time (users who do not think, a service without cpu, io or latency); give it some"
            )

    def control(
        self, act: int, row: int, generation: int = 0, pc: int = 0, operation: int = 0, amount: float = 0.0
    ) -> bool:
        """One act on the kernel, now. False: the task that it was meant for is gone."""
        tables = self.tables
        tables.state["now"] = self._now
        done = loop.control(tables.entry, act, row, generation, pc, operation, amount)
        if loop.CRASH_INSTANCE <= act <= loop.RESUME_NODE:
            self.on_life(act, row)
        if tables.state["outbox_length"]:
            self.on_signals()
        if done < 0:
            raise DsimError("starts more operations at once than the kernel has room for (about a million)")
        return bool(done)

    def begin(
        self, act: int, row: int, key: int, then: Callable[[str], None], pc: int = 0, amount: float = 0.0
    ) -> None:
        """Begin something in the kernel (PROBE, WRITE) whose outcome, a word of `sim.kernel.codes`, goes to `then`."""
        number = self._begun_count
        self._begun_count = (number + 1) & 0x7FFFFFFF
        self._begun[number] = then
        self.control(act, row, key, pc, number, amount)

    def ended(self, number: int, outcome: str) -> None:
        """What was begun under a number has ended."""
        self._begun.pop(number)(outcome)

    def at(self, time_s: float) -> simpy.Event:
        """An event that happens at an absolute time (now, if that has passed)."""
        return self.timeout(max(time_s - self._now, 0.0))


Process = Generator[simpy.Event, Any, Any]
