"""Gossip: no resurrection. Das, Gupta & Motivala 2002, section 4.2, with memberlist's order of incarnations.

To one observer a member that is dead (or has left) at incarnation i is alive again only with an incarnation above i,
and a suspected one is cleared only with an incarnation above that of the suspicion. What an observer holds of a member
never goes back to a lower incarnation, and nobody but the member raises it.
"""

from __future__ import annotations

from typing import ClassVar

from sim.checks.base import SENTENCES_MAX, Check
from sim.checks.events import Event, MembershipState, ObserverRestarted

OVER = ("dead", "left")


class SwimCheck(Check):
    """Every gossip pool of the run."""

    name: ClassVar[str] = "swim"

    def __init__(self) -> None:
        self._found: list[str] = []
        self._beliefs: dict[tuple[str, str], dict[str, MembershipState]] = {}
        self._own: dict[tuple[str, str], int] = {}

    def observe(self, event: Event) -> None:
        """Takes `MembershipState` (of the member itself too) and `ObserverRestarted`."""
        if isinstance(event, ObserverRestarted):
            self._beliefs.pop((event.group, event.observer), None)
        elif isinstance(event, MembershipState):
            beliefs = self._beliefs.setdefault((event.group, event.observer), {})
            before = beliefs.get(event.member)
            self._own_incarnation(event)
            if event.state == "forgotten":
                beliefs.pop(event.member, None)
                return
            if before is not None:
                self._compare(before, event)
            beliefs[event.member] = event

    def _own_incarnation(self, event: MembershipState) -> None:
        key = event.group, event.member
        if event.observer == event.member:
            self._own[key] = max(self._own.get(key, 0), event.incarnation)
        elif event.incarnation > self._own.get(key, 0):
            self._tell(
                event,
                f"has {event.member} at incarnation {event.incarnation}; the member itself never went beyond "
                f"{self._own.get(key, 0)}",
            )

    def _compare(self, before: MembershipState, event: MembershipState) -> None:
        was, now = before.incarnation, event.incarnation
        if event.state == "alive" and before.state in OVER and now <= was:
            self._tell(
                event,
                f"has {event.member} alive again at incarnation {now}, and had it {before.state} at {was} since "
                f"{before.time_s:.6g} s",
            )
        elif event.state == "alive" and before.state == "suspect" and now <= was:
            self._tell(event, f"clears {event.member} of a suspicion at incarnation {was} with {now}: not newer")
        elif event.state == "suspect" and before.state in OVER and now <= was:
            self._tell(event, f"suspects {event.member} at incarnation {now}, and had it {before.state} at {was}")
        elif now < was:
            self._tell(event, f"goes back from incarnation {was} of {event.member} to {now}")

    def _tell(self, event: MembershipState, what: str) -> None:
        if len(self._found) < SENTENCES_MAX:
            self._found.append(f"{event.group} at {event.time_s:.6g} s: {event.observer} {what}")

    def violations(self) -> list[str]:
        """In order of time."""
        return list(self._found)
