"""Watching a run: running totals at window boundaries become time series and averages over the measured interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.engine import loop
from sim.engine.clock import Environment, Process
from sim.engine.scopes import Grouping, place_groupings, stat_groupings
from sim.kernel.codes import OK
from sim.kernel.histogram import BINS, quantile

FLOW_FIELDS = ("offered", "good", "outcome", "flow_total")
AREA_FIELDS = ("in_system_area", "queue_area", "busy_area")
SERIES_KINDS = ("source", "call", "service")
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
        self._columns: list[pd.DataFrame] = []
        self.previous = self.read()
        self.at_warmup = self.previous
        self.at_end = self.previous

    def read(self) -> Totals:
        self.env.control(loop.SETTLE, 0)
        state, bins = self.env.tables.state, self.env.tables.bins.reshape(-1, BINS)
        flow = {name: state["stat"][: self._stats][name].copy() for name in FLOW_FIELDS}
        areas = {name: state["instance"][: int(state["instances"])][name].copy() for name in AREA_FIELDS}
        roots = bins[self._root_stats].astype(np.int64) + bins[self._other_bins]
        return Totals(self.env.now, flow, areas, roots)

    def watch_windows(self) -> Process:
        count = int(np.ceil(self.run.duration_s / self.run.window_s - 1e-9))
        for window in range(1, count + 1):
            yield self.env.at(min(window * self.run.window_s, self.run.duration_s))
            self._close_window()

    def watch_warmup(self) -> Process:
        yield self.env.at(self.run.warmup_s)
        self.at_warmup = self.read()

    def finish(self) -> None:
        """Read the end's totals, wherever the run stands; an interrupted window becomes a row of its own."""
        if self.env.now > self.previous.time_s:
            self._close_window()
        self.at_end = self.previous
        if self.at_warmup.time_s > self.at_end.time_s or self.env.now < self.run.warmup_s:
            self.at_warmup = self.at_end

    def series(self) -> pd.DataFrame:
        return pd.concat(self._columns, ignore_index=True) if self._columns else pd.DataFrame()

    def _close_window(self) -> None:
        after = self.read()
        for grouping in self.stat_groupings:
            if grouping.kind in SERIES_KINDS:
                self._columns.append(self._flow_rows(grouping, self.previous, after))
        for places, cores in self.place_groupings:
            self._columns.append(_place_rows(places, cores, self.previous, after))
        self.previous = after

    def _flow_rows(self, grouping: Grouping, before: Totals, after: Totals) -> pd.DataFrame:
        grown = {name: grouping.add_up(after.flow[name] - before.flow[name]) for name in FLOW_FIELDS}
        ok = grown["outcome"][:, OK]
        rows = pd.DataFrame(
            {
                "window_start_s": before.time_s,
                "kind": grouping.kind,
                "name": grouping.names,
                "offered": grown["offered"],
                "ok": ok,
                "failed": grown["outcome"].sum(axis=1) - ok,
                "latency_mean_s": np.divide(grown["flow_total"], ok, out=np.full(len(ok), np.nan), where=ok > 0),
            }
        )
        if grouping.kind == "source":
            roots = Grouping("source", grouping.names, grouping.group[self._root_stats])
            counts = roots.add_up(after.roots - before.roots)
            for q in (0.5, 0.99):
                rows[f"p{q * 100:g}_s"] = [_window_quantile(c, q) for c in counts]
        return rows


def _window_quantile(counts: np.ndarray, q: float) -> float:
    return quantile(counts, q) if counts.sum() * (1.0 - q) >= TAIL_MINIMUM else float("nan")


def _place_rows(places: Grouping, cores: np.ndarray, before: Totals, after: Totals) -> pd.DataFrame:
    elapsed = after.time_s - before.time_s
    mean = {name: places.add_up(after.areas[name] - before.areas[name]) / elapsed for name in AREA_FIELDS}
    return pd.DataFrame(
        {
            "window_start_s": before.time_s,
            "kind": places.kind,
            "name": places.names,
            "in_system": mean["in_system_area"],
            "queue": mean["queue_area"],
            "utilization": mean["busy_area"] / cores,
        }
    )
