"""From the kernel's counters to the measurements of a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.lowered import Lowered
from sim.engine.observe import Observer, Totals
from sim.engine.run import Counts, Gauge, Latency, Scope
from sim.engine.scopes import Grouping
from sim.kernel.codes import ALL, COHORT, OK, OUTCOMES
from sim.kernel.histogram import BINS

CLIENT_CODES = range(OUTCOMES.index("killed"))
SERVER_CODES = [OUTCOMES.index(name) for name in ("ok", "error", "shed", "refused", "lost", "killed", "cancelled")]
CLIENT_KINDS = ("source", "request", "call")


def scopes(tables: Lowered, observer: Observer) -> list[Scope]:
    """Everything that was measured, kind by kind."""
    histograms = Histograms(tables.bins)
    return [s for grouping in observer.stat_groupings for s in _scopes(tables, grouping, observer, histograms)]


def _scopes(tables: Lowered, grouping: Grouping, observer: Observer, histograms: Histograms) -> list[Scope]:
    served = len(tables.endpoint_rows)
    stats = tables.state["stat"][: served + len(tables.edges)]
    flow = _flow(grouping, observer.at_warmup, observer.at_end)
    is_client = grouping.kind in CLIENT_KINDS
    counters = {name: grouping.add_up(stats[name]) for name in ("offered", "good", "outcome")}
    rows = grouping.rows()
    latencies = _latencies(stats, grouping, rows, histograms)
    return [
        Scope(
            grouping.kind,
            name,
            _counts(counters, thing, COHORT, is_client),
            _counts(counters, thing, ALL, is_client),
            latencies[thing],
            float(flow["ok"][thing]),
            float(flow["good"][thing]),
            _attempts(tables.state["edge"][rows[thing] - served]) if is_client else {},
        )
        for thing, name in enumerate(grouping.names)
    ]


def _flow(grouping: Grouping, before: Totals, after: Totals) -> dict[str, np.ndarray]:
    """Rates per second over the measured interval."""
    elapsed = after.time_s - before.time_s
    scale = 1.0 / elapsed if elapsed > 0.0 else np.nan
    ok = (after.flow["outcome"] - before.flow["outcome"])[:, OK]
    good = after.flow["good"] - before.flow["good"]
    return {"ok": grouping.add_up(ok) * scale, "good": grouping.add_up(good) * scale}


def _counts(counters: dict[str, np.ndarray], thing: int, whose: int, is_client: bool) -> Counts:
    offered = int(counters["offered"][thing, whose])
    by_code = counters["outcome"][thing, :, whose].tolist()
    outcomes = {OUTCOMES[code]: by_code[code] for code in (CLIENT_CODES if is_client else SERVER_CODES)}
    assert sum(outcomes.values()) == sum(by_code), "an outcome that this kind of scope cannot have"
    return Counts(offered, outcomes, offered - sum(by_code), int(counters["good"][thing, whose]))


class Histograms:
    """The occupied bins of all histograms, found in one pass."""

    def __init__(self, bins: np.ndarray) -> None:
        occupied = np.flatnonzero(bins[:-BINS])
        self._first = np.searchsorted(occupied, np.arange(len(bins) // BINS + 1) * BINS)
        self._at = np.remainder(occupied, BINS, dtype=np.int32, casting="unsafe")
        self._counts = bins[occupied]

    def add_up(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Occupied bins of the sum of several rows, and their counts."""
        if len(rows) == 1:
            part = slice(self._first[rows[0]], self._first[rows[0] + 1])
            return self._at[part], self._counts[part].astype(np.int64)
        total = np.zeros(BINS, np.int64)
        for row in rows:
            part = slice(self._first[row], self._first[row + 1])
            total[self._at[part]] += self._counts[part]
        at = np.flatnonzero(total)
        return at.astype(np.int32), total[at]


def _latencies(stats: Any, grouping: Grouping, rows: list[np.ndarray], histograms: Histograms) -> list[Latency]:
    """Of each thing the exact moments of its rows taken together (Chan, Golub & LeVeque 1983), and their histogram."""
    n = stats["outcome"][:, OK, COHORT]
    used = n > 0
    offset = np.divide(stats["total"], n, out=np.zeros(len(n)), where=used)
    means = stats["shift"] + offset
    spread = stats["square_total"] - n * offset**2
    count = grouping.add_up(n)
    with np.errstate(invalid="ignore"):
        mean = grouping.add_up(n * means) / count
        centre = np.append(mean, 0.0)[grouping.group]
        squares = grouping.add_up(spread + n * (means - centre) ** 2)
    minimum = -grouping.largest(np.where(used, -stats["minimum"], -np.inf))
    maximum = grouping.largest(np.where(used, stats["maximum"], -np.inf))
    found = []
    for thing, things_rows in enumerate(rows):
        bins, bin_counts = histograms.add_up(things_rows)
        total = int(count[thing])
        if total > 0:
            variance = float(squares[thing]) / (total - 1) if total > 1 else np.nan
            ends = float(minimum[thing]), float(maximum[thing])
            found.append(Latency(total, float(mean[thing]), variance, *ends, bins, bin_counts))
        else:
            found.append(Latency(0, np.nan, np.nan, np.nan, np.nan, bins, bin_counts))
    return found


def _attempts(edges: Any) -> dict[str, int]:
    by_code = edges["attempt"].sum(axis=0).tolist()
    started = int(edges["started"].sum())
    ended = {OUTCOMES[code]: by_code[code] for code in CLIENT_CODES}
    return {"started": started, **ended, "unfinished": started - sum(ended.values())}


def gauges(observer: Observer) -> list[Gauge]:
    """Time averages of instances and nodes over the measured interval."""
    before, after = observer.at_warmup, observer.at_end
    elapsed = after.time_s - before.time_s
    found = []
    for places, cores in observer.place_groupings:
        grown = {name: places.add_up(after.areas[name] - before.areas[name]) for name in after.areas}
        mean = {name: area / elapsed if elapsed > 0.0 else area * np.nan for name, area in grown.items()}
        for thing, name in enumerate(places.names):
            busy = float(mean["busy_area"][thing])
            kind: Any = places.kind
            found.append(
                Gauge(
                    kind,
                    name,
                    float(mean["in_system_area"][thing]),
                    float(mean["queue_area"][thing]),
                    busy,
                    busy / float(cores[thing]),
                )
            )
    return found
