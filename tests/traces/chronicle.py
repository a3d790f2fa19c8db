"""What happens in a run, told line by line: who sends, dials, gets, ends and learns what, and when.

The kernel returns after each event, and what has changed in its tables is put into words. So a chronicle is independent
of how the kernel comes to its results, and is the same compiled and interpreted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sim.engine import Simulation
from sim.kernel.codes import CANCELLED, NONE, OPEN, OPENING, OUTCOMES
from sim.model import Model

Line = tuple[float, str]
AT_THE_DOOR = ("refused", "lost", "shed")
DIGITS = 9


class Chronicle:
    """Watches a simulation and keeps its lines."""

    def __init__(self, simulation: Simulation) -> None:
        self.lines: list[Line] = []
        self._tables = simulation.tables
        self._instances = list(simulation.tables.instance_row)
        self._asking: dict[tuple[int, int, int], str] = {}
        self._attempts = Counter[tuple[int, int]]()
        self._fates = Counter[tuple[str, str]]()
        self._connections: dict[tuple[int, int], int] = {}
        self._env, self._now = simulation.env, 0.0
        self._run_kernel, self._control = simulation.env.run_kernel, simulation.env.control
        simulation.env.run_kernel = self._one_event  # type: ignore[method-assign]
        simulation.env.control = self._one_act  # type: ignore[method-assign]

    def _one_event(self, horizon: float) -> bool:
        S = self._tables.state
        due = [float(S["now"])] * bool(S["ready_length"])
        due += [float(S[name][0]["time"]) for name in ("heap", "armed") if S[f"{name}_length"]]
        is_through = self._run_kernel(horizon)
        if min(due, default=np.inf) < horizon:
            self.look(min(due))
        return is_through

    def _one_act(self, *what: Any, **how: Any) -> bool:
        done = self._control(*what, **how)
        self.look(self._env.now)
        return done

    def look(self, now_s: float) -> None:
        """Put into words what has changed since the last look."""
        self._now = now_s
        self._servers()
        self._callers()
        self._dials()

    def _say(self, text: str) -> None:
        self.lines.append((round(self._now, DIGITS), text))

    def _servers(self) -> None:
        S = self._tables.state
        now = Counter[tuple[str, str]]()
        for row, (instance, _) in enumerate(self._tables.endpoint_rows):
            now[instance, "offered"] += int(S["stat"]["offered"][row][0])
            for name, counts in zip(OUTCOMES, S["stat"]["outcome"][row], strict=True):
                now[instance, name] += int(counts[0])
        for instance in self._instances:
            new = {what: now[instance, what] - self._fates[instance, what] for what in ("offered", *OUTCOMES)}
            at_the_door = [f" ({name})" for name in AT_THE_DOOR for _ in range(new[name])]
            for fate in [*at_the_door, *[""] * (new["offered"] - len(at_the_door))]:
                self._say(f"{instance} gets a request{fate}")
            for name in OUTCOMES:
                if name not in AT_THE_DOOR:
                    for _ in range(new[name]):
                        self._say(f"{instance} ends one: {name}")
        self._fates = now

    def _callers(self) -> None:
        S, edges = self._tables.state, self._tables.edges
        asking, gone = {}, {}
        calls, tasks = S["call"][: int(S["calls"])], S["task"]
        for row, call in enumerate(calls):
            task = int(call["attempt_task"])
            if self._is_used(row) and task != NONE and tasks[task]["call"] == row:
                who = edges[int(call["edge"])].name.partition(" → ")[0].partition(".")[0]
                key = (row, int(call["generation"]), int(call["attempt"]))
                asking[key] = f"{who} #{int(call['index'])}"
                if key not in self._asking:
                    gone[key] = self._instances[int(tasks[task]["instance"])]
        attempts = Counter(
            {
                (edge, outcome): int(S["edge"]["attempt"][edge][outcome])
                for edge in range(len(edges))
                for outcome in range(len(OUTCOMES))
            }
        )
        learned = list((attempts - self._attempts).elements())
        ended = [who for key, who in self._asking.items() if key not in asking]
        for who, (_, outcome) in zip(ended, learned, strict=True):
            verb = "gives up" if outcome == CANCELLED else f"has {OUTCOMES[outcome]}"
            self._say(f"{who} {verb}")
        for key, instance in gone.items():
            self._say(f"{asking[key]} asks {instance}")
        self._asking, self._attempts = asking, attempts

    def _is_used(self, row: int) -> bool:
        S, free = self._tables.state, int(self._tables.state["call_free"])
        while free not in (NONE, row):
            free = int(S["call"]["next"][free])
        return free != row

    def _dials(self) -> None:
        S = self._tables.state
        now = {}
        for row in range(int(S["connections"])):
            connection = S["connection"][row]
            state, key = int(connection["state"]), (row, int(connection["generation"]))
            server = self._instances[int(connection["server"])]
            if state in (OPENING, OPEN):
                now[key] = state
                if key not in self._connections:
                    self._say(f"a connection to {server} is dialled")
                if state == OPEN and self._connections.get(key) != OPEN:
                    self._say(f"a connection to {server} is open")
        for row, _ in self._connections.keys() - now.keys():
            server = self._instances[int(S["connection"]["server"][row])]
            self._say(f"a connection to {server} is left")
        self._connections = now


def chronicle(model: Model, act: Callable[[Simulation], None] | None = None) -> tuple[list[Line], Simulation]:
    """All lines of a run in order, those of one time by text; `act` may add processes of its own before."""
    with TemporaryDirectory() as folder:
        simulation = Simulation(model, requests_path=Path(folder) / "rows", slice_events=1)
        watch = Chronicle(simulation)
        if act:
            act(simulation)
        simulation.run()
    return sorted(watch.lines), simulation
