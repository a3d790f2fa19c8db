"""Watching a run: running totals at window boundaries become time series and averages over the measured interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.engine import loop
from sim.engine.clock import Environment, Process
from sim.engine.scopes import Grouping, place_groupings, stat_groupings
from sim.kernel.codes import ALL, CANCELLED, OK
from sim.kernel.histogram import BINS, quantile

COUNTERS = ("offered", "good", "outcome")
AREAS = {"in_system_area": "in_system", "queue_area": "queue_length", "busy_area": "share"}
"""Integrals over time up to when an instance was last settled, and what has been added to each since. (Settling it here
would split the sums of its virtual clock, and so change the last bits of its results.)"""
SERIES_KINDS = ("source", "request", "call", "service")
TAIL_MINIMUM = 10
"""Requests beyond a quantile that a window must hold before the quantile is shown."""


@dataclass
class Totals:
    """Running totals at one time: flow counters by stat row, areas by instance, ok latencies by root edge."""

    time_s: float
    flow: dict[str, np.ndarray]
    areas: dict[str, np.ndarray]
    roots: np.ndarray
    """Shape (root edges, BINS), cohort and others."""


class Observer:
    """Reads the totals at every window boundary, at the warm-up and at the end."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.run = env.tables.model.run
        tables = env.tables
        self.stat_groupings = stat_groupings(tables)
        self.place_groupings = place_groupings(tables)
        self._stats = len(tables.endpoint_rows) + len(tables.edges)
        roots = [row for row, edge in enumerate(tables.edges) if edge.is_root]
        self._root_stats = np.array(roots, np.int64) + len(tables.endpoint_rows)
        self._other_bins = tables.state["edge"]["other_bins"][roots]
        self._starts_s: list[float] = []
        self._rows: dict[str, list[dict[str, np.ndarray]]] = {}
        """By kind, for each window its columns, a value a thing."""
        self.previous = self.read()
        self.at_warmup = self.previous
        self.at_end = self.previous

    def read(self) -> Totals:
        self.env.control(loop.FLUSH, 0)
        state, bins = self.env.tables.state, self.env.tables.bins.reshape(-1, BINS)
        stats = state["stat"][: self._stats]
        flow = {name: stats[name][..., ALL].copy() for name in COUNTERS}
        flow["flow_total"] = stats["flow_total"].copy()
        instances = state["instance"][: int(state["instances"])]
        since_s = self.env.now - instances["settled"]
        areas = {area: instances[area] + instances[level] * since_s for area, level in AREAS.items()}
        roots = bins[self._root_stats].astype(np.int64) + bins[self._other_bins]
        return Totals(self.env.now, flow, areas, roots)

    def watch_windows(self) -> Process:
        count = int(np.ceil(self.run.duration_s / self.run.window_s - 1e-9))
        for window in range(1, count):
            yield self.env.at(window * self.run.window_s)
            self._close_window()

    def watch_warmup(self) -> Process:
        yield self.env.at(self.run.warmup_s)
        self.at_warmup = self.read()

    def finish(self) -> None:
        """Close the last window, wherever the run stands (what happens at its very end belongs to it)."""
        if self.env.now > self.previous.time_s:
            self._close_window()
        self.at_end = self.previous
        if self.at_warmup.time_s > self.at_end.time_s or self.env.now < self.run.warmup_s:
            self.at_warmup = self.at_end

    def series(self) -> pd.DataFrame:
        """One row a window and thing."""
        flows = [grouping for grouping in self.stat_groupings if grouping.kind in SERIES_KINDS]
        frames = []
        for grouping in [*flows, *(places for places, _ in self.place_groupings)]:
            windows = self._rows.get(grouping.kind, [])
            if not windows or not grouping.names:
                continue
            columns: dict[str, Any] = {
                "window_start_s": np.repeat(self._starts_s, len(grouping.names)),
                "kind": grouping.kind,
                "name": grouping.names * len(windows),
            }
            for column in windows[0]:
                columns[column] = np.concatenate([window[column] for window in windows])
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def _close_window(self) -> None:
        before, after = self.previous, self.read()
        self._starts_s.append(before.time_s)
        for grouping in self.stat_groupings:
            if grouping.kind in SERIES_KINDS:
                self._rows.setdefault(grouping.kind, []).append(self._flow_columns(grouping, before, after))
        for places, cores in self.place_groupings:
            self._rows.setdefault(places.kind, []).append(_place_columns(places, cores, before, after))
        self.previous = after

    def _flow_columns(self, grouping: Grouping, before: Totals, after: Totals) -> dict[str, np.ndarray]:
        grown = {name: grouping.add_up(after.flow[name] - before.flow[name]) for name in after.flow}
        ok, cancelled = grown["outcome"][:, OK], grown["outcome"][:, CANCELLED]
        columns = {
            "offered": grown["offered"],
            "ok": ok,
            "good": grown["good"],
            "failed": grown["outcome"].sum(axis=1) - ok - cancelled,
            "cancelled": cancelled,
            "latency_mean_s": np.divide(grown["flow_total"], ok, out=np.full(len(ok), np.nan), where=ok > 0),
        }
        if grouping.kind == "source":
            roots = Grouping("source", grouping.names, grouping.group[self._root_stats])
            counts = roots.add_up(after.roots - before.roots)
            for q in (0.5, 0.99):
                columns[f"p{q * 100:g}_s"] = np.array([_window_quantile(c, q) for c in counts])
        return columns


def _window_quantile(counts: np.ndarray, q: float) -> float:
    return quantile(counts, q) if counts.sum() * (1.0 - q) >= TAIL_MINIMUM else float("nan")


def _place_columns(places: Grouping, cores: np.ndarray, before: Totals, after: Totals) -> dict[str, np.ndarray]:
    elapsed = after.time_s - before.time_s
    mean = {name: places.add_up(after.areas[name] - before.areas[name]) / elapsed for name in AREAS}
    return {
        "in_system": mean["in_system_area"],
        "queue": mean["queue_area"],
        "utilization": mean["busy_area"] / cores,
    }
