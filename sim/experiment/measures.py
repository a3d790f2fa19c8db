"""What is estimated from the replications of one variant: the numbers of a scope or of a gauge, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

from sim.engine.run import Gauge, Run, Scope, ScopeKind
from sim.experiment.outline import ServiceOutline
from sim.statistics import Estimate, availability, mean_estimate, pooled_quantile

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
GAUGES = ("utilization", "in_system_mean", "queue_mean", "busy_cores_mean")


def measured_s(run: Run) -> float:
    """Seconds in which a cohort was offered: from warm-up to the end, or to where the run stopped."""
    return min(run.duration_s, run.stopped_at_s) - run.warmup_s


def not_ok(scope: Scope) -> int:
    """Requests of the cohort that failed or had no answer when the run ended."""
    return scope.cohort.offered - scope.cohort.outcomes.get("ok", 0)


def scope_estimates(runs: Sequence[Run], kind: ScopeKind, name: str) -> dict[str, Estimate]:
    """Estimates by metric. In `latency_p99_s` what failed or was unfinished ranks as +∞; `latency_p99_ok_s` and
    `latency_mean_s` describe the successes alone."""
    scopes = [run.scope(kind, name) for run in runs]
    histograms = [scope.latency.histogram for scope in scopes]
    failed = [not_ok(scope) for scope in scopes]
    offered = [_rate(scope.cohort.offered, measured_s(run)) for run, scope in zip(runs, scopes, strict=True)]
    estimates = {
        "offered_per_s": mean_estimate(offered),
        "throughput_per_s": mean_estimate([scope.throughput_per_s for scope in scopes]),
        "goodput_per_s": mean_estimate([scope.goodput_per_s for scope in scopes]),
        "latency_mean_s": mean_estimate([_mean_latency(scope) for scope in scopes]),
    }
    for label, q in QUANTILES.items():
        estimates[f"latency_{label}_s"] = pooled_quantile(histograms, failed, q)
    for label, q in QUANTILES.items():
        estimates[f"latency_{label}_ok_s"] = pooled_quantile(histograms, [0] * len(scopes), q)
    estimates["availability"] = availability(
        [scope.cohort.outcomes.get("ok", 0) for scope in scopes], [scope.cohort.offered for scope in scopes]
    )
    return estimates


def gauge_estimates(runs: Sequence[Run], names: Sequence[str], kind: str) -> dict[str, Estimate]:
    """Estimates of the gauges called `names` taken together: tasks and cores add up, utilizations are averaged."""
    groups = [[gauge for gauge in run.gauges if gauge.kind == kind and gauge.name in names] for run in runs]
    return {metric: mean_estimate([_together(group, metric) for group in groups]) for metric in GAUGES}


def service_estimates(runs: Sequence[Run], service: ServiceOutline) -> dict[str, Estimate]:
    """Gauges of a service: its instances taken together."""
    return gauge_estimates(runs, [instance.name for instance in service.instances], "instance")


def _together(gauges: Sequence[Gauge], metric: str) -> float:
    values = [float(getattr(gauge, metric)) for gauge in gauges]
    if not values:
        return float("nan")
    return sum(values) / len(values) if metric == "utilization" else sum(values)


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else float("nan")


def _mean_latency(scope: Scope) -> float:
    return scope.latency.mean_s if scope.latency.count else float("nan")
