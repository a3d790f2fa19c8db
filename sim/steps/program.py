"""From a handler's tree of steps to rows of the kernel's step table.

A sequence is consecutive rows, closed by an end row; branches stand after the sequence that they belong to. A step's
`lower` emits its rows; `later` puts off what must stand elsewhere. Row 0 fails a handler or branch, row 1 ends it well,
rows 2 to 5 end errands: of a task, of a packet, of the control plane, of a member of a group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sim.distributions import Distribution
from sim.kernel.draws import name_hash

JUMP_CODE, END_CODE = 0, 1
ERRAND_CODE = 12


class Names(Protocol):
    """What lowering needs to know about the rest of the model."""

    def distribution(self, distribution: Distribution) -> int:
        """The row of a distribution."""

    def edge(self, call: Any, caller: str) -> int:
        """The row of the edge from an endpoint ("service.endpoint") along a `Call`."""

    def behaviour(self, handler: Any, entries: Sequence[int]) -> int:
        """The number of a generator: a user's, by its name, which may run the calls at the given program rows; or that
        of a step whose `handle` makes one, with the bodies that it may run."""


class Program:
    """Rows under construction: `rows` for the step table, `branches` for the branch table."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.rows: list[dict[str, Any]] = [
            {"kind": END_CODE, "a": 0},
            {"kind": END_CODE, "a": 1},
            {"kind": ERRAND_CODE, "a": 0},
            {"kind": ERRAND_CODE, "a": 1},
            {"kind": ERRAND_CODE, "a": 0},
            {"kind": ERRAND_CODE, "a": 0},
        ]
        self.branches: list[tuple[int, float]] = []
        self.endpoint = ""
        self._later: list[Callable[[], None]] = []

    def emit(self, kind: int, path: str = "", **fields: Any) -> int:
        """Append a row; returns its number. `path` names the step and so its draws."""
        self.rows.append({"kind": kind, "salt": name_hash(path), **fields})
        return len(self.rows) - 1

    def later(self, work: Callable[[], None]) -> None:
        """Run `work` once the present sequence is closed."""
        self._later.append(work)

    def handler(self, endpoint: str, steps: Sequence[Any]) -> int:
        """Emit an endpoint's program; returns its entry row."""
        self.endpoint = endpoint
        entry = self.closed_sequence(steps, endpoint, 0)
        while self._later:
            self._later.pop(0)()
        return entry

    def sequence(self, steps: Sequence[Any], path: str, level: int) -> int:
        """Emit steps one after the other; `level` is the number of repeats around them in this task."""
        from sim.steps import lower_step

        entry = len(self.rows)
        for number, step in enumerate(steps):
            lower_step(step, self, f"{path}/{number}", level)
        return entry

    def closed_sequence(self, steps: Sequence[Any], path: str, level: int, back_to: int | None = None) -> int:
        """A sequence that ends its handler or branch, or jumps to the row `back_to`."""
        entry = self.sequence(steps, path, level)
        if back_to is None:
            self.emit(END_CODE, a=1)
        else:
            self.emit(JUMP_CODE, a=back_to)
        return entry

    def reserve_branches(self, weights: Sequence[float]) -> int:
        """Room for branches whose entries are set later; returns the first row."""
        first = len(self.branches)
        total = 0.0
        for weight in weights:
            total += weight
            self.branches.append((-1, total))
        return first

    def set_branch(self, row: int, entry: int) -> None:
        self.branches[row] = (entry, self.branches[row][1])
