"""What requests carry with them: the lock that somebody holds on whose behalf they run, with its token.

A token travels as a header does: from the handler that holds to what it calls, and on to what that calls. A request
whose caller is gone (it gave up, or died) still has the one that its caller's process sent it with.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from sim.kernel.codes import NONE

REMEMBERED = 100_000
"""Requests whose tokens are kept after their senders have gone."""
Sent = tuple[int, int, int]
"""A request by its source and number there, and the instance that sent it."""


class Holdings:
    """What tasks hold."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self._held: dict[int, tuple[int, Any]] = {}
        """By row: the generation of the task that stood there last and held something, and what."""
        self._sent: OrderedDict[Sent, Any] = OrderedDict()

    def put(self, task: int, generation: int, holding: Any) -> Any:
        """From now on the task holds this; None: nothing. Returns what it held. A task that has ended holds nothing."""
        row = self._state["task"][task]
        whose, before = self._held.pop(task, (NONE, None))
        before = before if whose == generation else None
        if holding is None or int(row["generation"]) != generation:
            return before
        self._held[task] = generation, holding
        self._sent[int(row["source"]), int(row["index"]), int(row["instance"])] = holding
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        return before

    def of(self, task: int) -> Any:
        """What the nearest task holds on whose behalf this one runs; None: none does."""
        first = self._state["task"][task]
        sent = int(first["source"]), int(first["index"]), int(first["client_instance"])
        while task != NONE:
            row = self._state["task"][task]
            generation, holding = self._held.get(task, (NONE, None))
            if generation == int(row["generation"]):
                return holding
            if int(row["edge"]) == NONE:
                task = int(row["parent"])
            elif int(row["call"]) == NONE:
                break
            else:
                task = int(self._state["call"][int(row["call"])]["task"])
        return self._sent.get(sent) if task != NONE else None
