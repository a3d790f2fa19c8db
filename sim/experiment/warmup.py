"""`warmup: auto`: where the start of the runs is over, found from a first pass that measures everything.

The first pass makes the same runs (same seeds, same paths) in 500 windows. Two series of each variant are looked at,
both over all its replications: how many tasks are in the system, which a start from empty bends first, and the mean
latency of the requests that ended, which is what is reported and follows later. Batches of five windows go through
MSER-5 (`sim.statistics.mser`). The latest of all cuts holds for all variants, so that they stay comparable. Where it
lies in the second half of the run, no steady state was shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sim.engine.run import Run
from sim.model import RunPlan
from sim.statistics.mser import BATCH, mser_cut
from sim.units import format_duration

WINDOWS = 500
NO_STEADY_STATE = "no steady state shown"
IN_SYSTEM, LATENCY = "the number of tasks in the system", "the mean latency"


@dataclass(frozen=True, slots=True)
class Warmup:
    """What was found; nothing before `cut_s` is measured. Where no steady state was `found`, that is half of what was
    simulated."""

    cut_s: float
    found: bool
    sentence: str

    @property
    def caveat(self) -> str:
        """What every number has to say of itself, or nothing."""
        return "" if self.found else NO_STEADY_STATE


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where one series settles, and how long it is."""

    at_s: float
    of_s: float
    what: str


def pilot_plan(plan: RunPlan) -> RunPlan:
    """Of the first pass: all is measured, and nothing recorded."""
    return replace(plan, warmup_s=0.0, window_s=plan.duration_s / WINDOWS, record="none")


def final_plan(plan: RunPlan, warmup: Warmup) -> RunPlan:
    """What a file that states the warm-up would have asked for."""
    return replace(plan, warmup_s=warmup.cut_s, warmup_auto=False)


def find_warmup(runs: Mapping[str, Sequence[Run]]) -> Warmup:
    """The cut for all variants, from the replications of each (of the first pass)."""
    cuts = [cut for variant, of in runs.items() for cut in _cuts(f" of {variant}" if len(runs) > 1 else "", of)]
    half_s = _as_written(min((cut.of_s for cut in cuts), default=0.0) / 2)
    for variant, of in runs.items():
        stopped = sum(run.stopped is not None for run in of)
        if stopped:
            return _not_found(half_s, f"{stopped} of {len(of)} replications of {variant} stopped at a limit")
    late = [cut for cut in cuts if cut.at_s > half_s]
    if late:
        return _not_found(half_s, f"{late[0].what} still changes in the second half of the run")
    last = max(cuts, key=lambda cut: cut.at_s)
    if last.at_s == 0.0:
        return Warmup(0.0, True, "warm-up by MSER-5: none, the runs are steady from their start")
    return Warmup(last.at_s, True, f"warm-up by MSER-5: {format_duration(last.at_s)}, when {last.what} has settled")


def _not_found(half_s: float, why: str) -> Warmup:
    measured = f"measured from {format_duration(half_s)} on"
    return Warmup(half_s, False, f"{NO_STEADY_STATE}: {why}; {measured}; make run.duration longer or the load lower")


def _cuts(whose: str, runs: Sequence[Run]) -> list[_Cut]:
    """Of the two series of a variant. One in which nothing ended, or that stopped at once, has none."""
    step_s = runs[0].duration_s / WINDOWS
    batch_s = BATCH * step_s
    batches = int(min(min(run.duration_s, run.stopped_at_s) for run in runs) / batch_s + 1e-9)
    table = pd.concat([run.series for run in runs])
    table["batch"] = (table["window_start_s"] / step_s).round().astype(int) // BATCH
    table = table[table["batch"] < batches]
    found = []
    for what, means in ((IN_SYSTEM, _in_system(table)), (LATENCY, _latency(table))):
        if len(means):
            found.append(_Cut(_as_written(mser_cut(means) * batch_s), batches * batch_s, f"{what}{whose}"))
    return found


def _as_written(seconds: float) -> float:
    """15.3, not 15.299999999999999: a time that a file can state."""
    return float(f"{seconds:.12g}")


def _in_system(table: pd.DataFrame) -> np.ndarray:
    """By batch; sums over windows, instances and replications do as well as means."""
    instances = table[table["kind"] == "instance"]
    return instances.groupby("batch")["in_system"].sum().to_numpy(dtype=float)


def _latency(table: pd.DataFrame) -> np.ndarray:
    """By batch, of all requests that ended well in it; a batch without any takes the next one's."""
    sources = table[table["kind"] == "source"]
    total_s = (sources["latency_mean_s"].fillna(0.0) * sources["ok"]).groupby(sources["batch"]).sum()
    ok = sources.groupby("batch")["ok"].sum()
    return (total_s / ok.where(ok > 0)).bfill().ffill().dropna().to_numpy(dtype=float)
