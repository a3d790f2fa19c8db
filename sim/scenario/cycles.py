"""Endless recursion: calls that a request makes for certain and that lead back to where they began.

A call is certain when nothing that the scenario says can prevent it: it stands in no `choose` with a branch that lacks
it, and no step before it can end the handler — a `fail` above 0%, or a required call to an endpoint that can fail so.
Timeouts, full queues and crashes do not count: they happen under load, not by design. What is not certain is guarded
by the depth limit when it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sim.steps.behaviour import Behaviour
from sim.steps.call import Call
from sim.steps.choose import Choose
from sim.steps.fail import Fail
from sim.steps.guard import Guard
from sim.steps.leads import Leads
from sim.steps.lock import Lock
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat

EndpointName = tuple[str, str]
Programs = Mapping[EndpointName, Sequence[Any]]


class Course(NamedTuple):
    """What some steps do for certain: the calls, and whether they can end the handler."""

    calls: tuple[EndpointName, ...]
    can_fail: bool


def certain_cycles(programs: Programs) -> list[tuple[EndpointName, ...]]:
    """Each cycle once, as the endpoints in order of calling, beginning with the first in the file."""
    failing = _failing(programs)
    calls = _without_leaves({name: _course(steps, failing).calls for name, steps in programs.items()})
    found: dict[frozenset[EndpointName], tuple[EndpointName, ...]] = {}
    for start in calls:
        cycle = _way_back(start, calls)
        if cycle:
            found.setdefault(frozenset(cycle), cycle)
    return list(found.values())


def _failing(programs: Programs) -> frozenset[EndpointName]:
    """Endpoints that can fail by design: the least fixed point."""
    failing: frozenset[EndpointName] = frozenset()
    while True:
        grown = frozenset(name for name, steps in programs.items() if _course(steps, failing).can_fail)
        if grown == failing:
            return failing
        failing = grown


def _course(steps: Sequence[Any], failing: frozenset[EndpointName]) -> Course:
    calls: list[EndpointName] = []
    for step in steps:
        course = _step_course(step, failing)
        calls += course.calls
        if course.can_fail:
            return Course(tuple(calls), True)
    return Course(tuple(calls), False)


def _step_course(step: Any, failing: frozenset[EndpointName]) -> Course:
    match step:
        case Call():
            callee = (step.service, step.endpoint)
            return Course((callee,), not step.optional and callee in failing)
        case Fail():
            return Course((), step.probability > 0)
        case Parallel():
            return _parallel(step, [_course(branch, failing) for branch in step.branches])
        case Choose():
            branches = [_course(branch, failing) for branch in step.branches]
            common = [call for call in branches[0].calls if all(call in other.calls for other in branches)]
            return Course(tuple(common), any(branch.can_fail for branch in branches))
        case Repeat():
            return _course(step.steps, failing)
        case Behaviour() | Guard() | Leads() | Lock():
            return Course((), True)
        case _:
            return Course((), False)


def _parallel(step: Parallel, branches: Sequence[Course]) -> Course:
    """Branches all start at once; a decided join may cancel the rest before they call."""
    safe = sum(not branch.can_fail for branch in branches)
    decided_early = step.need < len(branches) or safe < len(branches)
    calls = () if step.cancel and decided_early else tuple(call for branch in branches for call in branch.calls)
    return Course(calls, not step.optional and safe < step.need)


def _without_leaves(calls: Mapping[EndpointName, Iterable[EndpointName]]) -> dict[EndpointName, list[EndpointName]]:
    """Only what leads into a cycle; most scenarios have nothing left."""
    left = {name: list(callees) for name, callees in calls.items()}
    while True:
        kept = {name: [c for c in callees if c in left] for name, callees in left.items()}
        kept = {name: callees for name, callees in kept.items() if callees}
        if len(kept) == len(left):
            return kept
        left = kept


def _way_back(start: EndpointName, calls: Mapping[EndpointName, Iterable[EndpointName]]) -> tuple[EndpointName, ...]:
    """The shortest way from an endpoint back to itself, or nothing."""
    frontier: list[tuple[EndpointName, ...]] = [(start,)]
    seen: set[EndpointName] = set()
    while frontier:
        longer = []
        for way in frontier:
            for callee in calls.get(way[-1], ()):
                if callee == start:
                    return way
                if callee not in seen:
                    seen.add(callee)
                    longer.append((*way, callee))
        frontier = longer
    return ()
