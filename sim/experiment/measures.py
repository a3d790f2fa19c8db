"""What is estimated from the replications of one variant: the numbers of a scope or of a gauge, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from sim.engine.run import Gauge, Run, Scope, ScopeKind
from sim.experiment.outline import ServiceOutline
from sim.experiment.windows import windows_of
from sim.statistics import Averages, Estimate, Latencies, Samples, Shares, mean_estimate

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
GAUGES = ("utilization", "in_system_mean", "queue_mean", "busy_cores_mean")
WINDOW_TARGET = 0.999
"""Share of good answers from which on a window has met its objective, where no other is declared."""


def measured_s(run: Run) -> float:
    """Seconds in which a cohort was offered: from warm-up to the end, or to where the run stopped."""
    return min(run.duration_s, run.stopped_at_s) - run.warmup_s


def not_ok(scope: Scope) -> int:
    """Requests of the cohort that failed or had no answer when the run ended."""
    return scope.cohort.offered - scope.cohort.outcomes.get("ok", 0)


def scope_estimates(
    runs: Sequence[Run], kind: ScopeKind, name: str, *, caveat: str = "", window_target: float = WINDOW_TARGET
) -> dict[str, Estimate]:
    """The metrics of `scope_samples`, with 95 % intervals. `caveat` is what each has to say of itself. After a stop at
    a limit none has an interval: replications that reach differently far have nothing in common."""
    samples = scope_samples(runs, kind, name, window_target=window_target)
    stopped = stop_caveat(runs)
    return {metric: with_caveats(sample.estimate(), caveat, stopped) for metric, sample in samples.items()}


def scope_samples(
    runs: Sequence[Run], kind: ScopeKind, name: str, *, window_target: float = WINDOW_TARGET
) -> dict[str, Samples]:
    """What each replication says, by metric.

    In `latency_p99_s` what failed or was unfinished ranks as +∞; `latency_p99_ok_s` and `latency_mean_s` describe the
    successes alone. `availability` is the share of requests answered well, `good_share` of those within the class's
    latency objective too, `window_availability` that of time windows (see `windows_met`).
    """
    scopes = [run.scope(kind, name) for run in runs]
    histograms = [scope.latency.histogram for scope in scopes]
    failed = [not_ok(scope) for scope in scopes]
    offered = [scope.cohort.offered for scope in scopes]
    windows = [windows_met(run, kind, name, window_target) for run in runs]
    samples: dict[str, Samples] = {
        "offered_per_s": Averages([_rate(n, measured_s(run)) for run, n in zip(runs, offered, strict=True)]),
        "throughput_per_s": Averages([scope.throughput_per_s for scope in scopes]),
        "goodput_per_s": Averages([scope.goodput_per_s for scope in scopes]),
        "latency_mean_s": Averages([_mean_latency(scope) for scope in scopes]),
    }
    for label, q in QUANTILES.items():
        samples[f"latency_{label}_s"] = Latencies(histograms, failed, q)
    for label, q in QUANTILES.items():
        samples[f"latency_{label}_ok_s"] = Latencies(histograms, [0] * len(scopes), q)
    samples["availability"] = Shares([n - bad for n, bad in zip(offered, failed, strict=True)], offered)
    samples["good_share"] = Shares([scope.cohort.good for scope in scopes], offered)
    samples["window_availability"] = Shares([met for met, _ in windows], [of for _, of in windows], "windows")
    return samples


def windows_met(run: Run, kind: str, name: str, target: float = WINDOW_TARGET) -> tuple[int, int]:
    """How many windows of the time series met the objective, and of how many.

    Whole windows between warm-up and end count, if they had a request. A window has met the objective where at least
    `target` of the requests that ended in it were good: ok, within the class's latency objective. Where requests came
    and none ended, the next window in which some did decides; without one, it has not.
    """
    windows = windows_of(run, kind, name)
    whole = windows.length_s >= windows.length_s.max(initial=0.0) - windows.slack_s
    counted = whole & windows.measured & windows.had_requests
    return int((windows.good_share[counted] >= target).sum()), int(counted.sum())


def stop_caveat(runs: Sequence[Run]) -> str:
    """How many replications stopped at a limit, or nothing."""
    stopped = sum(run.stopped is not None for run in runs)
    which = f"all {stopped}" if stopped == len(runs) else f"{stopped} of {len(runs)}"
    return f"{which} replications stopped at a limit" if stopped else ""


def gauge_estimates(runs: Sequence[Run], names: Sequence[str], kind: str, *, caveat: str = "") -> dict[str, Estimate]:
    """Estimates of the gauges called `names` taken together: tasks and cores add up, utilizations are averaged."""
    groups = [[gauge for gauge in run.gauges if gauge.kind == kind and gauge.name in names] for run in runs]
    return _of_groups(groups, caveat, stop_caveat(runs))


def each_gauge(runs: Sequence[Run], kind: str, *, caveat: str = "") -> dict[str, dict[str, Estimate]]:
    """Estimates of every gauge of a kind by itself, by name."""
    groups: dict[str, list[list[Gauge]]] = {}
    for run in runs:
        for gauge in run.gauges:
            if gauge.kind == kind:
                groups.setdefault(gauge.name, []).append([gauge])
    stopped = stop_caveat(runs)
    return {name: _of_groups(group, caveat, stopped) for name, group in groups.items()}


def service_estimates(runs: Sequence[Run], service: ServiceOutline, *, caveat: str = "") -> dict[str, Estimate]:
    """Gauges of a service: its instances taken together."""
    return gauge_estimates(runs, [instance.name for instance in service.instances], "instance", caveat=caveat)


def with_caveats(estimate: Estimate, caveat: str, stopped: str) -> Estimate:
    """What an estimate has to say of itself; after a stop at a limit it has no interval."""
    if stopped and not math.isnan(estimate.value):
        estimate = Estimate(estimate.value, reason=f"{stopped}, so there is no interval; measured up to there")
    return replace(estimate, reason="; ".join(text for text in (caveat, estimate.reason) if text))


def _of_groups(groups: Sequence[Sequence[Gauge]], caveat: str, stopped: str) -> dict[str, Estimate]:
    """Of gauges that are taken together, a group each replication."""
    return {
        metric: with_caveats(mean_estimate([_together(group, metric) for group in groups]), caveat, stopped)
        for metric in GAUGES
    }


def _together(gauges: Sequence[Gauge], metric: str) -> float:
    values = [float(getattr(gauge, metric)) for gauge in gauges]
    if not values:
        return float("nan")
    return sum(values) / len(values) if metric == "utilization" else sum(values)


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else float("nan")


def _mean_latency(scope: Scope) -> float:
    return scope.latency.mean_s if scope.latency.count else float("nan")
