"""Failures only: which states a system's random faults bring it into, how often, and for how long.

No request is simulated, so that millions of fault episodes take seconds and rare states are reached. The episodes are
those of a simulation with the same seed (`sim.engine.episodes`); a state is how many instances of each service are up,
as far as the faults take instances down. Slow nodes and impaired links take none down, and faults on a schedule come
once: neither is in the states.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, takewhile
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import sim
from sim.engine.episodes import episodes
from sim.errors import DsimError
from sim.kernel.draws import stream_key
from sim.model import Fault, Model, Renewal
from sim.statistics import Estimate, exact_rate, mean_estimate, ratio_estimate
from sim.statistics.availability import FEW

if TYPE_CHECKING:
    from sim.scenario import Scenario

YEAR_S = 365.0 * 86400.0
EPISODES = 1_000_000
"""In all replications together, where no time is given."""
REPLICATIONS = 20
Spans = np.ndarray
"""[start, end) in s, shape (episodes, 2), float64, in order of time, none overlapping."""


@dataclass(frozen=True, slots=True)
class State:
    """`up` holds the instances that are up of each service that faults reach."""

    up: Mapping[str, int]
    probability: Estimate
    """Share of the time."""
    mean_duration_s: Estimate
    visits: int
    """In all replications."""
    faults: tuple[Fault, ...]
    """In force at its first visit: an example of how the state comes about."""
    key: int

    @property
    def label(self) -> str:
        return ", ".join(f"{service} {count}" for service, count in self.up.items())


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one replication saw, by the hash of a state's counts, and by service."""

    seconds: Mapping[int, float]
    visits: Mapping[int, int]
    example: Mapping[int, tuple[Mapping[str, int], tuple[Fault, ...]]]
    """The counts, and the faults in force at the first visit."""
    up: Mapping[str, np.ndarray]
    """By service the seconds with 0, 1 … instances up."""
    falls: Mapping[str, np.ndarray]
    """By service how often it fell from k or more instances to fewer, k = 0, 1 …"""


@dataclass(frozen=True)
class States:
    """The states of one variant over `duration_s` simulated seconds in each replication."""

    model: Model
    duration_s: float
    replications: int
    seed: int
    instances: Mapping[str, int]
    """Of each service that faults reach."""
    notes: tuple[str, ...]
    seen: tuple[_Seen, ...]

    @property
    def total_s(self) -> float:
        return self.duration_s * self.replications

    @cached_property
    def states(self) -> tuple[State, ...]:
        """The most probable first."""
        keys = dict.fromkeys(key for of in self.seen for key in of.seconds)
        found = [self._state(key) for key in keys]
        return tuple(sorted(found, key=lambda state: -state.probability.value))

    def at_least(self, service: str, k: int) -> Estimate:
        """The share of time with k or more instances of a service up: its availability where it takes k of n."""
        self._check(service, k)
        if service not in self.instances:
            return Estimate(1.0, 1.0, 1.0, "no fault at random takes any of its instances down")
        seconds = [float(of.up[service][:k].sum()) for of in self.seen]
        below = self._share(seconds, sum(int(of.falls[service][k]) for of in self.seen))
        return Estimate(1.0 - below.value, 1.0 - below.high, 1.0 - below.low, below.reason)

    def share_of(self, replication: int, state: State) -> float:
        """The share of its time that one replication was in a state."""
        return self.seen[replication].seconds.get(state.key, 0.0) / self.duration_s

    def to_frame(self) -> pd.DataFrame:
        """A row a state: instances up by service (a column each), probability and mean duration with the ends of their
        95 % intervals, visits."""
        rows = []
        for state in self.states:
            row: dict[str, object] = dict(state.up)
            for name in ("probability", "mean_duration_s"):
                estimate: Estimate = getattr(state, name)
                row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
            rows.append({**row, "visits": state.visits})
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        return sim.report.states_html(self)

    def _state(self, key: int) -> State:
        seconds = [of.seconds.get(key, 0.0) for of in self.seen]
        visits = [of.visits.get(key, 0) for of in self.seen]
        up, faults = next(of.example[key] for of in self.seen if key in of.example)
        duration_s = ratio_estimate(seconds, visits, "never seen")
        return State(up, self._share(seconds, sum(visits)), duration_s, sum(visits), faults, key)

    def _share(self, seconds: Sequence[float], visits: int) -> Estimate:
        """Of the time. With fewer than 10 visits the interval is at least as wide as their number tells; without any
        there is a bound, which takes a visit to be as long as the longest mean repair."""
        if visits == 0 and sum(seconds) == 0.0:
            repair_s = max(_renewal(fault).mttr.mean() for fault in _counted(self.model))
            high = exact_rate(0, self.total_s)[1] * repair_s
            return Estimate(0.0, 0.0, min(high, 1.0), f"never seen in {self.total_s / YEAR_S:.3g} years: a bound")
        share = mean_estimate([second / self.duration_s for second in seconds])
        if not share.has_interval:
            return share
        low, high = max(share.low, 0.0), min(share.high, 1.0)
        if 0 < visits < FEW:
            each_s = sum(seconds) / visits
            rates = exact_rate(visits, self.total_s)
            low, high = min(low, rates[0] * each_s), max(high, min(rates[1] * each_s, 1.0))
        return Estimate(share.value, low, high, share.reason)

    def _check(self, service: str, k: int) -> None:
        of = {of.name: len(of.instances) for of in self.model.services}
        if service not in of:
            raise DsimError(f"service: got {service!r}; must be one of {', '.join(of)}")
        if not isinstance(k, int) or not 1 <= k <= of[service]:
            raise DsimError(f"k: got {k!r}; must be from 1 to {of[service]}, the instances of {service}")


def failure_states(
    scenario: Scenario,
    variant: str | None = None,
    *,
    years: float | None = None,
    replications: int = REPLICATIONS,
    seed: int | None = None,
) -> States:
    """Simulate the random faults of a variant alone.

    Args:
        variant: by default the baseline.
        years: of 365 days, in each replication; by default as many as make about a million episodes in all.
        seed: instead of the scenario's own.
    Raises: DsimError where no fault strikes at random and takes instances down, and for numbers out of range.
    """
    if replications < 2:
        raise DsimError(f"replications: got {replications}; must be at least 2, so that there are intervals")
    if years is not None and not 0.0 < years < math.inf:
        raise DsimError(f"years: got {years!r}; must be above 0; give e.g. 100")
    model = scenario.resolve(scenario.baseline if variant is None else variant)
    counted = _counted(model)
    if not counted:
        raise DsimError(
            f"failures: no fault of {model.variant} takes instances down at random; must have one with mtbf and mttr; "
            "write e.g. dies: {crash: app-2, mtbf: exponential(30d), mttr: exponential(10min)}"
        )
    seed = model.run.seed if seed is None else seed
    per_s = sum(1.0 / (_renewal(fault).mtbf.mean() + _renewal(fault).mttr.mean()) for fault in counted)
    duration_s = EPISODES / (replications * per_s) if years is None else years * YEAR_S
    struck = frozenset(name for fault in counted for name in _instances_down(model, fault))
    instances = {
        service.name: len(service.instances)
        for service in model.services
        if struck & {instance.name for instance in service.instances}
    }
    seen = tuple(_replication(model, seed, number, duration_s, instances) for number in range(replications))
    return States(model, duration_s, replications, seed, instances, tuple(_notes(model)), seen)


def _counted(model: Model) -> list[Fault]:
    """The faults that make states."""
    return [fault for fault in model.faults if isinstance(fault.when, Renewal) and _instances_down(model, fault)]


def _notes(model: Model) -> list[str]:
    """What is left out."""
    counted = {fault.cause for fault in _counted(model)}
    scheduled = {fault.cause for fault in model.faults if not isinstance(fault.when, Renewal)} - counted
    weak = {fault.cause for fault in model.faults} - counted - scheduled
    texts = ((scheduled, "strikes on a schedule, not at random"), (weak, "takes down nobody who is known beforehand"))
    return [f"Fault “{cause}” is not in the states: it {text}." for causes, text in texts for cause in sorted(causes)]


def _renewal(fault: Fault) -> Renewal:
    assert isinstance(fault.when, Renewal)
    return fault.when


def _instances_down(model: Model, fault: Fault) -> frozenset[str]:
    """Instances that serve nobody while the fault is in force."""
    down = set(fault.takes_down)
    return frozenset(
        instance.name
        for service in model.services
        for instance in service.instances
        if ("instance", instance.name) in down or ("node", instance.node) in down
    )


def _spans(fault: Fault, seed: int, replication: int, duration_s: float) -> Spans:
    """The episodes that begin before the end, cut off there."""
    begun = takewhile(lambda span: span[0] < duration_s, episodes(fault, seed, replication))
    spans: Spans = np.fromiter(chain.from_iterable(begun), float).reshape(-1, 2).clip(max=duration_s)
    return spans


def _replication(model: Model, seed: int, number: int, duration_s: float, instances: Mapping[str, int]) -> _Seen:
    """All instances' times down make each service's count, and all counts together the state."""
    spans_of = {fault: _spans(fault, seed, number, duration_s) for fault in _counted(model)}
    downs: dict[str, list[Spans]] = {}
    for fault, spans in spans_of.items():
        for instance in _instances_down(model, fault):
            downs.setdefault(instance, []).append(spans)
    times, whose, deltas = [], [], []
    for place, service in enumerate(of for of in model.services if of.name in instances):
        for one in service.instances:
            down = _united(downs.get(one.name, []))
            times.append(down.ravel())
            whose.append(np.full(down.size, place))
            deltas.append(np.tile([-1, 1], len(down)))
    order = np.argsort(np.concatenate(times), kind="stable")
    at_s, which, delta = (np.concatenate(of)[order] for of in (times, whose, deltas))
    within = at_s < duration_s
    at_s, which, delta = at_s[within], which[within], delta[within]
    last = np.append(at_s[1:] > at_s[:-1], True) if len(at_s) else np.empty(0, bool)
    up = {
        name: np.concatenate([[total], (total + np.cumsum(np.where(which == place, delta, 0)))[last]])
        for place, (name, total) in enumerate(instances.items())
    }
    return _summed(np.concatenate([[0.0], at_s[last]]), up, spans_of, duration_s)


def _united(spans: Sequence[Spans]) -> Spans:
    """The times in which at least one of several processes is struck."""
    if len(spans) < 2:
        return spans[0] if spans else np.empty((0, 2))
    every = np.concatenate(spans)
    every = every[np.argsort(every[:, 0], kind="stable")]
    reach = np.maximum.accumulate(every[:, 1])
    first = np.concatenate([[True], every[1:, 0] > reach[:-1]])
    last = np.concatenate([first[1:], [True]])
    return np.column_stack([every[first, 0], reach[last]])


def _summed(
    since_s: np.ndarray, up: Mapping[str, np.ndarray], spans_of: Mapping[Fault, Spans], duration_s: float
) -> _Seen:
    """Seconds and visits of every state and every count. From each of `since_s` on, so many instances are up. A state's
    key is a hash of its counts, so that no number of services is too many."""
    keys = np.zeros(len(since_s), np.uint64)
    for name, of in up.items():
        keys += np.uint64(stream_key(0, 0, f"state:{name}")) * of.astype(np.uint64)
    lengths_s = np.diff(np.append(since_s, duration_s))
    begins = np.append(True, keys[1:] != keys[:-1])
    kinds, first, which = np.unique(keys, return_index=True, return_inverse=True)
    numbers = kinds.tolist()
    seconds, visits = np.bincount(which, lengths_s), np.bincount(which[begins], minlength=len(kinds))
    return _Seen(
        dict(zip(numbers, seconds.tolist(), strict=True)),
        dict(zip(numbers, visits.tolist(), strict=True)),
        {
            key: ({name: int(of[i]) for name, of in up.items()}, _in_force(spans_of, float(since_s[i])))
            for key, i in zip(numbers, first.tolist(), strict=True)
        },
        {name: np.bincount(of, lengths_s, int(of[0]) + 1) for name, of in up.items()},
        {name: _falls(of) for name, of in up.items()},
    )


def _falls(up: np.ndarray) -> np.ndarray:
    """How often the count fell below k = 0, 1 … all: a fall from a to b is one below each of b + 1 … a."""
    before, after = up[:-1], up[1:]
    fell = after < before
    steps = np.bincount(after[fell] + 1, minlength=int(up[0]) + 2) - np.bincount(
        before[fell] + 1, minlength=int(up[0]) + 2
    )
    falls: np.ndarray = np.cumsum(steps)
    return falls


def _in_force(spans_of: Mapping[Fault, Spans], at_s: float) -> tuple[Fault, ...]:
    """At a time; episodes are [start, end)."""
    found = []
    for fault, spans in spans_of.items():
        place = int(np.searchsorted(spans[:, 0], at_s, side="right")) - 1
        if place >= 0 and at_s < spans[place, 1]:
            found.append(fault)
    return tuple(found)
