"""From states to requests: a run of requests in each state, weighted by the share of time that the state lasts.

The quasi-stationary view of performability (Meyer, On Evaluating the Performability of Degradable Computing Systems,
IEEE Transactions on Computers 29(8), 1980; Trivedi, Probability and Statistics, 2nd ed., section 8.4.2): a state lasts
so long against a request that what happens on the way from one state to the next does not count. It therefore leaves
out what a direct simulation shows: requests that a crash cuts off, and queues that outlast their state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sim.engine.run import Run
from sim.errors import DsimError
from sim.experiment.measures import not_ok
from sim.experiment.outline import outline
from sim.experiment.pool import run_jobs
from sim.experiment.runner import Job, simulate_job
from sim.experiment.states import State, States
from sim.model import Model, Once
from sim.statistics import Estimate, availability
from sim.statistics.means import student_factor

COVERED = 1.0 - 1e-6
"""Share of time whose states are run, the most probable first, unless there are more than MOST_STATES."""
MOST_STATES = 24
SLOW_ENOUGH = 20.0
"""Times the callers' patience that the states should last."""


@dataclass(frozen=True, slots=True)
class StateRun:
    """What requests saw in one state, by source."""

    state: State
    available: Mapping[str, Estimate]
    good_share: Mapping[str, Estimate]


@dataclass(frozen=True)
class WeightedStates:
    """`available` and `good_share` by source: over all states, each weighted by its probability."""

    runs: tuple[StateRun, ...]
    available: Mapping[str, Estimate]
    good_share: Mapping[str, Estimate]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """A row a state and source, and a last one a source, over all states (`state` all)."""
        rows: list[dict[str, object]] = []
        for run in self.runs:
            for source in run.available:
                row = {"state": run.state.label, "probability": run.state.probability.value, "source": source}
                rows.append(row | _numbers(run.available[source], run.good_share[source]))
        for source in self.available:
            row = {"state": "all", "probability": 1.0, "source": source}
            rows.append(row | _numbers(self.available[source], self.good_share[source]))
        return pd.DataFrame(rows)


def weigh(states: States, *, replications: int | None = None, workers: int = 1) -> WeightedStates:
    """Run the requests of each state: its faults strike at time 0 and last, no other fault does.

    Args:
        replications: of each state, instead of the scenario's own.
    """
    chosen = _chosen(states.states)
    if replications is not None and replications < 2:
        raise DsimError(f"replications: got {replications}; must be at least 2, so that there are intervals")
    models = [_model(states.model, state, replications) for state in chosen]
    jobs = [Job(model, number, None) for model in models for number in range(model.run.replications)]
    found = run_jobs(simulate_job, jobs, workers, None)
    each = models[0].run.replications
    runs_of = [found[place * each : (place + 1) * each] for place in range(len(models))]
    names = [source.name for source in states.model.sources]
    runs = tuple(
        StateRun(
            state,
            {name: availability(*_ok_and_all(runs, name)) for name in names},
            {name: availability(*_good_and_all(runs, name)) for name in names},
        )
        for state, runs in zip(chosen, runs_of, strict=True)
    )
    return WeightedStates(
        runs,
        {name: _weighted(states, runs, [of.available[name] for of in runs]) for name in names},
        {name: _weighted(states, runs, [of.good_share[name] for of in runs]) for name in names},
        tuple(_notes(states, chosen)),
    )


def _chosen(states: Sequence[State]) -> list[State]:
    reached = np.cumsum([state.probability.value for state in states])
    enough = int(np.searchsorted(reached, COVERED)) + 1
    return list(states[: min(enough, MOST_STATES)])


def _model(model: Model, state: State, replications: int | None) -> Model:
    faults = tuple(replace(fault, when=Once(0.0)) for fault in state.faults)
    plan = replace(model.run, record="none", replications=replications or model.run.replications)
    return replace(model, run=plan, faults=faults)


def _ok_and_all(runs: Sequence[Run], source: str) -> tuple[list[int], list[int]]:
    scopes = [run.scope("source", source) for run in runs]
    return [scope.cohort.offered - not_ok(scope) for scope in scopes], [scope.cohort.offered for scope in scopes]


def _good_and_all(runs: Sequence[Run], source: str) -> tuple[list[int], list[int]]:
    scopes = [run.scope("source", source) for run in runs]
    return [scope.cohort.good for scope in scopes], [scope.cohort.offered for scope in scopes]


def _weighted(states: States, runs: Sequence[StateRun], shares: Sequence[Estimate]) -> Estimate:
    """Σ probability · share. The error comes from both: of the probabilities, by the replications of the states; of
    the shares, by those of the requests. States that were not run widen the interval: none or all may be good there."""
    values = np.array([share.value for share in shares])
    if not np.isfinite(values).all():
        return Estimate(math.nan, reason="a state in which no request was offered")
    probabilities = np.array([run.state.probability.value for run in runs])
    missing = max(1.0 - float(probabilities.sum()), 0.0)
    each = [
        sum(states.share_of(of, run.state) * value for run, value in zip(runs, values, strict=True))
        for of in range(states.replications)
    ]
    reach = student_factor(states.replications - 1) * float(np.std(each, ddof=1)) / math.sqrt(states.replications)
    halves = np.array([share.half_width if share.has_interval else 0.0 for share in shares])
    half_width = math.hypot(reach, float(np.sqrt(np.sum((probabilities * halves) ** 2))))
    value = float(np.sum(probabilities * values) / (1.0 - missing))
    return Estimate(value, max(value - half_width - missing, 0.0), min(value + half_width + missing, 1.0))


def _notes(states: States, chosen: Sequence[State]) -> list[str]:
    from sim.scenario.resolved import plain

    found = list(states.notes)
    left_out = 1.0 - sum(state.probability.value for state in chosen)
    if len(chosen) < len(states.states) and left_out > 1.0 - COVERED:
        found.append(
            f"{len(states.states) - len(chosen)} states were not run, in which the system is for {left_out:.2g} of the "
            "time; the intervals are wider by that."
        )
    patience_s = outline(plain(states.model)).patience_s
    shortest = min(chosen, key=lambda state: state.mean_duration_s.value)
    if shortest.mean_duration_s.value < SLOW_ENOUGH * patience_s:
        found.append(
            f"The state {shortest.label} lasts {shortest.mean_duration_s.value:.3g} s on average and callers wait up "
            f"to {patience_s:.3g} s: what happens between states counts, and is left out here; simulate directly."
        )
    return found


def _numbers(available: Estimate, good: Estimate) -> dict[str, float]:
    return {
        "availability": available.value,
        "availability_low": available.low,
        "availability_high": available.high,
        "good_share": good.value,
        "good_share_low": good.low,
        "good_share_high": good.high,
    }
