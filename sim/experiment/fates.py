"""Variants whose replications fall into two groups: some recovered, some did not. Their average describes neither.

Three looks, the first that finds two groups counts: the share of ok answers in the last quarter of the measured time
(who was stuck at the end), that of the whole cohort, and the mean latency. What makes a gap is `sim.statistics.fates`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.engine.run import Run
from sim.experiment.measures import measured_s, not_ok
from sim.experiment.windows import windows_of
from sim.statistics import two_groups

LAST_PART = 0.25
"""Of the measured time: the end, in which a system is stuck or not."""
STUCK_GAP = 0.2
"""Between the groups' shares of ok answers at the end."""
AVAILABILITY_GAP = 0.05
LATENCY_FACTOR = 2.0
"""Between the groups' mean latencies."""


@dataclass(frozen=True, slots=True)
class Fate:
    """One group: how many replications, and from where to where `metric` goes among them."""

    count: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Fates:
    """Two groups of replications, the worse one first."""

    variant: str
    source: str
    metric: str
    """availability, or latency_mean_s."""
    groups: tuple[Fate, Fate]
    sentence: str


def fates_of(variant: str, source: str, runs: Sequence[Run], *, named: str = "") -> Fates | None:
    """The two fates of a variant's replications, if it has two. `named` is the source where a sentence must say it."""
    if any(run.stopped is not None for run in runs):
        return None
    available, means = [_available(run, source) for run in runs], [_mean_s(run, source) for run in runs]
    looks = (
        (two_groups([_ok_at_the_end(run, source) for run in runs], STUCK_GAP), "did not recover", "availability"),
        (two_groups(available, AVAILABILITY_GAP), "fared worse", "availability"),
        (_slow_and_fast(means), "were much slower", "latency_mean_s"),
    )
    for split, what, metric in looks:
        if split is not None:
            values = means if metric == "latency_mean_s" else available
            worse, better = (_fate([values[place] for place in places]) for places in split)
            whose = f"{variant} for {named}" if named else variant
            how = _range_s if metric == "latency_mean_s" else _range_percent
            label = "mean latency" if metric == "latency_mean_s" else "availability"
            sentence = (
                f"{worse.count} of {len(runs)} replications of {whose} {what} "
                f"({label} {how(worse)}; the other {better.count}: {how(better)})"
            )
            return Fates(variant, source, metric, (worse, better), sentence)
    return None


def _slow_and_fast(means_s: Sequence[float]) -> tuple[list[int], list[int]] | None:
    """The slower ones first, on a scale of factors."""
    if not all(mean_s > 0.0 for mean_s in means_s):
        return None
    split = two_groups([math.log(mean_s) for mean_s in means_s], math.log(LATENCY_FACTOR))
    return None if split is None else (split[1], split[0])


def _fate(values: Sequence[float]) -> Fate:
    return Fate(len(values), min(values), max(values))


def _available(run: Run, source: str) -> float:
    scope = run.scope("source", source)
    offered = scope.cohort.offered
    return 1.0 - not_ok(scope) / offered if offered else math.nan


def _mean_s(run: Run, source: str) -> float:
    return run.scope("source", source).latency.mean_s


def _ok_at_the_end(run: Run, source: str) -> float:
    """Share of ok answers among those that ended in the last quarter of the measured time; 0 where none did."""
    windows = windows_of(run, "source", source)
    last = windows.start_s >= run.duration_s - LAST_PART * measured_s(run)
    ok, ended = float(windows.ok[last].sum()), float(windows.ended[last].sum())
    if ended > 0.0:
        return ok / ended
    return 0.0 if windows.offered[last].sum() > 0.0 else math.nan


def _range_percent(fate: Fate) -> str:
    """`7–65 %`; as many decimals as it takes that 99.95 is not 100."""
    return f"{'–'.join(dict.fromkeys(map(_percent, (fate.low, fate.high))))} %"


def _percent(share: float) -> str:
    missing = 100.0 * (1.0 - share)
    decimals = 0 if missing >= 1.0 or missing <= 1e-9 else 1 - math.floor(math.log10(missing))
    return f"{100.0 * share:.{decimals}f}"


def _range_s(fate: Fate) -> str:
    ends = [f"{float(np.format_float_positional(value, 3, fractional=False)):g}" for value in (fate.low, fate.high)]
    return f"{'–'.join(dict.fromkeys(ends))} s"
