"""What one replication measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sim.kernel.histogram import BINS, quantile

CONTROL = ("time_s", "component", "event", "subject", "detail")
"""Columns of the control plane's log."""

ScopeKind = Literal["source", "request", "call", "endpoint", "service", "instance", "node", "disk", "link"]


@dataclass
class Counts:
    """offered = sum(outcomes) + unfinished, always. At a server: ok, error, shed, refused, lost, killed, cancelled."""

    offered: int
    outcomes: dict[str, int]
    unfinished: int
    good: int
    """Of the ok ones, those within the class's SLO latency (all of them where none is declared)."""


@dataclass
class Latency:
    """Latencies of the cohort's ok requests: exact moments, and a histogram for quantiles (its occupied bins)."""

    count: int
    mean_s: float
    variance_s2: float
    min_s: float
    max_s: float
    bins: np.ndarray
    """Numbers of the occupied bins of `sim.kernel.histogram`, ascending, int32."""
    bin_counts: np.ndarray
    """Latencies in each of them, int64."""

    @property
    def histogram(self) -> np.ndarray:
        """Counts of all bins, shape (sim.kernel.histogram.BINS,), int64."""
        counts = np.zeros(BINS, np.int64)
        counts[self.bins] = self.bin_counts
        return counts

    def quantile_s(self, q: float, failures: int = 0) -> float:
        """The q-quantile in seconds, to within 0.1 %; `failures` more requests rank as infinitely slow."""
        return quantile(self.histogram, q, failures)


@dataclass
class Scope:
    """One thing that is measured.

    kind and name: `source` "users" (a traffic class, all its endpoints); `request` "users → api.main" (one endpoint of
    the mix); `call` "gateway.checkout → cart.read" (calls as the caller sees them, retries included); `endpoint`
    "cart.read", `service` "cart", `instance` "cart-1", `node` "app-1" (tasks as the server sees them, sojourn from the
    request's arrival there to its answer).
    """

    kind: ScopeKind
    name: str
    cohort: Counts
    total: Counts
    latency: Latency
    throughput_per_s: float
    """ok completions in [warm-up, end] per second, whichever cohort they belong to."""
    goodput_per_s: float
    attempts: dict[str, int] = field(default_factory=dict)
    """Calls, requests and sources only: attempts of the whole run by outcome, with `unfinished` and `started`."""


@dataclass
class Gauge:
    """Time averages over [warm-up, end] of an instance, a node or a disk."""

    kind: Literal["instance", "node", "disk", "link"]
    name: str
    """Of a disk: the node's."""
    in_system_mean: float
    """Tasks present, waiting or in service; operations, of a disk."""
    queue_mean: float
    """Tasks waiting for a worker (threads), bursts waiting for the loop (event_loop), operations for the disk."""
    busy_cores_mean: float
    utilization: float
    """busy_cores_mean over the cores of the node, or over what the instance may use of them; a disk counts as one."""


@dataclass
class Run:
    """Metrics of one replication of one variant."""

    scenario: str
    variant: str
    replication: int
    seed: int
    warmup_s: float
    duration_s: float
    stopped: str | None
    """None, or the sentence that says what overflowed, where and when (results up to there are kept)."""
    stopped_at_s: float
    """Where the simulation ended, drain included."""
    scopes: list[Scope]
    gauges: list[Gauge]
    series: pd.DataFrame
    """One row a window and scope: window_start_s, kind, name, offered, ok, good (ok within the class's SLO latency),
    failed (neither ok nor cancelled), cancelled, latency_mean_s, p50_s, p99_s (sources only), in_system, queue,
    utilization (instances, nodes and disks only, at the mean)."""
    requests: Path | None
    """Parquet file of recorded requests (record: sample | all): index, source, endpoint, intended_s, latency_s,
    outcome, attempts, instance, key, size_bytes."""
    events: int
    wall_s: float
    faults: list[tuple[str, float, float]] = field(default_factory=list)
    """(name, start_s, end_s) of each fault episode."""
    control: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(CONTROL)))
    """What the control plane did, a row an event: time_s, component, event, subject, detail (docs/registries.md says
    which words there are). Of the component `truth`: when instances were down, up, paused, resumed, stopping."""
    violations: list[str] = field(default_factory=list)
    """What the model's safety checkers found, a sentence each."""

    def scope(self, kind: ScopeKind, name: str) -> Scope:
        for scope in self.scopes:
            if scope.kind == kind and scope.name == name:
                return scope
        raise KeyError(f"no {kind} called {name!r}; there are {[s.name for s in self.scopes if s.kind == kind]}")
