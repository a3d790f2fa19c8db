"""What clients knew of who was up: how long until a death was noticed, and what it meant meanwhile.

Definitions, each over one replication from its start to the end of its duration (docs/registries.md explains them):

death
    An instance goes down. Where it had been asked to stop, the `end` is a stop and its clock starts with the request.
detect
    From then to the registry's first decision against it: `unhealthy`, `expired`, `evicted` or `deregistered`. Where it
    had decided so before (its lease ended behind a partition, say), there was nothing left to detect.
converge
    From then to the moment from which a client's view leaves it out until it is back: of each client that listed it,
    and of all of them. A client that goes down itself before that is left out.
return
    From the instance's being up again to when a view that had left it out lists it. The registry speaks for it when it
    is both `registered` and `healthy`, of the two what the registry says.
stale-view seconds
    Over all views of clients that are up, the seconds for which they list an instance that is down, summed.
missing seconds
    The same of instances that are live (up, not paused, not stopping) and not listed.
false ejections
    Decisions against an instance that is live, the first by each component since it last spoke for it.
false removals
    Live instances that a view drops, counted view by view.

What was not noticed before the instance was back, or before the run ended, is infinite: it took longer than anybody
looked. nan means that there was nothing to notice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from sim.experiment.control import HEALTHY, IN, OUT, REGISTERED, UNHEALTHY, Line, Log, Span, common, length_s, outside

NOTHING = math.nan
NOT_SEEN = math.inf


@dataclass(frozen=True, slots=True)
class End:
    """An instance's death, or its stop on request."""

    service: str
    instance: str
    kind: str
    """death or stop."""
    at_s: float
    until_s: float
    """When it was up again, or the end of the run."""
    detect_s: float
    converge_s: Mapping[str, float]
    """By client, of those that listed it."""

    @property
    def converge_all_s(self) -> float:
        return max(self.converge_s.values(), default=NOTHING)


@dataclass(frozen=True, slots=True)
class Return:
    """An instance is up again: `registered_s` until the registry, which had decided against it, speaks for it; `back_s`
    by client that had left it out."""

    service: str
    instance: str
    at_s: float
    until_s: float
    """When it went down again, or the end of the run."""
    registered_s: float
    back_s: Mapping[str, float]

    @property
    def back_all_s(self) -> float:
        return max(self.back_s.values(), default=NOTHING)


@dataclass(frozen=True, slots=True)
class Staleness:
    """Of one replication."""

    stale_view_s: float
    missing_s: float
    false_ejections: int
    false_removals: int


def ends(log: Log) -> list[End]:
    """In order of time."""
    decided = _by_instance(log, (*IN, *OUT))
    found = []
    for service, instance in _instances(log):
        fate = log.fate(instance)
        for down_s, up_s in fate.down:
            asked = [start_s for start_s, end_s in fate.stopping if end_s == down_s]
            at_s = asked[0] if asked else down_s
            detect_s = _detect_s(decided.get(instance, ()), at_s, up_s)
            converge_s = dict(_convergence(log, service, instance, at_s, up_s))
            kind = "stop" if asked else "death"
            found.append(End(service, instance, kind, at_s, up_s, detect_s, converge_s))
    return sorted(found, key=lambda end: (end.at_s, end.instance))


def returns(log: Log) -> list[Return]:
    """In order of time."""
    decided = _by_instance(log, (*IN, *OUT))
    found = []
    for service, instance in _instances(log):
        down, lines = log.fate(instance).down, decided.get(instance, ())
        for place, (_, at_s) in enumerate(down):
            until_s = down[place + 1][0] if place + 1 < len(down) else log.end_s
            if at_s >= log.end_s:
                continue
            back_s = dict(_recovery(log, service, instance, at_s, until_s))
            found.append(Return(service, instance, at_s, until_s, _registered_s(lines, at_s, until_s), back_s))
    return sorted(found, key=lambda of: (of.at_s, of.instance))


def staleness(log: Log) -> Staleness:
    mortal = {service: [i for i in of if log.fate(i).down] for service, of in log.instances.items()}
    stale_s = missing_s = 0.0
    false_removals = 0
    for view in log.views:
        up = _up(log, view.client)
        for instance in mortal.get(view.service, ()):
            listed_dead = common(view.listed(instance, log.end_s), log.fate(instance).down)
            stale_s += length_s(common(listed_dead, up))
        for instance, absent in view.absent.items():
            fate, unlisted = log.fate(instance), common(absent, up)
            not_live = _merged(sorted(chain(fate.down, fate.paused, fate.stopping)))
            missing_s += length_s(unlisted) - length_s(common(unlisted, not_live))
        false_removals += sum(log.fate(instance).is_live(at_s) for at_s, instance in view.removals)
    return Staleness(stale_s, missing_s, len(list(_false_decisions(log))), false_removals)


def _detect_s(lines: Sequence[Line], at_s: float, until_s: float) -> float:
    """From the time of a death to the first decision by whoever had not decided so already. Lines of one instance."""
    against: dict[str, set[str]] = {}
    for line in lines:
        if line.time_s >= until_s:
            break
        standing = against.setdefault(line.component, set())
        if line.event in IN:
            standing.intersection_update({UNHEALTHY} if line.event == REGISTERED else ())
        elif not standing and line.time_s >= at_s:
            return line.time_s - at_s
        else:
            standing.add(line.event)
    return NOTHING if any(against.values()) else NOT_SEEN


def _registered_s(lines: Sequence[Line], at_s: float, until_s: float) -> float:
    """From an instance's being up again until the first of those that had decided against it speaks for it."""
    before = [line for line in lines if line.time_s < at_s]
    if not before or before[-1].event in IN:
        return NOTHING
    spoken_s = []
    for component in {line.component for line in before}:
        health = [line.event for line in before if line.component == component and line.event in (UNHEALTHY, HEALTHY)]
        then = [line for line in lines if line.component == component and at_s <= line.time_s < until_s]
        spoken_s.append(_spoken_for_s(then, health[-1:] == [UNHEALTHY]))
    return min(spoken_s) - at_s


def _spoken_for_s(lines: Iterable[Line], was_unhealthy: bool) -> float:
    """When one component says what makes it list an instance: a registry with checks registers it first, unhealthy."""
    said: dict[str, float] = {}
    for line in lines:
        if line.event in IN:
            said.setdefault(line.event, line.time_s)
        elif HEALTHY in said or (said and not was_unhealthy):
            break
    if not said or (was_unhealthy and HEALTHY not in said):
        return NOT_SEEN
    return max(said.values())


def _convergence(log: Log, service: str, instance: str, at_s: float, until_s: float) -> Iterator[tuple[str, float]]:
    for view in log.views:
        if view.service != service:
            continue
        listed = [span for span in view.listed(instance, log.end_s) if span[0] < until_s and span[1] > at_s]
        if not any(start_s <= at_s for start_s, _ in listed):
            continue
        last_s = min(listed[-1][1], until_s)
        if _is_up_throughout(log, view.client, at_s, last_s):
            yield view.client, last_s - at_s if last_s < until_s else NOT_SEEN


def _recovery(log: Log, service: str, instance: str, at_s: float, until_s: float) -> Iterator[tuple[str, float]]:
    for view in log.views:
        if view.service != service:
            continue
        absent = next((span for span in view.absent.get(instance, ()) if span[0] <= at_s < span[1]), None)
        if absent is not None and _is_up_throughout(log, view.client, at_s, min(absent[1], until_s)):
            yield view.client, absent[1] - at_s if absent[1] < until_s else NOT_SEEN


def _false_decisions(log: Log) -> Iterator[Line]:
    """A component that has spoken against an instance says so once."""
    against: set[tuple[str, str]] = set()
    known = {instance for _, instance in _instances(log)}
    for line in log.of_registries():
        key = (line.component, line.subject)
        if line.event in IN:
            against.discard(key)
        elif line.event in OUT and not line.is_of_lock and line.subject in known and key not in against:
            against.add(key)
            if log.fate(line.subject).is_live(line.time_s):
                yield line


def _instances(log: Log) -> list[tuple[str, str]]:
    return [(service, instance) for service, instances in log.instances.items() for instance in instances]


def _by_instance(log: Log, words: Sequence[str]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in log.of_registries():
        if line.event in words and not line.is_of_lock:
            found.setdefault(line.subject, []).append(line)
    return found


def _up(log: Log, client: str) -> list[Span]:
    return outside(log.fate(client).down, log.end_s)


def _is_up_throughout(log: Log, client: str, from_s: float, until_s: float) -> bool:
    return not any(start_s < until_s and end_s > from_s for start_s, end_s in log.fate(client).down)


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Of spans in order, those that overlap as one."""
    merged: list[Span] = []
    for start_s, end_s in spans:
        if merged and start_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
        else:
            merged.append((start_s, end_s))
    return merged
