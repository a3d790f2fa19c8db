"""The clock and the fibers.

Time is SimPy's. Its order of events, (time, priority, creation), is the one of docs/semantics.md with three priorities.
A fiber is what SimPy calls a process: a generator that goes on, in an event of its own, when its wait has ended. But it
can be stopped at once and with a reason, where SimPy's processes are interrupted by one more event.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Literal, NamedTuple, Protocol

import simpy

CONTROL, DELIVERY, TIMEOUT = 1, 2, 3
"""Priorities at equal times: faults, then deliveries and everything else, then timeouts (SimPy keeps 0 to itself)."""


class Timer:
    """One future event; `cancel` makes it do nothing."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None

    def fire(self, _event: simpy.Event) -> None:
        if self.action is not None:
            self.action()


class Clock:
    def __init__(self) -> None:
        self.env = simpy.Environment()
        self.held: list[Held] = []

    @property
    def now(self) -> float:
        return float(self.env.now)

    def after(self, delay_s: float, action: Callable[[], None], priority: int = DELIVERY) -> Timer:
        timer = Timer(action)
        event = simpy.Event(self.env)
        event._ok, event._value = True, None
        event.callbacks = [timer.fire]
        self.env.schedule(event, priority, delay_s)
        return timer

    def hold(self, must_wait: Callable[[], bool], action: Callable[[], None], priority: int = DELIVERY) -> None:
        """Put an action off until it need not wait any more."""
        self.held.append(Held(must_wait, action, priority))

    def release(self) -> None:
        """What need not wait any more happens now, in the order in which it was put off."""
        before, self.held = self.held, []
        for held in before:
            if held.must_wait():
                self.held.append(held)
            else:
                self.after(0.0, held.action, held.priority)

    def run_until(self, end_s: float) -> None:
        self.env.run(until=end_s)


Why = Literal["cancelled", "killed"]
"""What stops a fiber: its parent or caller cancels it, or a crash kills it."""


class Stopped(Exception):
    """Thrown into a fiber at its wait."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


Body = Generator[None, Any, Any]


class Process(Protocol):
    """Whose events may have to wait."""

    def is_paused(self) -> bool:
        """Does it stand still now?"""


class Held(NamedTuple):
    """What a paused process will see when it goes on."""

    must_wait: Callable[[], bool]
    action: Callable[[], None]
    priority: int


class Fiber:
    """A thread of control: the generator yields to wait, and is sent what it waited for.

    `visit` counts the loop-backs that it has taken: part of the draw keys of its steps.
    """

    def __init__(self, clock: Clock, process: Process, visit: int = 0) -> None:
        self.clock = clock
        self.process = process
        self.visit = visit
        self.alive = True
        self.body: Body
        self.on_end: Callable[[Any], None]

    def start(self, body: Body, on_end: Callable[[Any], None]) -> None:
        self.body, self.on_end = body, on_end
        self.wake()

    def wake(self, value: Any = None) -> None:
        """What it waited for has come: it goes on in an event of its own at the same time."""
        self.clock.after(0.0, lambda: self.resume(value))

    def resume(self, value: Any = None) -> None:
        """Run until the next wait, or the end."""
        if not self.alive:
            return
        if self.process.is_paused():
            self.clock.hold(lambda: self.alive and self.process.is_paused(), lambda: self.resume(value))
            return
        try:
            self.body.send(value)
        except StopIteration as end:
            self.alive = False
            self.on_end(end.value)

    def stop(self, why: Why) -> None:
        """End it where it waits, or before it begins, at once. `on_end` is not called: nobody waits for it any more."""
        if not self.alive:
            return
        self.alive = False
        try:
            self.body.throw(Stopped(why))
        except Stopped:
            return
        raise AssertionError("a stopped fiber went on")
