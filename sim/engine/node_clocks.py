"""The clocks of nodes: what a process there reads, which is not the simulated time.

The monotonic clock (CLOCK_MONOTONIC, POSIX.1-2017, clock_getres) drifts and never jumps; the wall clock
(CLOCK_REALTIME) drifts with it, begins with an offset and may be set. Quartz drifts by tens of parts per million.
"""

from __future__ import annotations

from collections.abc import Callable

from sim.engine.clock import Environment
from sim.model import Clock


class NodeClock:
    """Both clocks of one node."""

    def __init__(self, env: Environment, clock: Clock | None) -> None:
        self.env = env
        self._rate = 1.0 if clock is None else 1.0 + clock.drift
        self._ahead_s = 0.0 if clock is None else clock.offset_s
        self.on_jump: list[Callable[[], object]] = []
        """For those who look at the wall clock so often that a timer stands for their looks."""

    def monotonic(self) -> float:
        """Seconds since the start of the run, as this node counts them."""
        return float(self.env.now) * self._rate

    def wall(self) -> float:
        """Seconds since the start of the run, as this node believes: with its offset, and all that it was set by."""
        return self.monotonic() + self._ahead_s

    def true_s(self, wait_s: float) -> float:
        """Simulated seconds in which these clocks advance by `wait_s`."""
        return wait_s / self._rate

    def jump(self, by_s: float) -> None:
        """The wall clock is set forward, or back (below 0)."""
        self._ahead_s += by_s
        for told in self.on_jump:
            told()
