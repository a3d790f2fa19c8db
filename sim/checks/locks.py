"""Fencing: a protected resource never takes a write of an older holder after one of a newer.

Kleppmann 2016, "How to do distributed locking": what a lock with leases cannot promise its holder, tokens can promise
the resource. So the tokens of accepted writes never decrease, and a token belongs to one holder.
"""

from __future__ import annotations

from typing import ClassVar

from sim.checks.base import SENTENCES_MAX, Check
from sim.checks.events import Event, GuardedWrite


class FencingCheck(Check):
    """Every protected resource of the run."""

    name: ClassVar[str] = "fencing"

    def __init__(self) -> None:
        self._found: list[str] = []
        self._newest: dict[str, GuardedWrite] = {}
        self._holders: dict[tuple[str, int], str] = {}

    def observe(self, event: Event) -> None:
        """Takes `GuardedWrite`; what was not accepted only for its token's holder."""
        if not isinstance(event, GuardedWrite):
            return
        holder = self._holders.setdefault((event.group, event.token), event.holder)
        if holder != event.holder:
            self._tell(event, f"{event.holder} writes with token {event.token}, which is {holder}'s")
        if not event.accepted:
            return
        newest = self._newest.get(event.group)
        if newest is not None and event.token < newest.token:
            self._tell(
                event,
                f"a stale write of {event.holder} with token {event.token} is accepted after token {newest.token} of "
                f"{newest.holder} at {newest.time_s:.6g} s",
            )
        else:
            self._newest[event.group] = event

    def _tell(self, event: GuardedWrite, what: str) -> None:
        if len(self._found) < SENTENCES_MAX:
            self._found.append(f"{event.group} at {event.time_s:.6g} s: {what}")

    def violations(self) -> list[str]:
        """In order of time."""
        return list(self._found)
