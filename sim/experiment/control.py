"""The control plane's log read as courses: what each instance was, and what each client's view said, through time.

The log (`Run.control`) holds truth and knowledge side by side: component `truth` says what became of an instance,
`view` what a client balances over from then on, and a registry's own words what it decided. Spans are half-open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from sim.engine.run import CONTROL, Run

TRUTH, VIEW, SOURCE = "truth", "view", "source:"
REGISTERED, HEALTHY, UNHEALTHY = "registered", "healthy", "unhealthy"
OUT = (UNHEALTHY, "expired", "evicted", "deregistered")
"""A registry's words for: it is no longer to be listed."""
IN = (REGISTERED, HEALTHY)

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    time_s: float
    component: str
    event: str
    subject: str
    detail: str

    @property
    def is_of_lock(self) -> bool:
        """Does its detail say a key and a token, such as `jobs 17`?"""
        key, _, token = self.detail.partition(" ")
        return bool(key) and token.isdecimal()


@dataclass(slots=True)
class Fate:
    """What an instance truly was: the spans in which it was not simply up."""

    down: list[Span] = field(default_factory=list)
    paused: list[Span] = field(default_factory=list)
    stopping: list[Span] = field(default_factory=list)
    """From the request to stop until it was down (or up again)."""

    def is_live(self, at_s: float) -> bool:
        """Up, and neither paused nor about to stop."""
        return not any(start <= at_s < end for spans in (self.down, self.paused, self.stopping) for start, end in spans)


@dataclass(slots=True)
class View:
    """What one client's view of one service left out: spans by instance. All else it listed."""

    client: str
    service: str
    absent: dict[str, list[Span]] = field(default_factory=dict)
    removals: list[tuple[float, str]] = field(default_factory=list)
    """Each time that an instance was taken out, with the instance."""

    def listed(self, instance: str, end_s: float) -> list[Span]:
        return outside(self.absent.get(instance, ()), end_s)


@dataclass(frozen=True, slots=True)
class Log:
    """The control plane's log of one replication, up to `end_s`."""

    lines: Sequence[Line]
    fates: Mapping[str, Fate]
    views: Sequence[View]
    instances: Mapping[str, Sequence[str]]
    """By service, of the services that some client has a view of."""
    end_s: float

    def fate(self, name: str) -> Fate:
        """Of an instance, or of a client that never crashes (a source of traffic)."""
        return self.fates.get(name) or Fate()

    def of_registries(self) -> Iterator[Line]:
        return (line for line in self.lines if line.component != TRUTH and line.event != VIEW)


def read_log(run: Run, instances: Mapping[str, Sequence[str]]) -> Log:
    """Args: instances: of each service, by name.

    Clients of a service are its callers, each of their instances and sources as `source:NAME`; until a line says
    otherwise a client's view is full.
    """
    end_s = min(run.duration_s, run.stopped_at_s)
    lines = [line for line in _lines(run.control) if line.time_s <= end_s]
    views = _views(lines, _clients(run, instances), instances, end_s)
    seen = {view.service for view in views}
    return Log(lines, _fates(lines, end_s), views, {s: tuple(of) for s, of in instances.items() if s in seen}, end_s)


def members_of(detail: str) -> tuple[str, list[str]]:
    """Service and instances of a view's line: `cart: cart-1 cart-2`."""
    service, _, members = detail.partition(":")
    return service.strip(), members.split()


def outside(spans: Iterable[Span], end_s: float) -> list[Span]:
    """What of [0, end_s) these spans, in order and apart, leave."""
    left, since_s = [], 0.0
    for start_s, until_s in spans:
        if start_s > since_s:
            left.append((since_s, start_s))
        since_s = until_s
    return [*left, (since_s, end_s)] if since_s < end_s else left


def common(one: Iterable[Span], other: Sequence[Span]) -> list[Span]:
    """The spans in which both are."""
    found = []
    for start_s, end_s in one:
        for from_s, until_s in other:
            if max(start_s, from_s) < min(end_s, until_s):
                found.append((max(start_s, from_s), min(end_s, until_s)))
    return found


def length_s(spans: Iterable[Span]) -> float:
    return sum(end_s - start_s for start_s, end_s in spans)


def _lines(control: pd.DataFrame) -> list[Line]:
    """In the order in which they were written, which is that of time; `truth` comes before what it brings about."""
    return [Line(*of) for of in zip(*(control[column].tolist() for column in CONTROL), strict=True)]


def _clients(run: Run, instances: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Clients and the services that they call, from the names of what was measured."""
    found: dict[tuple[str, str], None] = {}
    for scope in run.scopes:
        caller, _, callee = scope.name.partition(" → ")
        service = callee.partition(".")[0]
        if scope.kind == "request":
            found[f"{SOURCE}{caller}", service] = None
        elif scope.kind == "call":
            found |= dict.fromkeys((client, service) for client in instances.get(caller.partition(".")[0], ()))
    return list(found)


def _fates(lines: Iterable[Line], end_s: float) -> dict[str, Fate]:
    """An ending that was not seen is the end of the run."""
    fates: dict[str, Fate] = {}
    open_spans: dict[tuple[str, str], float] = {}

    def close(instance: str, kind: str, at_s: float) -> None:
        start_s = open_spans.pop((instance, kind), None)
        if start_s is not None and start_s < at_s:
            getattr(fates[instance], kind).append((start_s, at_s))

    for line in lines:
        if line.component != TRUTH:
            continue
        fates.setdefault(line.subject, Fate())
        for kind in {"down": ("paused", "stopping"), "up": ("down", "stopping"), "resumed": ("paused",)}.get(
            line.event, ()
        ):
            close(line.subject, kind, line.time_s)
        if line.event in ("down", "paused", "stopping"):
            open_spans.setdefault((line.subject, line.event), line.time_s)
    for instance, kind in list(open_spans):
        close(instance, kind, end_s)
    return fates


def _views(
    lines: Iterable[Line], clients: Iterable[tuple[str, str]], instances: Mapping[str, Sequence[str]], end_s: float
) -> list[View]:
    views = {key: _Watched(*key, set(instances.get(key[1], ()))) for key in clients}
    for line in lines:
        if line.event == VIEW:
            service, members = members_of(line.detail)
            key = line.subject, service
            if key not in views:
                views[key] = _Watched(*key, set(instances.get(service, members)))
            views[key].change(line.time_s, set(members))
    return [watched.until(end_s) for watched in views.values()]


class _Watched:
    """A view while its lines are read."""

    def __init__(self, client: str, service: str, listed: set[str]) -> None:
        self._view = View(client, service)
        self._listed = listed
        self._gone_s: dict[str, float] = {}

    def change(self, at_s: float, members: set[str]) -> None:
        for instance in sorted(self._listed - members):
            self._gone_s[instance] = at_s
            if at_s > 0.0:
                self._view.removals.append((at_s, instance))
        for instance in members - self._listed:
            self._add(instance, self._gone_s.pop(instance, 0.0), at_s)
        self._listed = members

    def until(self, end_s: float) -> View:
        for instance, start_s in self._gone_s.items():
            self._add(instance, start_s, end_s)
        return self._view

    def _add(self, instance: str, start_s: float, end_s: float) -> None:
        if start_s < end_s:
            self._view.absent.setdefault(instance, []).append((start_s, end_s))
