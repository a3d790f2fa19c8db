"""What became of a registry, of its leaders and of its locks: writes that had to wait, elections, hand-offs, fencing.

unwritable
    Spans from `unwritable` to `writable`: a registry could not commit. Where a primary takes the writes, as in Redis,
    from its end to the next one's beginning. A span that is open lasts until the end of the run.
elections
    Leaders that were `elected` after time 0; a leader change is one by another member than the last.
hand-off
    From a lock's being free (its holder `released` it, `lost` it, its lease `expired`, or it died) to when it is next
    `acquired`, by whomever. Where nobody wants it this includes waiting for somebody who does.
stale writes
    Writes of a holder that was one no longer: `stale` the protected resource took, `fenced` its check refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sim.experiment.control import TRUTH, Line, Log

FREES = ("released", "lost", "expired")


@dataclass(frozen=True, slots=True)
class Outage:
    """A registry that could not commit."""

    component: str
    start_s: float
    end_s: float
    lasts: bool
    """It was not over when the run ended."""


@dataclass(frozen=True, slots=True)
class Handoff:
    component: str
    key: str
    holder: str
    """Who had it."""
    next_holder: str
    """Empty where nobody took it any more."""
    how: str
    """released, lost, expired or death."""
    free_s: float
    taken_s: float
    """Infinite where nobody took it."""

    @property
    def takes_s(self) -> float:
        return self.taken_s - self.free_s


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one replication."""

    elections: int
    leader_changes: int
    acquired: int
    accepted: int
    stale: int
    fenced: int


def outages(log: Log) -> list[Outage]:
    """By component, in order of time: while none of those who ever took writes (a group, or a primary) takes them."""
    found: list[Outage] = []
    writable: dict[str, set[str]] = {}
    since: dict[str, float] = {}
    for line in log.of_registries():
        if line.event not in ("unwritable", "writable"):
            continue
        able = writable.setdefault(line.component, {line.subject})
        if line.event == "writable":
            able.add(line.subject)
        elif line.subject in able:
            able.remove(line.subject)
            if not able:
                since[line.component] = line.time_s
        if able and line.component in since:
            found.append(Outage(line.component, since.pop(line.component), line.time_s, lasts=False))
    found += [Outage(component, start_s, log.end_s, lasts=True) for component, start_s in since.items()]
    return sorted(found, key=lambda outage: (outage.component, outage.start_s))


def counts(log: Log) -> Counts:
    events = [line.event for line in log.of_registries()]
    elected = [line for line in log.of_registries() if line.event == "elected"]
    words = ("acquired", "accepted", "stale", "fenced")
    return Counts(
        sum(line.time_s > 0.0 for line in elected), _changes(elected), *(events.count(word) for word in words)
    )


def handoffs(log: Log) -> list[Handoff]:
    """In order of the time at which the lock became free."""
    keys = dict.fromkeys((line.component, key_of(line)) for line in log.of_registries() if line.event == "acquired")
    found = [handoff for component, key in keys for handoff in _of_lock(log, component, key)]
    return sorted(found, key=lambda handoff: handoff.free_s)


def key_of(line: Line) -> str:
    """A lock's line says its key first, then its token."""
    return line.detail.split()[0].rstrip(",:") if line.detail.split() else ""


def _of_lock(log: Log, component: str, key: str) -> Iterator[Handoff]:
    holder, free_s, how = "", math.nan, ""
    for line in log.lines:
        about_it = line.component == component and key_of(line) == key
        if line.component == TRUTH:
            if line.event == "down" and line.subject == holder and not how:
                free_s, how = line.time_s, "death"
        elif about_it and line.event in FREES and line.subject == holder and not how:
            free_s, how = line.time_s, line.event
        elif about_it and line.event == "acquired":
            if how:
                yield Handoff(component, key, holder, line.subject, how, free_s, line.time_s)
            holder, how = line.subject, ""
    if how:
        yield Handoff(component, key, holder, "", how, free_s, math.inf)


def _changes(elected: list[Line]) -> int:
    """Elections won by another member than the component's election before."""
    last: dict[str, str] = {}
    changes = 0
    for line in elected:
        changes += last.get(line.component, line.subject) != line.subject
        last[line.component] = line.subject
    return changes
