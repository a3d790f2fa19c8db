"""Who else wants the cores of a node: neighbours that are no part of the scenario."""

from __future__ import annotations

from sim.engine import devices, loop
from sim.engine.clock import Environment


class Neighbours:
    """One a node, beside its instances, however many want something: it asks for the sum."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self._row: dict[str, int] = {}
        self._wishes: dict[str, list[float]] = {}

    def want(self, node: str, cores: float) -> None:
        """So many cores more are wanted, until they are not any more."""
        tables = self.env.tables
        if node not in self._row:
            tables.state["now"] = self.env.now
            self._row[node] = devices.add_neighbour(tables.state, tables.node_row[node])
        self._wishes.setdefault(node, []).append(cores)
        self._ask(node)

    def want_no_more(self, node: str, cores: float) -> None:
        self._wishes[node].remove(cores)
        self._ask(node)

    def _ask(self, node: str) -> None:
        self.env.control(loop.SET_CORES, self._row[node], amount=sum(self._wishes[node]))
