"""What every check is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from sim.checks.events import Event

SENTENCES_MAX = 20
"""More violations than these are not told: after the first the rest follow from it."""


class Check(ABC):
    """Watches one run. It is given every event, in order of time, and takes those that it knows."""

    name: ClassVar[str]
    """As in the scenario's `checks:`."""

    @abstractmethod
    def observe(self, event: Event) -> None:
        """Take in an event; cheap."""

    @abstractmethod
    def violations(self) -> list[str]:
        """A sentence for each violation so far, the earliest first. May take seconds: ask once, at the end."""
