"""The windows of a run's time series: what ended well and what did not in each, by what it happened to.

A request counts in the window in which it ended. One that nobody gives up on and nobody answers ends in none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.engine.run import Run

COLUMNS = ("window_start_s", "offered", "ok", "good", "failed", "cancelled")
CALLS = ("request", "call")
"""Kinds of series that are named `caller → service.endpoint`: what callers see of a service."""
ARROW = " → "

Thing = tuple[str, str]
"""Kind and name."""


@dataclass(frozen=True, slots=True)
class Windows:
    """One thing's windows in order; float64 arrays of shape (windows,). Windows are [start, end)."""

    start_s: np.ndarray
    end_s: np.ndarray
    offered: np.ndarray
    cancelled: np.ndarray
    ok: np.ndarray
    good: np.ndarray
    """Answered well, and within the class's latency objective where there is one."""
    ended: np.ndarray
    """ok or failed; what was cancelled is neither."""
    measured: np.ndarray
    """Bool: it begins after the warm-up."""
    slack_s: float
    """Times that differ by less are equal."""

    @property
    def length_s(self) -> np.ndarray:
        length_s: np.ndarray = self.end_s - self.start_s
        return length_s

    @property
    def bad(self) -> np.ndarray:
        bad: np.ndarray = self.ended - self.good
        return bad

    @property
    def had_requests(self) -> np.ndarray:
        """Some that ended, or some of which none did. Where callers cancelled and nothing ended, nothing is known."""
        return np.asarray((self.ended > 0.0) | self.hung)

    @property
    def hung(self) -> np.ndarray:
        """Requests came, and none ended."""
        return np.asarray((self.offered > 0.0) & (self.ended == 0.0) & (self.cancelled == 0.0))

    @property
    def good_share(self) -> np.ndarray:
        """Of what ended. Where requests came and none ended, the next window in which some did decides; without one,
        it is 0."""
        share = np.divide(self.good, self.ended, out=np.full(len(self.ended), np.nan), where=self.ended > 0.0)
        return np.asarray(pd.Series(share).bfill().fillna(0.0), dtype=float)


def windows_of(run: Run, kind: str, name: str) -> Windows:
    """Of one thing as the time series name it; without windows where they do not."""
    rows = run.series
    if len(rows):
        rows = rows[(rows["kind"] == kind) & (rows["name"] == name)]
    return _windows(run, rows)


def windows_by_thing(run: Run) -> dict[Thing, Windows]:
    """Of every source, every endpoint of a mix (`request`), and every service as its callers see it: all calls to it
    taken together, each with its retries."""
    series = run.series
    found = {}
    for kind in ("source", "request"):
        rows = series[series["kind"] == kind]
        for name, of in rows.groupby("name", sort=False, observed=True):
            found[kind, str(name)] = _windows(run, of)
    calls = series[series["kind"].isin(CALLS)]
    services = calls["name"].map({name: callee(str(name)) for name in calls["name"].unique()})
    for name, of in calls.groupby(services, sort=True, observed=True):
        sums = of.groupby("window_start_s", as_index=False)[list(COLUMNS[1:])].sum()
        found["service", str(name)] = _windows(run, sums)
    return found


def callee(call: str) -> str:
    """The service of `caller → service.endpoint`."""
    return call.rpartition(ARROW)[2].partition(".")[0]


def _windows(run: Run, rows: pd.DataFrame | Mapping[str, np.ndarray]) -> Windows:
    if not len(rows):
        nothing = np.empty(0)
        return Windows(nothing, nothing, nothing, nothing, nothing, nothing, nothing, np.empty(0, bool), 0.0)
    start_s, offered, ok, good, failed, cancelled = (np.asarray(rows[column], dtype=float) for column in COLUMNS)
    slack_s = 1e-9 * run.duration_s
    end_s = np.append(start_s[1:], min(run.duration_s, run.stopped_at_s))
    return Windows(
        start_s, end_s, offered, cancelled, ok, good, ok + failed, start_s >= run.warmup_s - slack_s, slack_s
    )
