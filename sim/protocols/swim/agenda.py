"""What a member means to do when: a heap of deadlines on the time that it is told."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Any

Entry = list[Any]
"""[due, count, action or None when cancelled]"""


class Agenda:
    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        self._heap: list[Entry] = []
        self._count = 0

    def at(self, due_s: float, action: Callable[[], None]) -> Entry:
        """At equal times, in the order in which it was asked for."""
        self._count += 1
        entry = [due_s, self._count, action]
        heappush(self._heap, entry)
        return entry

    @staticmethod
    def cancel(entry: Entry) -> None:
        entry[2] = None

    @property
    def due_s(self) -> float:
        """When the next action is due; infinite without one."""
        heap = self._heap
        while heap and heap[0][2] is None:
            heappop(heap)
        return heap[0][0] if heap else inf

    def run(self, now_s: float) -> None:
        """Does what is due by now. An action sees the time that it is told, not the time that was meant."""
        self.now_s = now_s
        heap = self._heap
        while heap and heap[0][0] <= now_s:
            action = heappop(heap)[2]
            if action is not None:
                action()
