"""The saturation load when balancers steer: a linear program over their spreads.

`y[c, j]` is the load that channel c sends to instance j, in units of the channel's declared load. It maximises the
factor f subject to: every station's use within its capacity; each channel sends f in all; and any k instances of a
channel that looks at d of n get at least C(k, d) / C(n, d) of it (`sim.analysis.spread`). The last is one row for each
k, as the sum of the k smallest is a concave function of y: k·t − Σ max(t − y_j, 0) at its best t.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    if not steering or not np.isfinite(factor) or factor == 0.0:
        return Saturation(factor, factor, _full(use * factor, stations.capacity, ROUNDING), {})
    return _steered(stations, rates, steering, factor)


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


def _steered(stations: Stations, rates: np.ndarray, steering: list[int], even_factor: float) -> Saturation:
    program = _Program(stations, rates, steering)
    factor, spread = program.solve()
    use = program.fixed * factor
    for number in steering:
        use += _use(stations.demands_of(stations.channels[number], spread[number]), rates) * factor
    return Saturation(factor, even_factor, _full(use, stations.capacity, FULL), spread)


class _Program:
    """Columns: the factor, then for each steering channel its loads y, then t and s of each of its subset sizes."""

    def __init__(self, stations: Stations, rates: np.ndarray, steering: list[int]) -> None:
        self.stations, self.rates, self.steering = stations, rates, steering
        self.entries: list[tuple[int, int, float]] = []
        self.bounds: list[float] = list(stations.capacity)
        self.columns = 1
        self.first: dict[int, int] = {}
        self.free: list[int] = []
        self.equal: list[tuple[int, int]] = []
        self.fixed = np.zeros(len(stations.places))
        for number, channel in enumerate(stations.channels):
            if number in steering:
                self._channel(number, channel)
            else:
                self.fixed += _use(stations.demands_of(channel, stations.even_shares(channel)), rates)
        self.entries += [(row, 0, float(use)) for row, use in enumerate(self.fixed) if use > 0.0]

    def solve(self) -> tuple[float, dict[int, np.ndarray]]:
        from scipy.optimize import linprog
        from scipy.sparse import coo_array

        rows, columns, values = zip(*self.entries, strict=True)
        above = coo_array((values, (rows, columns)), shape=(len(self.bounds), self.columns))
        ones = [(row, column, 1.0) for row, (_, first) in enumerate(self.equal) for column in self._loads(row, first)]
        ones += [(row, 0, -1.0) for row in range(len(self.equal))]
        rows, columns, values = zip(*ones, strict=True)
        total = coo_array((values, (rows, columns)), shape=(len(self.equal), self.columns))
        limits: list[tuple[int | None, None]] = [(0, None)] * self.columns
        for column in self.free:
            limits[column] = (None, None)
        best = linprog(
            np.where(np.arange(self.columns) == 0, -1.0, 0.0),
            A_ub=above,
            b_ub=self.bounds,
            A_eq=total,
            b_eq=np.zeros(len(self.equal)),
            bounds=limits,
            method="highs",
        )
        assert best.status == 0, best.message
        factor = float(best.x[0])
        spread = {}
        for number, first in self.equal:
            loads = best.x[first : first + self._size(number)]
            spread[number] = loads / loads.sum()
        return factor, spread

    def _loads(self, row: int, first: int) -> range:
        return range(first, first + self._size(self.equal[row][0]))

    def _size(self, number: int) -> int:
        return len(self.stations.seating[self.stations.channels[number].service].speed)

    def _channel(self, number: int, channel: Channel) -> None:
        first, n, d = self.columns, self._size(number), self.stations.choices(channel)
        self.equal.append((number, first))
        self.columns += n
        for places, amount in self.stations.seating[channel.service].loads(channel):
            for j, seconds in enumerate(self.rates @ amount):
                if seconds > 0.0:
                    self.entries.append((int(places[j]), first + j, float(seconds)))
        if d < n:
            for k in np.unique(np.linspace(d, n - 1, min(MOST_SIZES, n - d)).astype(int)).tolist():
                self._smallest(first, n, k, least_share(k, d, n))

    def _smallest(self, first: int, n: int, k: int, share: float) -> None:
        """The k smallest loads are `share` of the factor or more."""
        t, s = self.columns, self.columns + 1
        self.columns += 1 + n
        self.free.append(t)
        row = len(self.bounds)
        self.bounds.append(0.0)
        self.entries += [(row, 0, share), (row, t, -float(k)), *((row, s + j, 1.0) for j in range(n))]
        for j in range(n):
            row = len(self.bounds)
            self.bounds.append(0.0)
            self.entries += [(row, t, 1.0), (row, s + j, -1.0), (row, first + j, -1.0)]
