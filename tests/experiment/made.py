"""Results made up from latencies and failures, for what is read from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sim.engine.run import Run
from sim.experiment import Results
from sim.experiment.outline import SourceOutline
from sim.experiment.warmup import Warmup
from tests.experiment import fakes

REPLICATIONS = 8


@dataclass(frozen=True)
class Made:
    """What one replication of one variant saw of one source: 10 s, in windows of 1 s."""

    latencies_s: np.ndarray
    failed: int = 0
    failed_in_windows: Sequence[int] = (0,) * 10
    """Of 100 requests each, for the time series alone."""


Make = Callable[[int], Made]
"""By the number of the replication."""


def common_luck(slower: float = 1.0, failed: int = 0, requests: int = 2000) -> Make:
    """Latencies that share all luck between variants, replication by replication, but for a factor."""

    def make(replication: int) -> Made:
        generator = np.random.default_rng([5, replication])
        pace = generator.uniform(0.8, 1.2)
        return Made(slower * pace * generator.exponential(0.01, requests), failed)

    return make


def run_of(variant: str, replication: int, sources: Mapping[str, Make], stopped: str | None = None) -> Run:
    """Requests a second are their number over 10 s."""
    made = {source: make(replication) for source, make in sources.items()}
    scopes = [fakes.scope("source", source, of.latencies_s, of.failed) for source, of in made.items()]
    series = pd.concat(
        pd.DataFrame(
            {
                "window_start_s": 2.0 + np.arange(10.0),
                "kind": "source",
                "name": source,
                "offered": 100,
                "ok": 100 - np.array(of.failed_in_windows),
                "good": 100 - np.array(of.failed_in_windows),
                "failed": of.failed_in_windows,
                "cancelled": 0,
            }
        )
        for source, of in made.items()
    )
    return replace(fakes.run(variant, replication, stopped=stopped), scopes=scopes, series=series, gauges=[])


def results(
    variants: Mapping[str, Make | Mapping[str, Make]],
    replications: int = REPLICATIONS,
    stopped: Mapping[str, Sequence[int]] | None = None,
    warmup: Warmup | None = None,
) -> Results:
    """Of variants with one source, `users`, or with those given; `stopped` replications end at a limit."""
    sources = {v: {"users": makes} if callable(makes) else dict(makes) for v, makes in variants.items()}
    runs = [
        run_of(variant, r, makes, "stopped at 5 s: full" if r in (stopped or {}).get(variant, ()) else None)
        for variant, makes in sources.items()
        for r in range(replications)
    ]
    models = {
        variant: replace(fakes.outlined(variant), sources=tuple(SourceOutline(source, None) for source in makes))
        for variant, makes in sources.items()
    }
    return Results(models, runs, 0.1, warmup=warmup)
