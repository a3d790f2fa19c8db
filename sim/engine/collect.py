"""From the kernel's counters to the measurements of a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.lower import Lowered
from sim.engine.observe import Observer, Totals
from sim.engine.run import Counts, Gauge, Latency, Scope
from sim.engine.scopes import Grouping
from sim.kernel.codes import OK, OUTCOMES
from sim.kernel.histogram import BINS

CLIENT_OUTCOMES = OUTCOMES[: OUTCOMES.index("killed")]
SERVER_OUTCOMES = ("ok", "error", "shed", "refused", "lost", "killed", "cancelled")
CLIENT_KINDS = ("source", "request", "call")


def scopes(tables: Lowered, observer: Observer) -> list[Scope]:
    """Everything that was measured, kind by kind."""
    elapsed = max(observer.at_end.time_s - observer.at_warmup.time_s, 0.0)
    return [scope for grouping in observer.stat_groupings for scope in _scopes(tables, grouping, observer, elapsed)]


def _scopes(tables: Lowered, grouping: Grouping, observer: Observer, elapsed: float) -> list[Scope]:
    served = len(tables.endpoint_rows)
    stats = tables.state["stat"][: served + len(tables.edges)]
    flow = _flow(grouping, observer.at_warmup, observer.at_end, elapsed)
    is_client = grouping.kind in CLIENT_KINDS
    found = []
    for thing, name in enumerate(grouping.names):
        rows = grouping.rows(thing)
        found.append(
            Scope(
                grouping.kind,
                name,
                _counts(stats[rows], "cohort_", is_client),
                _counts(stats[rows], "", is_client),
                _latency(stats[rows], tables.bins, rows),
                float(flow["ok"][thing]),
                float(flow["good"][thing]),
                _attempts(tables.state["edge"][rows - served]) if is_client else {},
            )
        )
    return found


def _flow(grouping: Grouping, before: Totals, after: Totals, elapsed: float) -> dict[str, np.ndarray]:
    """Rates per second over the measured interval."""
    scale = 1.0 / elapsed if elapsed > 0.0 else np.nan
    ok = (after.flow["outcome"] - before.flow["outcome"])[:, OK]
    good = after.flow["good"] - before.flow["good"]
    return {"ok": grouping.add_up(ok) * scale, "good": grouping.add_up(good) * scale}


def _counts(stats: Any, prefix: str, is_client: bool) -> Counts:
    offered = int(stats[prefix + "offered"].sum())
    by_code = stats[prefix + "outcome"].sum(axis=0)
    names = CLIENT_OUTCOMES if is_client else SERVER_OUTCOMES
    outcomes = {name: int(by_code[OUTCOMES.index(name)]) for name in names}
    assert sum(outcomes.values()) == int(by_code.sum()), "an outcome that this kind of scope cannot have"
    return Counts(offered, outcomes, offered - int(by_code.sum()), int(stats[prefix + "good"].sum()))


def _latency(stats: Any, bins: np.ndarray, rows: np.ndarray) -> Latency:
    """Exact moments of several rows taken together (Chan, Golub & LeVeque 1983), and their histogram."""
    counts = stats["cohort_outcome"][:, OK]
    histogram = bins.reshape(-1, BINS)[rows].sum(axis=0, dtype=np.uint32)
    count = int(counts.sum())
    if count == 0:
        nan = float("nan")
        return Latency(0, nan, nan, nan, nan, histogram)
    used = counts > 0
    n, shift = counts[used], stats["shift"][used]
    mean_offset = stats["total"][used] / n
    means = shift + mean_offset
    spread = stats["square_total"][used] - n * mean_offset**2
    mean = float((n * means).sum() / count)
    squares = float(spread.sum() + (n * (means - mean) ** 2).sum())
    variance = squares / (count - 1) if count > 1 else float("nan")
    return Latency(
        count, mean, variance, float(stats["minimum"][used].min()), float(stats["maximum"][used].max()), histogram
    )


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
