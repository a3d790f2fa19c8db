"""Which faults on a schedule cannot happen beside others: what is dead can neither be restarted nor suffer.

Crashes nest (a process may die on a host that then loses its power, and is up when all have ended), factors multiply,
impairments add up: that all may overlap. Faults at random may meet by chance, and are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sim.failures.link_down import LinkDown
from sim.failures.links import LinkFault
from sim.failures.restart import Restart
from sim.forms import MistakeError
from sim.model import Fault, Once
from sim.units import format_duration


class _Span(NamedTuple):
    start_s: float
    end_s: float
    fault: Fault


class Dead:
    """When nodes, instances and links are dead, by the faults on a schedule that were added."""

    def __init__(self, node_of: Mapping[str, str]) -> None:
        """`node_of` is the host of each instance."""
        self.node_of = node_of
        self.spans: dict[tuple[str, ...], list[_Span]] = {}

    def add(self, fault: Fault) -> None:
        for thing in _killed(fault):
            self.spans.setdefault(thing, []).append(_span(fault))

    def check(self, fault: Fault) -> None:
        """Raises MistakeError for a fault on a schedule that changes nothing beside those added."""
        if not isinstance(fault.when, Once) or (fault.kills and not isinstance(fault, Restart)):
            return
        span = _span(fault)
        until_s = span.start_s if isinstance(fault, Restart) else span.end_s
        struck = [list(self._above(thing)) for thing in _struck(fault)]
        deaths = [self._death(things, span.start_s, until_s, fault) for things in struck]
        if deaths and all(deaths):
            [what, death] = deaths[0]  # type: ignore[misc]  # all are there
            raise MistakeError(_sentence(fault, what, death))

    def _above(self, thing: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """A thing, and what it dies with."""
        yield thing
        if thing[0] == "instance":
            yield "node", self.node_of[thing[1]]

    def _death(
        self, things: Sequence[tuple[str, ...]], start_s: float, until_s: float, fault: Fault
    ) -> tuple[tuple[str, ...], _Span] | None:
        for thing in things:
            for span in self.spans.get(thing, ()):
                if span.fault is not fault and span.start_s <= start_s and until_s <= span.end_s > start_s:
                    return thing, span
        return None


def check_overlaps(faults: Sequence[Fault], node_of: Mapping[str, str]) -> Iterator[tuple[Fault, MistakeError]]:
    """The faults of a scenario that cannot happen, each with its sentence."""
    dead = Dead(node_of)
    for fault in faults:
        dead.add(fault)
    for fault in faults:
        try:
            dead.check(fault)
        except MistakeError as error:
            yield fault, error


def _span(fault: Fault) -> _Span:
    assert isinstance(fault.when, Once)
    for_s = float("inf") if fault.when.for_s is None else fault.when.for_s
    return _Span(fault.when.at_s, fault.when.at_s + for_s, fault)


def _killed(fault: Fault) -> Iterator[tuple[str, ...]]:
    if not isinstance(fault.when, Once):
        return
    if isinstance(fault, LinkDown):
        yield from (("link", *pair) for pair in fault.pairs)
    elif fault.kills:
        yield from fault.takes_down


def _struck(fault: Fault) -> Iterator[tuple[str, ...]]:
    if isinstance(fault, LinkFault) and not isinstance(fault, LinkDown):
        yield from (("link", *pair) for pair in fault.pairs)
    yield from (("node", name) for name in fault.nodes)
    yield from (("instance", name) for name in fault.instances)


def _sentence(fault: Fault, what: tuple[str, ...], death: _Span) -> str:
    name = f"the link {what[1]} → {what[2]}" if what[0] == "link" else what[1]
    until = "on" if death.end_s == float("inf") else f"to {format_duration(death.end_s)}"
    since = f"{death.fault.name}, from {format_duration(death.start_s)} {until}"
    so = f"so {fault.target} cannot be restarted" if isinstance(fault, Restart) else "so nothing comes of it"
    at_s = _span(fault).start_s
    return f"got {format_duration(at_s)}, when {name} is down ({since}), {so}; give it another time, or remove it"
