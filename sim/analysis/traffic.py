"""The traffic equations: how often one request of a source visits each endpoint.

With a the attempts that the source makes at each endpoint and P the attempts that one execution of an endpoint makes at
another, the visits are V = a + V P (Jackson, Management Science 10(1), 1963; the forced-flow law of Denning & Buzen,
ACM Computing Surveys 10(3), 1978). Calls may go in circles as long as a request makes fewer than one more round on
average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.analysis.failing import EndpointName
from sim.analysis.handlers import Edge, Handler

ENDLESS = 1.0 - 1e-9
"""A spectral radius from which on a request makes one more round for each round."""


class Traffic:
    """Visits and flows. `edges` are those of the sources, then those of the handlers; `caller_of` is, for each, the
    number of its endpoint, or -1 for a source's."""

    def __init__(
        self, handlers: Mapping[EndpointName, Handler], sources: Sequence[Sequence[Edge]], names: Sequence[str]
    ) -> None:
        self.number = {name: number for number, name in enumerate(handlers)}
        self.source_names = list(names)
        self.edges = [edge for edges in sources for edge in edges]
        self._source_of = [number for number, edges in enumerate(sources) for _ in edges]
        self._caller_of = [-1] * len(self.edges)
        for name, handler in handlers.items():
            self.edges += handler.edges
            self._caller_of += [self.number[name]] * len(handler.edges)
        self.visits = np.zeros((len(names), len(handlers)))
        """Per request, shape (sources, endpoints); nan for a source whose requests go round for ever."""
        self.endless: dict[str, list[EndpointName]] = {}
        """By source, the endpoints of such circles."""
        self._solve(len(handlers))

    def source_of(self, number: int) -> int | None:
        """The number of the source that an edge begins at, None for a handler's."""
        return self._source_of[number] if self._caller_of[number] < 0 else None

    def per_request(self, number: int) -> np.ndarray:
        """Attempts along an edge for one request of each source, shape (sources,)."""
        return self._along(number, self.edges[number].attempts)

    def calls_per_request(self, number: int) -> np.ndarray:
        """Calls along an edge, each with one attempt or more."""
        return self._along(number, self.edges[number].calls)

    def _along(self, number: int, amount: float) -> np.ndarray:
        if self._caller_of[number] < 0:
            own = np.zeros(len(self.source_names))
            own[self._source_of[number]] = amount
            return own
        return np.asarray(self.visits[:, self._caller_of[number]] * amount)

    def _solve(self, count: int) -> None:
        entry, between = np.zeros((len(self.source_names), count)), np.zeros((count, count))
        for number, edge in enumerate(self.edges):
            callee, caller = self.number[edge.callee], self._caller_of[number]
            if caller < 0:
                entry[self._source_of[number], callee] += edge.attempts
            else:
                between[caller, callee] += edge.attempts
        for source, name in enumerate(self.source_names):
            reached = _reachable(entry[source] > 0.0, between > 0.0)
            inner = between[np.ix_(reached, reached)]
            if _radius(inner) >= ENDLESS:
                self.visits[source] = np.nan
                self.endless[name] = self._circle(between, reached)
            else:
                self.visits[source, reached] = np.linalg.solve(np.eye(len(inner)) - inner.T, entry[source, reached])

    def _circle(self, between: np.ndarray, reached: np.ndarray) -> list[EndpointName]:
        """The endpoints that lead back to themselves."""
        names = list(self.number)
        return [
            names[number]
            for number in np.flatnonzero(reached)
            if _reachable(between[number] > 0.0, between > 0.0)[number]
        ]


def _reachable(start: np.ndarray, between: np.ndarray) -> np.ndarray:
    """Mask of what can be reached from a mask, itself included."""
    seen = start.copy()
    while True:
        grown = seen | between[seen].any(axis=0)
        if (grown == seen).all():
            return seen
        seen = grown


def _radius(between: np.ndarray) -> float:
    """The spectral radius; exactly 0 where nothing goes in a circle."""
    left = between
    while len(left):
        leads_on = (left > 0.0).any(axis=1)
        if leads_on.all():
            return float(np.abs(np.linalg.eigvals(left)).max())
        left = left[np.ix_(leads_on, leads_on)]
    return 0.0
