"""Runs as tidy tables, and back: everything that a replication measured, without loss.

`metrics` holds a row a number, `histograms` a row an occupied bin, `timeseries` a row a window, `control` a row a line
of the control plane's log. Counts stay exact up to 2^53 in the float64 column of `metrics`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.engine.run import Counts, Gauge, Latency, Run, Scope
from sim.experiment.tables import control_table, timeseries_table

METRICS = ("variant", "replication", "kind", "name", "metric", "value")
CONTROL = ("variant", "replication", "time_s", "component", "event", "subject", "detail")
HISTOGRAMS = ("variant", "replication", "kind", "name", "bin", "count")
TEXTS = ("variant", "kind", "name", "metric", "component", "event", "subject", "detail")
COUNTS = ("offered", "good", "unfinished")
"""Of the cohort; with `total_` in front, of the whole run. Outcomes stand beside them by their own names."""
LATENCIES = ("mean_s", "variance_s2", "min_s", "max_s")
RATES = ("throughput_per_s", "goodput_per_s")
AVERAGES = ("in_system_mean", "queue_mean", "busy_cores_mean", "utilization")

Replication = tuple[str, int]
"""A variant and the number of one of its replications."""
Thing = tuple[str, str]
"""Kind and name of what was measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the tables hold of one replication."""

    scopes: list[Scope]
    gauges: list[Gauge]
    series: pd.DataFrame
    control: pd.DataFrame


def tables_of(runs: Sequence[Run]) -> dict[str, pd.DataFrame]:
    """The tables by name."""
    return {
        "metrics": _metrics(runs),
        "histograms": _histograms(runs),
        "timeseries": timeseries_table(runs),
        "control": _with_categories(control_table(runs)),
    }


def measured(tables: Mapping[str, pd.DataFrame], replications: Iterable[Replication]) -> dict[Replication, Measured]:
    """The inverse of `tables_of`, for the replications named.

    Raises: KeyError, ValueError where the tables lack something."""
    numbers = _numbers(tables["metrics"])
    bins = _bins(tables["histograms"])
    series = dict(iter(tables["timeseries"].groupby(["variant", "replication"], sort=False)))
    lines = dict(iter(tables["control"].groupby(["variant", "replication"], sort=False, observed=True)))
    found = {}
    for key in replications:
        things = numbers[key]
        found[key] = Measured(
            [_scope(thing, of, bins.get((key, thing), NO_BINS)) for thing, of in things.items() if "offered" in of],
            [_gauge(thing, of) for thing, of in things.items() if "utilization" in of],
            series[key].drop(columns=["variant", "replication"]).reset_index(drop=True),
            _control(lines.get(key, tables["control"].iloc[:0])),
        )
    return found


def _control(lines: pd.DataFrame) -> pd.DataFrame:
    """Of one replication, without what repeats on every row."""
    texts = dict.fromkeys(("component", "event", "subject", "detail"), "str")
    return lines[list(CONTROL[2:])].astype({"time_s": float, **texts}).reset_index(drop=True)


def _metrics(runs: Sequence[Run]) -> pd.DataFrame:
    rows = [
        (run.variant, run.replication, *thing, metric, float(value))
        for run in runs
        for thing, of in _things(run)
        for metric, value in of.items()
    ]
    return _with_categories(pd.DataFrame(rows, columns=list(METRICS)))


def _things(run: Run) -> Iterator[tuple[Thing, dict[str, float]]]:
    for scope in run.scopes:
        yield (scope.kind, scope.name), _scope_numbers(scope)
    for gauge in run.gauges:
        yield (gauge.kind, gauge.name), {average: getattr(gauge, average) for average in AVERAGES}


def _scope_numbers(scope: Scope) -> dict[str, float]:
    return {
        **_count_numbers(scope.cohort, ""),
        **_count_numbers(scope.total, "total_"),
        **{rate: getattr(scope, rate) for rate in RATES},
        **{f"latency_{moment}": getattr(scope.latency, moment) for moment in LATENCIES},
        **{f"attempts_{outcome}": count for outcome, count in scope.attempts.items()},
    }


def _count_numbers(counts: Counts, prefix: str) -> dict[str, float]:
    return {
        **{prefix + name: getattr(counts, name) for name in COUNTS},
        **{prefix + "outcome_" + outcome: count for outcome, count in counts.outcomes.items()},
    }


def _histograms(runs: Sequence[Run]) -> pd.DataFrame:
    scopes = [(run, scope) for run in runs for scope in run.scopes]
    things = [(run.variant, run.replication, scope.kind, scope.name) for run, scope in scopes]
    lengths = [len(scope.latency.bins) for _, scope in scopes]
    table = _with_categories(pd.DataFrame(things, columns=list(HISTOGRAMS[:4])))
    table = table.take(np.repeat(np.arange(len(things)), lengths)).reset_index(drop=True)
    table["bin"] = np.concatenate([scope.latency.bins for _, scope in scopes]).astype(np.int32)
    table["count"] = np.concatenate([scope.latency.bin_counts for _, scope in scopes]).astype(np.int64)
    return table


def _with_categories(table: pd.DataFrame) -> pd.DataFrame:
    """Texts that repeat are stored once."""
    repeated = [column for column in TEXTS if column in table]
    return table.astype(dict.fromkeys(repeated, "category"))


NO_BINS = (np.empty(0, np.int32), np.empty(0, np.int64))


def _numbers(metrics: pd.DataFrame) -> dict[Replication, dict[Thing, dict[str, float]]]:
    found: dict[Replication, dict[Thing, dict[str, float]]] = {}
    for variant, replication, kind, name, metric, value in zip(*(metrics[c].tolist() for c in METRICS), strict=True):
        found.setdefault((variant, replication), {}).setdefault((kind, name), {})[metric] = value
    return found


def _bins(histograms: pd.DataFrame) -> dict[tuple[Replication, Thing], tuple[np.ndarray, np.ndarray]]:
    keys = list(HISTOGRAMS[:4])
    bins, counts = (histograms[column].to_numpy() for column in HISTOGRAMS[4:])
    groups: Mapping[Any, Any] = histograms.groupby(keys, sort=False, observed=True).indices
    return {((v, r), (kind, name)): (bins[rows], counts[rows]) for (v, r, kind, name), rows in groups.items()}


def _scope(thing: Thing, of: Mapping[str, float], bins: tuple[np.ndarray, np.ndarray]) -> Scope:
    kind: Any = thing[0]
    cohort, total = _counts(of, ""), _counts(of, "total_")
    mean_s, variance_s2, min_s, max_s = (of[f"latency_{moment}"] for moment in LATENCIES)
    latency = Latency(cohort.outcomes.get("ok", 0), mean_s, variance_s2, min_s, max_s, *bins)
    throughput, goodput = (of[rate] for rate in RATES)
    return Scope(kind, thing[1], cohort, total, latency, throughput, goodput, _whole(of, "attempts_"))


def _counts(of: Mapping[str, float], prefix: str) -> Counts:
    offered, good, unfinished = (int(of[prefix + name]) for name in COUNTS)
    return Counts(offered, _whole(of, prefix + "outcome_"), unfinished, good)


def _whole(of: Mapping[str, float], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): int(value) for name, value in of.items() if name.startswith(prefix)}


def _gauge(thing: Thing, of: Mapping[str, float]) -> Gauge:
    kind: Any = thing[0]
    return Gauge(kind, thing[1], *(of[average] for average in AVERAGES))
