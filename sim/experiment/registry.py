"""What clients knew, in numbers: of each variant over its replications, with intervals, and as tidy tables.

Times (detect, converge, return, hand-off) are means over all events of all replications; those that were not over
before the instance was back, or the run ended, have no time: `unseen` counts them, and the mean is of the others. Sums
and counts are means over replications.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.engine.run import Run
from sim.errors import DsimError
from sim.experiment import coordination, knowledge
from sim.experiment.control import TRUTH, Log, read_log
from sim.experiment.measures import stop_caveat, with_caveats
from sim.experiment.outline import Outline
from sim.statistics import Estimate, mean_estimate, ratio_estimate
from sim.statistics.estimate import withheld

if TYPE_CHECKING:
    from sim.experiment.results import Results

MET_THE_DEAD = {"lost": "timeout", "refused": "refused"}
"""A server's words for requests that reached a dead host, or a dead process on a living one, and their callers'."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A mean time, the events whose time was seen, and those that were not over when nobody looked any more."""

    mean_s: Estimate
    seen: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Of one variant."""

    variant: str
    deaths: int
    by_fault: Mapping[str, Duration]
    """converge_all, by the entry of `failures` that the deaths came from."""
    times: Mapping[str, Duration]
    """detect, converge (a view), converge_all, registered, back_all, handoff."""
    sums: Mapping[str, Estimate]
    """A replication: stale_view_s, missing_s, requests_to_dead, false_ejections, false_removals, unwritable_s,
    unwritable, elections, leader_changes, acquired, accepted, stale, fenced."""


def tells_clients(results: Results) -> bool:
    """Does a registry, or do health checks, tell clients whom to call, in any variant?"""
    return any(model.tells_clients for model in results.models.values())


def is_logged(results: Results) -> bool:
    """Did anything happen in the control plane that is told: of registries, or of stores and locks?"""
    return tells_clients(results) or any(bool(run.control["component"].ne(TRUTH).any()) for run in results.runs)


def knowledge_of(results: Results) -> list[Knowledge]:
    """Variant by variant."""
    return [_of_variant(results, variant) for variant in results.variants]


def logs_of(results: Results, variant: str) -> list[Log]:
    """A replication each."""
    instances = {s.name: tuple(i.name for i in s.instances) for s in results.models[variant].services}
    return [read_log(run, instances) for run in results.of(variant)]


def log_of(results: Results, variant: str, replication: int) -> Log:
    """Raises: DsimError for a replication that was not run."""
    runs = [run.replication for run in results.of(variant)]
    if replication not in runs:
        raise DsimError(f"replication: got {replication}; must be one of 0 to {max(runs)}, as they were run")
    return logs_of(results, variant)[runs.index(replication)]


def cause_of(run: Run, model: Outline, end: knowledge.End) -> str:
    """The entry of `failures` that took an instance down; empty where none did at that moment."""
    node = next(i.node for service in model.services for i in service.instances if i.name == end.instance)
    places = {("instance", end.instance), ("node", node)}
    struck = {name for name, start_s, _ in run.faults if start_s == end.at_s}
    return next((f.cause for f in model.faults if f.name in struck and places & set(f.takes_down)), "")


def registry_table(found: Sequence[Knowledge]) -> pd.DataFrame:
    """A row a variant and measure: value, low, high (95 %), seen, unseen, note. Times in seconds."""
    rows = []
    for of in found:
        for name, duration in of.times.items():
            rows.append(_row(of.variant, f"{name}_s", duration.mean_s, duration.seen, duration.unseen))
        rows += [_row(of.variant, name, estimate, None, None) for name, estimate in of.sums.items()]
    table = pd.DataFrame(rows).astype({"seen": "Int64", "unseen": "Int64"})
    return table.set_index(["variant", "measure"])


def ends_table(results: Results) -> pd.DataFrame:
    """A row a death, or stop, of an instance."""
    found = _each(results, lambda log: (_end(end) for end in knowledge.ends(log)), END)
    runs = {(run.variant, run.replication): run for run in results.runs}
    ends = [end for variant in results.variants for log in logs_of(results, variant) for end in knowledge.ends(log)]
    keys = zip(found["variant"], found["replication"], ends, strict=True)
    return found.assign(fault=[cause_of(runs[v, r], results.models[v], end) for v, r, end in keys])


def views_table(results: Results) -> pd.DataFrame:
    """A row a death, or stop, and client that listed the instance."""
    return _each(results, _convergences, CONVERGENCE)


def returns_table(results: Results) -> pd.DataFrame:
    """A row a return of an instance."""
    return _each(results, lambda log: (_return(of) for of in knowledge.returns(log)), RETURN)


def outages_table(results: Results) -> pd.DataFrame:
    """A row a span in which a registry could not commit."""
    return _each(results, lambda log: map(asdict, coordination.outages(log)), OUTAGE)


def handoffs_table(results: Results) -> pd.DataFrame:
    """A row a hand-off of a lock."""
    found = _each(results, lambda log: map(asdict, coordination.handoffs(log)), HANDOFF)
    return found.assign(takes_s=found["taken_s"] - found["free_s"])


END = ("service", "instance", "kind", "at_s", "until_s", "detect_s", "converge_all_s", "views")
CONVERGENCE = ("service", "instance", "kind", "at_s", "client", "converge_s")
RETURN = ("service", "instance", "at_s", "until_s", "registered_s", "back_all_s", "views")
OUTAGE = ("component", "start_s", "end_s", "lasts")
HANDOFF = ("component", "key", "holder", "next_holder", "how", "free_s", "taken_s")


def _end(end: knowledge.End) -> dict[str, Any]:
    return {name: getattr(end, name) for name in END[:-1]} | {"views": len(end.converge_s)}


def _return(of: knowledge.Return) -> dict[str, Any]:
    return {name: getattr(of, name) for name in RETURN[:-1]} | {"views": len(of.back_s)}


def _convergences(log: Log) -> Iterable[dict[str, Any]]:
    for end in knowledge.ends(log):
        of = {name: getattr(end, name) for name in CONVERGENCE[:4]}
        yield from (of | {"client": client, "converge_s": time_s} for client, time_s in end.converge_s.items())


def _each(results: Results, rows_of: Any, columns: Sequence[str]) -> pd.DataFrame:
    rows = [
        {"variant": variant, "replication": run.replication} | row
        for variant in results.variants
        for run, log in zip(results.of(variant), logs_of(results, variant), strict=True)
        for row in rows_of(log)
    ]
    return pd.DataFrame(rows, columns=["variant", "replication", *columns])


def _of_variant(results: Results, variant: str) -> Knowledge:
    runs, logs = results.of(variant), logs_of(results, variant)
    deaths = [[end for end in knowledge.ends(log) if end.kind == "death"] for log in logs]
    returns = [knowledge.returns(log) for log in logs]
    stopped = stop_caveat(runs)
    times = {
        "detect": [[end.detect_s for end in of] for of in deaths],
        "converge": [[time_s for end in of for time_s in end.converge_s.values()] for of in deaths],
        "converge_all": [[end.converge_all_s for end in of] for of in deaths],
        "registered": [[back.registered_s for back in of] for of in returns],
        "back_all": [[back.back_all_s for back in of] for of in returns],
        "handoff": [[handoff.takes_s for handoff in coordination.handoffs(log)] for log in logs],
    }
    sums = [_sums(run, log) for run, log in zip(runs, logs, strict=True)]
    model = results.models[variant]
    causes = [[cause_of(run, model, end) for end in of] for run, of in zip(runs, deaths, strict=True)]
    by_fault = {
        cause: [
            [end.converge_all_s for end, its in zip(of, theirs, strict=True) if its == cause]
            for of, theirs in zip(deaths, causes, strict=True)
        ]
        for cause in dict.fromkeys(cause for of in causes for cause in of)
    }
    return Knowledge(
        variant,
        sum(map(len, deaths)),
        {cause: _duration(of, stopped) for cause, of in by_fault.items()},
        {name: _duration(of, stopped) for name, of in times.items()},
        {name: with_caveats(_at_least_0(mean_estimate([of[name] for of in sums])), "", stopped) for name in sums[0]},
    )


def _sums(run: Run, log: Log) -> dict[str, float]:
    outages = coordination.outages(log)
    return {
        **asdict(knowledge.staleness(log)),
        "requests_to_dead": sum(_requests_to_dead(run, instances) for instances in log.instances.items()),
        "unwritable_s": sum(outage.end_s - outage.start_s for outage in outages),
        "unwritable": len(outages),
        **asdict(coordination.counts(log)),
    }


def _requests_to_dead(run: Run, service: tuple[str, Sequence[str]]) -> int:
    """What dead servers were sent, but for health probes: those are calls of `CALLER (NAME)`."""
    name, instances = service
    met: dict[str, int] = dict.fromkeys(MET_THE_DEAD, 0)
    for scope in run.scopes:
        caller, _, callee = scope.name.partition(" → ")
        if scope.kind == "instance" and scope.name in instances:
            for outcome in MET_THE_DEAD:
                met[outcome] += scope.total.outcomes.get(outcome, 0)
        elif scope.kind == "call" and caller.endswith(")") and callee.partition(".")[0] == name:
            for outcome, seen_as in MET_THE_DEAD.items():
                met[outcome] -= scope.attempts.get(seen_as, 0)
    return sum(max(count, 0) for count in met.values())


def _at_least_0(estimate: Estimate) -> Estimate:
    """Of counts and sums, which are never negative."""
    return replace(estimate, low=max(estimate.low, 0.0)) if estimate.has_interval else estimate


def _duration(times_s: Sequence[Sequence[float]], stopped: str) -> Duration:
    """Of a list a replication; nan is none."""
    seen = [[time_s for time_s in of if math.isfinite(time_s)] for of in times_s]
    unseen = sum(math.isinf(time_s) for of in times_s for time_s in of)
    if not any(seen):
        nothing = withheld(f"none of {unseen} was over before the end" if unseen else "there was none")
        return Duration(nothing, 0, unseen)
    mean_s = ratio_estimate([sum(of) for of in seen], [len(of) for of in seen], "there was none")
    note = f"of {sum(map(len, seen))} that were over; {unseen} were not" if unseen else ""
    return Duration(with_caveats(mean_s, note, stopped), sum(map(len, seen)), unseen)


def _row(variant: str, measure: str, estimate: Estimate, seen: int | None, unseen: int | None) -> dict[str, Any]:
    interval = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {"variant": variant, "measure": measure, **interval, "seen": seen, "unseen": unseen, "note": estimate.reason}
