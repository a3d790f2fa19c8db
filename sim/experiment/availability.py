"""Availability accounts: of every class of traffic end to end, and of every service as its callers see it.

docs/availability.md defines each number and names its source.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.engine.run import Run
from sim.errors import DsimError
from sim.experiment.downtime import DOWN_BELOW, NO_FAULT, Course, course
from sim.experiment.measures import measured_s, stop_caveat, with_caveats
from sim.experiment.outline import Outline
from sim.experiment.windows import CALLS, Thing, Windows, callee, windows_by_thing
from sim.statistics import Estimate, availability, burn_rate, exact_rate, mean_estimate, nines, ratio_estimate
from sim.statistics.availability import FEW
from sim.statistics.estimate import withheld

if TYPE_CHECKING:
    from sim.experiment.results import Results

BURN_WINDOW_S = 300.0
"""The shortest alerting window of the Site Reliability Workbook (2018), chapter 5."""
BURN_PARTS = 12
"""A shorter run is looked at in so many parts: the workbook's short windows are a twelfth of its long ones."""
NO_OBJECTIVE = "no availability objective is declared: slo: {availability: 99.9%}"
NO_DOWNTIME = "no downtime was seen"
SCHEDULED = "the faults behind it strike on a schedule, so how often it comes is what the scenario says"


@dataclass(frozen=True, slots=True)
class Account:
    """`kind` is source or service."""

    variant: str
    kind: str
    name: str
    objective: float | None
    good_share: Estimate
    """Of the cohort's requests; of a service, of the calls to it that nobody cancelled."""
    budget_used: Estimate
    """1: the error budget of the measured time is used up."""
    worst_burn_rate: Estimate
    """Mean over replications of the largest burn rate over any `burn_window_s`."""
    burn_window_s: float
    up_share: Estimate
    """Of windows with requests."""
    mttr_s: Estimate
    """Mean length of a downtime."""
    mtbf_s: Estimate
    """Mean time up from one downtime to the next; without any, inf and a lower bound."""
    downtimes: int
    """In all replications."""
    replications: int
    causes: Mapping[str, int]
    """Downtimes by what had broken; one with several causes counts for each."""
    notes: tuple[str, ...]

    @property
    def nines(self) -> Estimate:
        return nines(self.good_share)


def accounts(results: Results, down_below: float = DOWN_BELOW) -> list[Account]:
    """Sources, then services, variant by variant. Raises: DsimError for a threshold that is no share."""
    check_share("down_below", down_below)
    return [account for variant in results.variants for account in _of_variant(results, variant, down_below)]


def accounts_table(found: Sequence[Account]) -> pd.DataFrame:
    """A row an account; of each estimate its value, `_low` and `_high`."""
    return pd.DataFrame([_row(account) for account in found]).set_index(["variant", "kind", "name"])


def downtime_table(results: Results, down_below: float = DOWN_BELOW) -> pd.DataFrame:
    """A row an episode of downtime."""
    check_share("down_below", down_below)
    columns = ("variant", "replication", "kind", "name", "start_s", "end_s", "down_s", "failed", "causes", "lasts")
    rows = [
        (variant, run.replication, *thing, e.start_s, e.end_s, e.down_s, e.failed, ", ".join(e.causes), e.lasts)
        for variant in results.variants
        for run, seen in _seen(results, variant, down_below)
        for thing, of in seen.items()
        for e in of.course.episodes
    ]
    return pd.DataFrame(rows, columns=list(columns))


def burn_table(results: Results, over_s: float | None = None) -> pd.DataFrame:
    """Burn rates over the `over_s` before each end of a window, of the sources with an availability objective."""
    if over_s is not None and not over_s > 0.0:
        raise DsimError(f"over_s: got {over_s!r}; must be a time in seconds above 0; give e.g. 300")
    rows = []
    for variant, model in results.models.items():
        for source in model.sources:
            if source.slo_availability is not None:
                for run in results.of(variant):
                    windows = windows_by_thing(run).get(("source", source.name))
                    if windows is not None:
                        length_s = over_s or burn_window_s(measured_s(run))
                        ends_s, rates = burn_rates(windows, source.slo_availability, length_s)
                        rows += [(variant, run.replication, source.name, *of) for of in zip(ends_s, rates, strict=True)]
    return pd.DataFrame(rows, columns=["variant", "replication", "source", "end_s", "burn_rate"])


def burn_window_s(measured: float) -> float:
    """Five minutes, or a twelfth of a measured time that is not twice as long."""
    return BURN_WINDOW_S if measured >= 2.0 * BURN_WINDOW_S else measured / BURN_PARTS


def burn_rates(windows: Windows, objective: float, over_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the windows, and the burn rate over the last `over_s` before each (rounded to whole windows, from the
    warm-up on); nan where nothing ended."""
    chosen = windows.measured
    if not chosen.any():
        return np.empty(0), np.empty(0)
    bad, ended = windows.bad[chosen], windows.ended[chosen]
    many = min(max(1, round(over_s / float(windows.length_s[chosen].max()))), len(bad))
    sums = [np.cumsum(np.concatenate([[0.0], counts])) for counts in (bad, ended)]
    bad_in, ended_in = (of[many:] - of[:-many] for of in sums)
    share = np.divide(bad_in, ended_in, out=np.full(len(bad_in), np.nan), where=ended_in > 0.0)
    return windows.end_s[chosen][many - 1 :], share / (1.0 - objective)


def check_share(name: str, given: float) -> None:
    if not isinstance(given, int | float) or not 0.0 < given <= 1.0:
        raise DsimError(f"{name}: got {given!r}; must be a share above 0 and at most 1; give e.g. 0.9 for 90 %")


def _of_variant(results: Results, variant: str, down_below: float) -> Iterator[Account]:
    model = results.models[variant]
    seen = [of for _, of in _seen(results, variant, down_below)]
    things = [("source", source.name) for source in model.sources] + [("service", s.name) for s in model.services]
    objectives = _objectives(model)
    for thing in things:
        if all(thing in of for of in seen):
            yield _account(results, variant, thing, objectives.get(thing), [of[thing] for of in seen])


@dataclass(frozen=True, slots=True)
class _Seen:
    """Of one thing in one replication."""

    windows: Windows
    course: Course


def _seen(results: Results, variant: str, down_below: float) -> Iterator[tuple[Run, dict[Thing, _Seen]]]:
    """By source and service, run by run. An objective that is lower than `down_below` is the threshold."""
    model = results.models[variant]
    objectives = _objectives(model)
    lag_s = lag_of(model)
    for run in results.of(variant):
        found = {}
        for thing, windows in windows_by_thing(run).items():
            if thing[0] != "request":
                below = min(down_below, objectives.get(thing) or 1.0)
                found[thing] = _Seen(windows, course(run, windows, model.faults, lag_s, below))
        yield run, found


def _objectives(model: Outline) -> dict[Thing, float | None]:
    return {("source", source.name): source.slo_availability for source in model.sources}


def lag_of(model: Outline) -> float:
    """How long after a fault its failures may end: callers' patience, and a window."""
    return model.patience_s + model.run.window_s


def _account(
    results: Results,
    variant: str,
    thing: Thing,
    objective: float | None,
    seen: Sequence[_Seen],
) -> Account:
    runs, courses = results.of(variant), [of.course for of in seen]
    caveat, stopped = results.caveat, stop_caveat(runs)
    good = availability(*_good_and_all(runs, thing))
    over_s = burn_window_s(measured_s(runs[0]))
    worst = withheld(NO_OBJECTIVE)
    if objective is not None:
        worst = mean_estimate([_largest(burn_rates(of.windows, objective, over_s)[1]) for of in seen])
    episodes = [episode for of in courses for episode in of.episodes]
    up, all_ = [of.windows_up for of in courses], [of.windows for of in courses]
    causes = Counter(cause for episode in episodes for cause in episode.causes)
    scheduled = bool(episodes) and _on_schedule(results.models[variant], runs, causes)
    downtimes = [len(of.episodes) for of in courses]
    estimates = [
        good,
        withheld(NO_OBJECTIVE) if objective is None else burn_rate(good, objective),
        worst,
        availability(up, all_, what="windows"),
        ratio_estimate([of.down_s for of in courses], downtimes, NO_DOWNTIME),
        withheld(SCHEDULED) if scheduled else mtbf([of.up_s for of in courses], downtimes),
    ]
    good, used, worst, up_share, mttr_s, mtbf_s = (with_caveats(of, caveat, stopped) for of in estimates)
    notes = tuple(_notes(runs, thing, seen))
    return Account(
        variant, *thing, objective, good, used, worst, over_s, up_share, mttr_s, mtbf_s, len(episodes), len(runs),
        dict(causes), notes,
    )  # fmt: skip


def mtbf(up_s: Sequence[float], downtimes: Sequence[int]) -> Estimate:
    """Time up over the number of downtimes, one pair a replication. The interval is that of their rate, turned over:
    rates spread evenly where times between do not. With fewer than 10 downtimes it is at least as wide as Garwood's,
    which takes them as independent; without any there is a bound."""
    total_s, count = sum(up_s), sum(downtimes)
    if total_s <= 0.0:
        return withheld("it was never up")
    few, many = exact_rate(count, total_s)
    if count == 0:
        return Estimate(math.inf, 1.0 / many, math.inf, f"{NO_DOWNTIME} in {total_s:.6g} s: a one-sided bound")
    rate = ratio_estimate(downtimes, up_s, NO_DOWNTIME)
    if not rate.has_interval:
        return Estimate(total_s / count, reason=rate.reason)
    low, high = (min(rate.low, few), max(rate.high, many)) if count < FEW else (rate.low, rate.high)
    return Estimate(total_s / count, 1.0 / high, 1.0 / low if low > 0.0 else math.inf)


def _good_and_all(runs: Sequence[Run], thing: Thing) -> tuple[list[int], list[int]]:
    """Of the cohort, a number a replication."""
    good, offered = [], []
    for run in runs:
        scopes = (
            [run.scope("source", thing[1])]
            if thing[0] == "source"
            else [scope for scope in run.scopes if scope.kind in CALLS and callee(scope.name) == thing[1]]
        )
        good.append(sum(scope.cohort.good for scope in scopes))
        offered.append(sum(scope.cohort.offered - scope.cohort.outcomes.get("cancelled", 0) for scope in scopes))
    return good, offered


def _largest(rates: np.ndarray) -> float:
    return float(np.nanmax(rates)) if np.isfinite(rates).any() else math.nan


def _on_schedule(model: Outline, runs: Sequence[Run], causes: Mapping[str, int]) -> bool:
    """Does all downtime come from faults that strike every replication at the same times?"""
    random = {fault.cause for fault in model.faults if fault.at_random}
    same = all(run.faults == runs[0].faults for run in runs)
    return same and NO_FAULT not in causes and not random & set(causes)


SMALL_WINDOW = 20
"""Requests below which one failure or two are downtime."""


def _notes(runs: Sequence[Run], thing: Thing, seen: Sequence[_Seen]) -> Iterator[str]:
    lasting = sum(episode.lasts for of in seen for episode in of.course.episodes)
    if lasting:
        many = "one downtime was" if lasting == 1 else f"{lasting} downtimes were"
        yield f"{many} not over at the end: MTTR counts them as long as they were seen"
    busy = [of.windows.ended[of.windows.measured & of.windows.had_requests] for of in seen]
    mean = float(np.mean(np.concatenate(busy))) if any(len(of) for of in busy) else 0.0
    if any(of.course.episodes for of in seen) and mean < SMALL_WINDOW:
        yield (
            f"a window holds {mean:.3g} requests on average, so that one or two failures are downtime; "
            "make run.window longer"
        )
    if thing[0] == "source":
        hanging = sum(run.scope("source", thing[1]).cohort.unfinished for run in runs)
        if hanging:
            yield f"{hanging:,} requests never ended: they count as not good, and are in no window"


def _row(account: Account) -> dict[str, Any]:
    row: dict[str, Any] = {
        "variant": account.variant,
        "kind": account.kind,
        "name": account.name,
        "objective": math.nan if account.objective is None else account.objective,
    }
    for name in ("good_share", "nines", "budget_used", "worst_burn_rate", "up_share", "mttr_s", "mtbf_s"):
        estimate: Estimate = getattr(account, name)
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    row |= {"burn_window_s": account.burn_window_s, "downtimes": account.downtimes}
    row["causes"] = ", ".join(f"{cause} ×{count}" for cause, count in account.causes.items())
    reasons = [f"{name}: {getattr(account, name).reason}" for name in ("good_share", "budget_used", "mttr_s", "mtbf_s")]
    row["notes"] = "; ".join([*(text for text in reasons if not text.endswith(": ")), *account.notes])
    return row
