"""A suspect's timer, shortened by independent confirmations (Lifeguard; memberlist's `suspicion.go`, 0.5)."""

from __future__ import annotations

from collections.abc import Callable

from sim.protocols.swim.agenda import Agenda
from sim.protocols.swim.formulas import suspicion_total_s


class Suspicion:
    def __init__(
        self, agenda: Agenda, first: str, wanted: int, min_s: float, max_s: float, expired: Callable[[], None]
    ) -> None:
        self._agenda, self._expired = agenda, expired
        self._wanted, self._min_s, self._max_s = wanted, min_s, max_s
        self._from = {first}
        self._started_s = agenda.now_s
        self._entry = agenda.at(self.due_s, expired)

    @property
    def confirmations(self) -> int:
        return len(self._from) - 1

    @property
    def due_s(self) -> float:
        total_s = suspicion_total_s(self.confirmations, self._wanted, self._min_s, self._max_s)
        return self._started_s + total_s

    def confirm(self, by: str) -> bool:
        """Counts a member that suspects too; whether that was news."""
        if self.confirmations >= self._wanted or by in self._from:
            return False
        self._from.add(by)
        self._agenda.cancel(self._entry)
        self._entry = self._agenda.at(max(self.due_s, self._agenda.now_s), self._expired)
        return True

    def cancel(self) -> None:
        self._agenda.cancel(self._entry)


class Awareness:
    """Lifeguard's local health: 0 is well; timeouts are stretched by one more than the score."""

    def __init__(self, max_multiplier: int) -> None:
        self._worst = max_multiplier - 1
        self.score = 0

    def add(self, delta: int) -> None:
        self.score = min(self._worst, max(0, self.score + delta))

    def stretch(self, timeout_s: float) -> float:
        return timeout_s * (self.score + 1)
