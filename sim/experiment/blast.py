"""Blast radius: what each fault episode cost each class of requests, and how long beyond its own duration.

The level before a fault is what the class lost in the windows before it. An episode's blast reaches from its start
until the class is back at that level after its end, and stays there for as long as failures of the fault may still
come. Where the same runs without the faults are at hand (`calm`), their windows are the level: the same requests bring
the same work there, so that the difference is what the faults did. docs/availability.md has the details.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from sim.engine.run import Run
from sim.errors import DsimError
from sim.experiment.availability import lag_of
from sim.experiment.downtime import Struck, causes_of
from sim.experiment.measures import with_caveats
from sim.experiment.outline import Outline
from sim.experiment.windows import Windows, windows_by_thing
from sim.statistics import Estimate, ratio_estimate
from sim.statistics.availability import exact_share

if TYPE_CHECKING:
    from sim.experiment.results import Results

Kind = Literal["source", "request", "service"]
KINDS: tuple[Kind, ...] = ("source", "request", "service")
SURPRISE = 1e-4
"""A window is back where so many failures have at least this chance at the level before. A window of a healthy system
then looks struck once in 10,000."""
OVERLAPPED = "another fault was in force in every episode's time, and failures count for both"
SPREAD = 4.0
"""Standard deviations (of a Poisson count) by which a window may exceed that of the calm run."""


@dataclass(frozen=True, slots=True)
class Impact:
    """One fault episode and one class, in one replication."""

    variant: str
    replication: int
    fault: str
    """The episode's name."""
    cause: str
    start_s: float
    end_s: float
    """Of the fault; at most the end of what was measured."""
    name: str
    failed: float
    """Requests that were not good, beyond the level before (or the calm run), from the start until it was recovered."""
    ended: int
    """Requests that ended in that time."""
    recovered_s: float
    """inf: not before the end."""
    overlaps: bool
    """Another fault was in force in that time, and the failures are counted for both."""

    @property
    def beyond_s(self) -> float:
        """From the fault's end until the class had recovered."""
        return max(self.recovered_s - self.end_s, 0.0)


@dataclass(frozen=True, slots=True)
class Blast:
    """All episodes of one entry of `failures` (all its targets) and one class."""

    variant: str
    cause: str
    name: str
    episodes: int
    """In all replications."""
    failed: Estimate
    """Requests an episode."""
    failed_share: Estimate
    """Of those that ended in the episodes' blasts."""
    beyond_s: Estimate
    """Mean over the episodes that were recovered from."""
    beyond_s_max: float
    not_recovered: int
    overlapping: int
    """Episodes during whose blast another fault was in force. Where there are others, the averages leave them out."""


def impacts(results: Results, calm: Results | None = None, kind: Kind = "source") -> list[Impact]:
    """In order of variant, replication and time. Faults that end before the measured interval are left out.

    Raises: DsimError for another kind, or a calm run that does not fit.
    """
    if kind not in KINDS:
        raise DsimError(f"kind: got {kind!r}; must be one of {', '.join(KINDS)}")
    found: list[Impact] = []
    for variant, model in results.models.items():
        levels = None if calm is None else _calm(results, calm, variant)
        for run in results.of(variant):
            if run.faults:
                found += _impacts(run, model, kind, None if levels is None else levels[run.replication])
    return found


def impact_table(found: Sequence[Impact]) -> pd.DataFrame:
    columns = [*Impact.__slots__, "beyond_s"]
    return pd.DataFrame([[getattr(impact, name) for name in columns] for impact in found], columns=columns)


def blasts(found: Sequence[Impact], replications: Mapping[str, int]) -> list[Blast]:
    """By variant, cause and class; `replications` of each variant."""
    groups: dict[tuple[str, str, str], list[Impact]] = {}
    for impact in found:
        groups.setdefault((impact.variant, impact.cause, impact.name), []).append(impact)
    return [_blast(key, of, replications[key[0]]) for key, of in groups.items()]


def blast_table(found: Sequence[Blast]) -> pd.DataFrame:
    """A row a variant, cause and class; of each estimate its value, `_low` and `_high`."""
    rows = []
    for blast in found:
        row: dict[str, object] = {"variant": blast.variant, "fault": blast.cause, "name": blast.name}
        row["episodes"] = blast.episodes
        for name in ("failed", "failed_share", "beyond_s"):
            estimate: Estimate = getattr(blast, name)
            row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        row |= {name: getattr(blast, name) for name in ("beyond_s_max", "not_recovered", "overlapping")}
        rows.append(row)
    return pd.DataFrame(rows)


def _blast(key: tuple[str, str, str], of: Sequence[Impact], replications: int) -> Blast:
    alone = [impact for impact in of if not impact.overlaps]
    chosen = alone or list(of)
    back = [impact for impact in chosen if math.isfinite(impact.recovered_s)]

    def mean(those: Sequence[Impact], top: str, bottom: str | None = None) -> Estimate:
        sums = np.zeros((2, replications))
        for impact in those:
            sums[:, impact.replication] += getattr(impact, top), 1.0 if bottom is None else getattr(impact, bottom)
        estimate = ratio_estimate(sums[0], sums[1], "none was recovered from")
        return estimate if alone else with_caveats(estimate, OVERLAPPED, "")

    return Blast(
        *key,
        len(of),
        mean(chosen, "failed"),
        mean(chosen, "failed", "ended"),
        mean(back, "beyond_s"),
        max((impact.beyond_s for impact in back), default=math.nan),
        sum(not math.isfinite(impact.recovered_s) for impact in of),
        len(of) - len(alone),
    )


def _calm(results: Results, calm: Results, variant: str) -> dict[int, Run]:
    """The calm runs of a variant by replication."""
    if variant not in calm.models:
        raise DsimError(f"calm: got results without the variant {variant}; must have run the same variants; run it too")
    runs = {run.replication: run for run in calm.of(variant)}
    for run in results.of(variant):
        other = runs.get(run.replication)
        if other is None or other.seed != run.seed or len(other.series) != len(run.series):
            raise DsimError(
                "calm: got other seeds, replications or windows; must be the same runs without the faults; run the "
                'same scenario with --set failures=null (in Python sim.load(file, {"failures": None}))'
            )
        if other.faults:
            raise DsimError("calm: got results in which faults struck; must be the same runs without the faults")
    return runs


def _impacts(run: Run, model: Outline, kind: Kind, calm: Run | None) -> Iterator[Impact]:
    lag_s, cause_of = lag_of(model), causes_of(model.faults)
    until_s = min(run.duration_s, run.stopped_at_s)
    struck = [(name, start_s, min(end_s, until_s)) for name, start_s, end_s in run.faults]
    everything = Struck(run, model.faults)
    quiet = None if calm is None else windows_by_thing(calm)
    for thing, windows in windows_by_thing(run).items():
        if thing[0] != kind:
            continue
        before = _Level(windows, struck, lag_s) if quiet is None else _CalmLevel(windows, quiet[thing])
        for name, start_s, end_s in struck:
            if end_s <= run.warmup_s or start_s >= until_s:
                continue
            recovered_s, excess, ended = before.blast(start_s, end_s, lag_s, until_s)
            reach_s = min(recovered_s, until_s)
            overlaps = everything.count(start_s, reach_s) > 1
            yield Impact(
                run.variant, run.replication, name, cause_of.get(name, name), start_s, end_s, thing[1], excess, ended,
                recovered_s, overlaps,
            )  # fmt: skip


class _Level:
    """What is normal for a class: the share that was not good in the measured windows before a fault into which no
    earlier one reaches."""

    def __init__(self, windows: Windows, struck: Sequence[tuple[str, float, float]], lag_s: float) -> None:
        self.windows = windows
        clean = windows.measured.copy()
        for _, start_s, end_s in struck:
            clean &= (windows.end_s <= start_s) | (windows.start_s >= end_s + lag_s)
        self._clean = clean
        self._back: dict[tuple[int, int], np.ndarray] = {}
        """Windows at the level of so many failures among so many requests: many faults have the same before them."""

    def blast(self, start_s: float, end_s: float, lag_s: float, until_s: float) -> tuple[float, float, int]:
        """When the class had recovered, how many failures were beyond the level until then, and of how many."""
        windows = self.windows
        before = self._clean & (windows.end_s <= start_s)
        bad, ended = int(windows.bad[before].sum()), int(windows.ended[before].sum())
        level = bad / ended if ended else 0.0
        if (bad, ended) not in self._back:
            self._back[bad, ended] = ~_surprising(windows, exact_share(bad, ended)[1] if ended else 0.0)
        return _reach(windows, self._back[bad, ended], level * windows.ended, start_s, end_s, lag_s, until_s)


class _CalmLevel:
    """What is normal for a class: what it lost in the same window of the same run without the faults."""

    def __init__(self, windows: Windows, calm: Windows) -> None:
        self.windows, self.calm = windows, calm

    def blast(self, start_s: float, end_s: float, lag_s: float, until_s: float) -> tuple[float, float, int]:
        expected = self.calm.bad
        back = self.windows.bad <= expected + SPREAD * np.sqrt(expected)
        return _reach(self.windows, back, expected, start_s, end_s, lag_s, until_s)


def _surprising(windows: Windows, level: float) -> np.ndarray:
    """Bool: more requests were not good than a binomial count at this level explains."""
    from scipy import stats  # half a second, which only this table needs

    chance = stats.binom.sf(windows.bad - 1, windows.ended, level)
    return np.asarray(chance < SURPRISE)


def _reach(
    windows: Windows,
    back: np.ndarray,
    expected: np.ndarray,
    start_s: float,
    end_s: float,
    lag_s: float,
    until_s: float,
) -> tuple[float, float, int]:
    """`back` (bool) are windows at the level before, `expected` their failures at that level."""
    struck = ~back | windows.hung
    recovered_s = end_s
    while True:
        late = struck & (windows.end_s > recovered_s) & (windows.start_s < recovered_s + lag_s)
        if not late.any():
            break
        recovered_s = float(windows.end_s[late].max())
    inside = (windows.end_s > start_s) & (windows.start_s < recovered_s)
    excess = float((windows.bad - expected)[inside].sum())
    ended = int(windows.ended[inside].sum())
    return (recovered_s if recovered_s < until_s - windows.slack_s else math.inf), max(excess, 0.0), ended
