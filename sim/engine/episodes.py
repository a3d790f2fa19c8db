"""When a fault strikes, and for how long."""

from __future__ import annotations

from collections.abc import Iterator

from sim.model import Fault


def episodes(fault: Fault) -> Iterator[tuple[float, float]]:
    """(start, end) of each episode in s; an end of inf: it lasts."""
    once = fault.when
    yield once.at_s, float("inf") if once.for_s is None else once.at_s + once.for_s
