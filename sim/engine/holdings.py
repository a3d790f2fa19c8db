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
    """By task (row, generation): what it holds."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self._held: dict[tuple[int, int], Any] = {}
        self._sent: OrderedDict[Sent, Any] = OrderedDict()

    def put(self, task: int, generation: int, holding: Any) -> None:
        """From now on the task holds this; None: nothing."""
        if holding is None:
            self._held.pop((task, generation), None)
            return
        self._held[task, generation] = holding
        row = self._state["task"][task]
        self._sent[int(row["source"]), int(row["index"]), int(row["instance"])] = holding
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    def of(self, task: int) -> Any:
        """What the nearest task holds on whose behalf this one runs; None: none does."""
        first = self._state["task"][task]
        sent = int(first["source"]), int(first["index"]), int(first["client_instance"])
        while task != NONE:
            row = self._state["task"][task]
            key = task, int(row["generation"])
            if key in self._held:
                return self._held[key]
            if int(row["edge"]) == NONE:
                task = int(row["parent"])
            elif int(row["call"]) == NONE:
                break
            else:
                task = int(self._state["call"][int(row["call"])]["task"])
        return self._sent.get(sent) if task != NONE else None
