"""Tidy tables of what was measured: a row a variant, a replication and a thing that was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sim.engine.run import CONTROL, Run, Scope
from sim.errors import DsimError
from sim.experiment.measures import QUANTILES
from sim.statistics import Estimate


def scopes_table(runs: Sequence[Run]) -> pd.DataFrame:
    """Columns: variant, replication, kind, name; the cohort's offered, good, unfinished and one column an outcome;
    throughput_per_s, goodput_per_s; latency of the ok ones: latency_mean_s, latency_variance_s2, latency_min_s,
    latency_max_s and quantiles; total_offered (the whole run); attempts_ columns where there are attempts."""
    rows = [{"variant": run.variant, "replication": run.replication} | _row(s) for run in runs for s in run.scopes]
    table = pd.DataFrame(rows)
    counts = [c for c in table.columns if c.startswith("attempts_") or c in _outcomes(runs)]
    table[counts] = table[counts].fillna(0).astype("int64")
    return table


def gauges_table(runs: Sequence[Run]) -> pd.DataFrame:
    """Columns: variant, replication, kind (instance or node), name, in_system_mean, queue_mean, busy_cores_mean,
    utilization."""
    return pd.DataFrame(
        [
            {"variant": run.variant, "replication": run.replication, **vars(gauge)}
            for run in runs
            for gauge in run.gauges
        ]
    )


def timeseries_table(runs: Sequence[Run]) -> pd.DataFrame:
    """The runs' series, one below the other, with variant and replication in front."""
    frames = []
    for run in runs:
        frame = run.series.copy()
        frame.insert(0, "replication", run.replication)
        frame.insert(0, "variant", run.variant)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def control_table(runs: Sequence[Run]) -> pd.DataFrame:
    """The control plane's logs, one below the other: variant, replication, time_s, component, event, subject,
    detail."""
    columns = ["variant", "replication", *CONTROL]
    frames = [run.control.assign(variant=run.variant, replication=run.replication) for run in runs if len(run.control)]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def requests_table(runs: Sequence[Run]) -> pd.DataFrame:
    """The recorded requests of all runs, with variant and replication in front."""
    frames = []
    for run in runs:
        if run.requests is not None:
            frame = read_table(run.requests, ["index"])
            frame.insert(0, "replication", run.replication)
            frame.insert(0, "variant", run.variant)
            frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def read_table(path: Path, columns: Iterable[str]) -> pd.DataFrame:
    """A Parquet file that must have these columns. Raises: DsimError where it has not, or cannot be read."""
    again = "copy the whole folder of results again, or run the scenario again"
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError as error:
        raise DsimError(f"{path}: is missing; {again}") from error
    except (OSError, ValueError) as error:  # pyarrow's errors are among them
        why = str(error).partition("\n")[0].rstrip(".")
        raise DsimError(f"{path}: is damaged ({why}); {again}") from error
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise DsimError(f"{path}: is damaged: it lacks the column {lacking[0]}; {again}")
    return table


def summary_row(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """Each metric, and beside it the half-width of its 95 % interval; ends of the interval for availability, which
    may be one-sided; the reasons for what is missing."""
    row: dict[str, Any] = {}
    for metric, estimate in estimates.items():
        row[metric] = estimate.value
        row[f"{metric}_half_width"] = estimate.half_width
    row["availability_low"] = estimates["availability"].low
    row["availability_high"] = estimates["availability"].high
    row["notes"] = "; ".join(dict.fromkeys(f"{m}: {e.reason}" for m, e in estimates.items() if e.reason))
    return row


def _row(scope: Scope) -> dict[str, Any]:
    latency = scope.latency
    return {
        "kind": scope.kind,
        "name": scope.name,
        "offered": scope.cohort.offered,
        "good": scope.cohort.good,
        "unfinished": scope.cohort.unfinished,
        **scope.cohort.outcomes,
        "throughput_per_s": scope.throughput_per_s,
        "goodput_per_s": scope.goodput_per_s,
        "latency_mean_s": latency.mean_s,
        "latency_variance_s2": latency.variance_s2,
        "latency_min_s": latency.min_s,
        "latency_max_s": latency.max_s,
        **{f"latency_{label}_ok_s": latency.quantile_s(q) for label, q in QUANTILES.items()},
        "total_offered": scope.total.offered,
        **{f"attempts_{outcome}": count for outcome, count in scope.attempts.items()},
    }


def _outcomes(runs: Sequence[Run]) -> set[str]:
    return {outcome for run in runs for scope in run.scopes for outcome in scope.cohort.outcomes}
