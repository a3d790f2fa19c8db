"""From the kernel's counters to the measurements of a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.lower import Lowered
from sim.engine.observe import Observer, Totals
from sim.engine.run import Counts, Gauge, Latency, Scope
from sim.engine.scopes import Grouping
from sim.kernel.codes import ALL, COHORT, OK, OUTCOMES
from sim.kernel.histogram import BINS

CLIENT_OUTCOMES = OUTCOMES[: OUTCOMES.index("killed")]
SERVER_OUTCOMES = ("ok", "error", "shed", "refused", "lost", "killed", "cancelled")
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
    found = []
    for thing, (name, rows) in enumerate(zip(grouping.names, grouping.rows(), strict=True)):
        found.append(
            Scope(
                grouping.kind,
                name,
                _counts(stats[rows], COHORT, is_client),
                _counts(stats[rows], ALL, is_client),
                _latency(stats[rows], histograms, rows),
                float(flow["ok"][thing]),
                float(flow["good"][thing]),
                _attempts(tables.state["edge"][rows - served]) if is_client else {},
            )
        )
    return found


def _flow(grouping: Grouping, before: Totals, after: Totals) -> dict[str, np.ndarray]:
    """Rates per second over the measured interval."""
    elapsed = after.time_s - before.time_s
    scale = 1.0 / elapsed if elapsed > 0.0 else np.nan
    ok = (after.flow["outcome"] - before.flow["outcome"])[:, OK]
    good = after.flow["good"] - before.flow["good"]
    return {"ok": grouping.add_up(ok) * scale, "good": grouping.add_up(good) * scale}


def _counts(stats: Any, whose: int, is_client: bool) -> Counts:
    offered = int(stats["offered"][:, whose].sum())
    by_code = stats["outcome"][:, :, whose].sum(axis=0)
    names = CLIENT_OUTCOMES if is_client else SERVER_OUTCOMES
    outcomes = {name: int(by_code[OUTCOMES.index(name)]) for name in names}
    assert sum(outcomes.values()) == int(by_code.sum()), "an outcome that this kind of scope cannot have"
    return Counts(offered, outcomes, offered - int(by_code.sum()), int(stats["good"][:, whose].sum()))


class Histograms:
    """The occupied bins of all histograms, found in one pass."""

    def __init__(self, bins: np.ndarray) -> None:
        self._at = np.flatnonzero(bins[:-BINS])
        self._counts = bins[self._at].astype(np.int64)
        self._first = np.searchsorted(self._at, np.arange(len(bins) // BINS + 1) * BINS)

    def add_up(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Occupied bins of the sum of several rows, and their counts."""
        parts = [slice(self._first[row], self._first[row + 1]) for row in rows]
        at = np.concatenate([self._at[part] % BINS for part in parts] or [np.empty(0, np.int64)])
        counts = np.concatenate([self._counts[part] for part in parts] or [np.empty(0, np.int64)])
        if len(parts) > 1:
            at, place = np.unique(at, return_inverse=True)
            counts = np.bincount(place, counts, len(at)).astype(np.int64)
        return at.astype(np.int32), counts


def _latency(stats: Any, histograms: Histograms, rows: np.ndarray) -> Latency:
    """Exact moments of several rows taken together (Chan, Golub & LeVeque 1983), and their histogram."""
    counts = stats["outcome"][:, OK, COHORT]
    count = int(counts.sum())
    bins, bin_counts = histograms.add_up(rows[counts > 0])
    if count == 0:
        nan = float("nan")
        return Latency(0, nan, nan, nan, nan, bins, bin_counts)
    used = stats[counts > 0]
    n = counts[counts > 0]
    mean_offset = used["total"] / n
    means = used["shift"] + mean_offset
    spread = used["square_total"] - n * mean_offset**2
    mean = float((n * means).sum() / count)
    squares = float(spread.sum() + (n * (means - mean) ** 2).sum())
    variance = squares / (count - 1) if count > 1 else float("nan")
    minimum, maximum = float(used["minimum"].min()), float(used["maximum"].max())
    return Latency(count, mean, variance, minimum, maximum, bins, bin_counts)


def _attempts(edges: Any) -> dict[str, int]:
    by_code = edges["attempt"].sum(axis=0)
    started = int(edges["started"].sum())
    ended = {name: int(by_code[OUTCOMES.index(name)]) for name in CLIENT_OUTCOMES}
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
