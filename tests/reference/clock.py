"""The clock and the fibers.

Time is SimPy's. Its order of events, (time, priority, creation), is the one of docs/semantics.md with three priorities.
What an event sets off without waiting happens before the next event, in the order of the steps: a fiber is therefore
a generator that whoever ends its wait resumes directly, where SimPy's own processes would take a turn in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Literal

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

    def run_until(self, end_s: float) -> None:
        self.env.run(until=end_s)


class Stopped(Exception):
    """Thrown into a fiber at its wait: it was `cancelled` by its parent or caller, or `killed` by a crash."""

    def __init__(self, why: Literal["cancelled", "killed"]) -> None:
        super().__init__(why)
        self.why = why


Body = Generator[None, Any, Any]


class Fiber:
    """A thread of control: the generator yields to wait, and is sent what it waited for.

    `visit` counts the loop-backs that it has taken: part of the draw keys of its steps.
    """

    def __init__(self, visit: int = 0) -> None:
        self.visit = visit
        self.alive = False
        self.body: Body
        self.on_end: Callable[[Any], None]

    def start(self, body: Body, on_end: Callable[[Any], None]) -> None:
        self.alive = True
        self.body, self.on_end = body, on_end
        self.resume()

    def resume(self, value: Any = None) -> None:
        """Run until the next wait, or the end."""
        assert self.alive, "resumed after its end"
        try:
            self.body.send(value)
        except StopIteration as end:
            self.alive = False
            self.on_end(end.value)

    def stop(self, why: Literal["cancelled", "killed"]) -> None:
        """End it where it waits, at once. `on_end` is not called: nobody waits for it any more."""
        if not self.alive:
            return
        self.alive = False
        try:
            self.body.throw(Stopped(why))
        except Stopped:
            return
        raise AssertionError("a stopped fiber went on")
