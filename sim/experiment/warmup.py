"""`warmup: auto`: where the start of the runs is over, found from a first pass that measures everything.

Two series of each variant are looked at, both averaged over its replications: how many tasks are in the system, which
a start from empty bends first, and the mean latency of the requests that ended, which is what is reported and follows
later. Batches of five windows go through MSER-5 (`sim.statistics.mser`). The latest of all cuts holds for all variants,
so that comparisons stay paired. Where it lies in the second half of the run, no steady state was shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.engine.run import Run
from sim.errors import DsimError
from sim.model import RunPlan
from sim.statistics.mser import BATCH, BATCHES_MIN, mser_cut
from sim.units import format_duration

NO_STEADY_STATE = "no steady state shown"
IN_SYSTEM, LATENCY = "the number of tasks in the system", "the mean latency"


@dataclass(frozen=True, slots=True)
class Warmup:
    """What was found: nothing before `cut_s` is measured. Not `found`, it is half of what was simulated."""

    cut_s: float
    found: bool
    sentence: str

    @property
    def caveat(self) -> str:
        """What every number has to say of itself, or nothing."""
        return "" if self.found else NO_STEADY_STATE


@dataclass(frozen=True, slots=True)
class _Cut:
    at_s: float
    of_s: float
    series: str
    variant: str


def check_windows(plans: Mapping[str, RunPlan]) -> None:
    """Raises: DsimError where a run has too few windows to find a cut in. Plans by variant."""
    for variant, plan in plans.items():
        windows, needed = int(plan.duration_s / plan.window_s + 1e-9), BATCH * BATCHES_MIN
        if windows < needed:
            raise DsimError(
                f"run.warmup: got auto with {windows} windows of {format_duration(plan.window_s)} in variant {variant}; "
                f"must be at least {needed} windows, in batches of {BATCH}, to find a cut; write e.g. "
                f"window: {format_duration(plan.duration_s / (2 * needed))}, or give the warm-up as a time"
            )


def find_warmup(runs: Mapping[str, Sequence[Run]], plans: Mapping[str, RunPlan]) -> Warmup:
    """The cut for all variants, from runs that measured from time 0 on.

    Args:
        runs: the replications of each variant; plans: their plans, by variant.
    """
    stopped = {variant: sum(run.stopped is not None for run in of) for variant, of in runs.items()}
    cuts = [cut for variant, of in runs.items() for cut in _cuts(variant, of, plans[variant].window_s)]
    latest = max(cuts, key=lambda cut: cut.at_s / cut.of_s)
    half_s = min(cut.of_s for cut in cuts) / 2
    unstable = next((variant for variant, count in stopped.items() if count), None)
    if unstable is not None:
        return _not_found(half_s, f"{stopped[unstable]} of {len(runs[unstable])} replications of {unstable} stopped")
    if latest.at_s > latest.of_s / 2:
        return _not_found(half_s, f"{latest.series} of {latest.variant} still changes in the second half of the run")
    cut = max(cuts, key=lambda cut: cut.at_s)
    if cut.at_s == 0.0:
        return Warmup(0.0, True, "warm-up (MSER-5): none is needed, the runs are steady from their start")
    text = f"warm-up (MSER-5): {format_duration(cut.at_s, 4)}, where {cut.series} of {cut.variant} has settled"
    return Warmup(cut.at_s, True, text)


def _not_found(half_s: float, why: str) -> Warmup:
    advice = "make run.duration longer, or lower the load"
    text = f"{NO_STEADY_STATE}: {why}; measured from {format_duration(half_s, 4)} on all the same; {advice}"
    return Warmup(half_s, False, text)


def _cuts(variant: str, runs: Sequence[Run], window_s: float) -> Iterator[_Cut]:
    for name, series in (
        (IN_SYSTEM, _averaged(runs, "instance", "in_system", None)),
        (LATENCY, _averaged(runs, "source", "latency_mean_s", "ok")),
    ):
        batches, of_s = _batch_means(series), len(series) * window_s
        if len(batches) >= 2 * BATCH:
            yield _Cut(mser_cut(batches) * BATCH * window_s, of_s, name, variant)
