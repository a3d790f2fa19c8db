"""A process's count of ticks, without an event for each."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor


class Ticker:
    """A Go `time.Ticker`, as etcd's members have one: it ticks at start_s + k · tick_s of the node's monotonic clock,
    and of those that fall into a pause all but one are dropped. So a member that stood still for a minute does not
    believe that it has heard nothing for a minute."""

    def __init__(self, start_s: float, tick_s: float) -> None:
        self.start_s, self.tick_s = start_s, tick_s
        self._dropped = 0
        self._pauses_seen = 0
        self._counted = 0

    def passed(self, clock_s: float, pauses: Sequence[tuple[float, float]]) -> int:
        """Ticks since the last call. `pauses`: all of the process's so far, from and to."""
        for from_s, to_s in pauses[self._pauses_seen :]:
            missed = self._number(to_s) - max(self._number(from_s), 0)
            self._dropped += max(missed - 1, 0)
        self._pauses_seen = len(pauses)
        total = self._number(clock_s) - self._dropped
        passed, self._counted = total - self._counted, total
        return passed

    def due_s(self, ticks: int) -> float:
        """When so many more will have been counted, on the same clock."""
        return self.start_s + (self._counted + self._dropped + ticks) * self.tick_s

    def _number(self, clock_s: float) -> int:
        return floor((clock_s - self.start_s) / self.tick_s + 1e-6)
