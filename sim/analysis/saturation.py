"""The saturation load when balancers steer: a linear program over their spreads.

`y[c, j]` is the load that channel c sends to instance j, in units of the channel's declared load. It maximises the
factor f subject to: every station's use within its capacity; each channel sends f in all; and any k instances of a
channel that looks at d of n get at least C(k, d) / C(n, d) of it (`sim.analysis.spread`). The last is one row for each
k, as the sum of the k smallest is a concave function of y: k·t − Σ max(t − y_j, 0) at its best t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.analysis.spread import least_share
from sim.analysis.stations import ROUNDING, Channel, Stations, is_level, largest_factor

MOST_SIZES = 16
"""Sizes k of subsets that are looked at; more would hardly bind."""
FULL = 1e-6
"""Slack, relative to its capacity, below which a station limits the load."""


@dataclass(frozen=True, slots=True)
class Saturation:
    """`factor` on the declared load; inf where nothing is ever full. `full`: numbers of the stations that limit it.

    `spread`: by number of the channel, the shares of the instances then, where a balancer steers; `even_factor`: what
    the factor would be if it did not.
    """

    factor: float
    even_factor: float
    full: tuple[int, ...]
    spread: dict[int, np.ndarray]


def saturation(stations: Stations, rates: np.ndarray) -> Saturation:
    """Where the load `rates`, shape (sources,), meets the first station's capacity when it grows as a whole."""
    use = _use(stations.demands(), rates)
    factor = largest_factor(use, stations.capacity)
    steering = [
        number
        for number, channel in enumerate(stations.channels)
        if stations.choices(channel) > 1 and not is_level(_pressure(stations, channel, use))
    ]
    even = Saturation(factor, factor, _full(use * factor, stations.capacity, ROUNDING), {})
    if not steering or not np.isfinite(factor) or factor == 0.0:
        return even
    return _steered(stations, rates, steering, even)


def _use(demands: np.ndarray, rates: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where((demands == 0.0) | (rates == 0.0), 0.0, demands * rates).sum(axis=1))


def _full(use: np.ndarray, capacity: np.ndarray, slack: float) -> tuple[int, ...]:
    with np.errstate(invalid="ignore"):
        return tuple(int(row) for row in np.flatnonzero((use >= capacity * (1.0 - slack)) | np.isnan(use)))


def _pressure(stations: Stations, channel: Channel, use: np.ndarray) -> np.ndarray:
    """Of each of the channel's instances: the utilization of its busiest station."""
    ratio = use / stations.capacity
    found = np.zeros(len(stations.seating[channel.service].speed))
    for places, amount in stations.seating[channel.service].loads(channel):
        found = np.maximum(found, np.where((amount > 0.0).any(axis=0), ratio[places], 0.0))
    return found


def _steered(stations: Stations, rates: np.ndarray, steering: list[int], even: Saturation) -> Saturation:
    program = _Program(stations, rates, steering)
    factor = program.largest_factor()
    if factor <= even.factor * (1.0 + FULL):
        return even
    spread = program.most_even(factor)
    use = program.fixed * factor
    for number in steering:
        use += _use(stations.demands_of(stations.channels[number], spread[number]), rates) * factor
    return Saturation(factor, even.factor, _full(use, stations.capacity, FULL), spread)


Row = dict[int, float]
"""Coefficients by column."""


class _Program:
    """Columns: the factor, then for each steering channel its loads y, then t and s of each of its subset sizes."""

    def __init__(self, stations: Stations, rates: np.ndarray, steering: list[int]) -> None:
        self.stations = stations
        self.limits: list[tuple[float | None, float | None]] = [(0.0, None)]
        """Of each column."""
        self.at_most: list[tuple[Row, float]] = [({}, float(capacity)) for capacity in stations.capacity]
        self.equal: list[tuple[Row, float]] = []
        self.loads: dict[int, range] = {}
        """The columns y of each channel."""
        self.fixed = _use(stations.fixed, rates)
        for number, channel in enumerate(stations.channels):
            if number in steering:
                self._channel(number, channel, rates)
            else:
                self.fixed += _use(stations.demands_of(channel, stations.even_shares(channel)), rates)
        for station, use in enumerate(self.fixed):
            self.at_most[station][0][0] = float(use)

    def largest_factor(self) -> float:
        return float(self._solve({0: -1.0})[0])

    def most_even(self, factor: float) -> dict[int, np.ndarray]:
        """Of the spreads that carry this load, the one with the smallest sum of deviations from even ones."""
        self.limits[0] = (factor * (1.0 - ROUNDING), factor)
        costs: Row = {}
        for columns in self.loads.values():
            for column in columns:
                deviation = self._new_column()
                costs[deviation] = 1.0
                even = factor / len(columns)
                self.at_most.append(({column: 1.0, deviation: -1.0}, even))
                self.at_most.append(({column: -1.0, deviation: -1.0}, -even))
        best = self._solve(costs)
        found = {number: best[columns.start : columns.stop] for number, columns in self.loads.items()}
        return {number: loads / loads.sum() for number, loads in found.items()}

    def _solve(self, costs: Row) -> np.ndarray:
        from scipy.optimize import linprog

        best = linprog(
            [costs.get(column, 0.0) for column in range(len(self.limits))],
            A_ub=self._matrix(self.at_most),
            b_ub=[bound for _, bound in self.at_most],
            A_eq=self._matrix(self.equal),
            b_eq=[bound for _, bound in self.equal],
            bounds=self.limits,
            method="highs",
        )
        assert best.status == 0, best.message
        return np.asarray(best.x)

    def _matrix(self, rows: list[tuple[Row, float]]) -> Any:
        from scipy.sparse import coo_array

        entries = [(row, column, value) for row, (found, _) in enumerate(rows) for column, value in found.items()]
        at, columns, values = zip(*entries, strict=True)
        return coo_array((values, (at, columns)), shape=(len(rows), len(self.limits)))

    def _channel(self, number: int, channel: Channel, rates: np.ndarray) -> None:
        seating, d = self.stations.seating[channel.service], self.stations.choices(channel)
        n = len(seating.speed)
        loads = range(len(self.limits), len(self.limits) + n)
        self.loads[number] = loads
        self.limits += [(0.0, None)] * n
        self.equal.append(({0: -1.0, **dict.fromkeys(loads, 1.0)}, 0.0))
        for places, amount in seating.loads(channel):
            for column, place, seconds in zip(loads, places, rates @ amount, strict=True):
                if seconds > 0.0:
                    self.at_most[int(place)][0][column] = float(seconds)
        if d < n:
            for k in np.unique(np.linspace(d, n - 1, min(MOST_SIZES, n - d)).astype(int)).tolist():
                self._smallest(loads, k, least_share(k, d, n))

    def _smallest(self, loads: range, k: int, share: float) -> None:
        """The k smallest loads are `share` of the factor or more."""
        t = self._new_column(None)
        slack = {column: self._new_column() for column in loads}
        self.at_most.append(({0: share, t: -float(k), **dict.fromkeys(slack.values(), 1.0)}, 0.0))
        self.at_most += [({t: 1.0, s: -1.0, column: -1.0}, 0.0) for column, s in slack.items()]

    def _new_column(self, least: float | None = 0.0) -> int:
        self.limits.append((least, None))
        return len(self.limits) - 1
