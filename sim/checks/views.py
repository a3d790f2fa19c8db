"""Views: a client balances only over instances that its registry has known.

Nothing here says that a view is fresh: an instance that is gone may stand in a view for as long as its registry lets
it.
"""

from __future__ import annotations

from typing import ClassVar

from sim.checks.base import SENTENCES_MAX, Check
from sim.checks.events import Event, Registration, View


class ViewsCheck(Check):
    """Every client of every service."""

    name: ClassVar[str] = "views"

    def __init__(self) -> None:
        self._found: list[str] = []
        self._known: dict[str, set[str]] = {}

    def observe(self, event: Event) -> None:
        """Takes `Registration` and `View`."""
        if isinstance(event, Registration):
            self._known.setdefault(event.service, set()).add(event.instance)
        elif isinstance(event, View):
            known = self._known.get(event.service, set())
            strangers = [member for member in event.members if member not in known]
            if strangers:
                self._tell(event, f"holds {', '.join(strangers)}, which the registry has never known")
            twice = sorted({member for member in event.members if list(event.members).count(member) > 1})
            if twice:
                self._tell(event, f"holds {', '.join(twice)} more than once")

    def _tell(self, event: View, what: str) -> None:
        if len(self._found) < SENTENCES_MAX:
            self._found.append(f"at {event.time_s:.6g} s: the view that {event.client} has of {event.service} {what}")

    def violations(self) -> list[str]:
        """In order of time."""
        return list(self._found)
