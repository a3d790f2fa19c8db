"""What must be true between the times of a registry."""

from __future__ import annotations

from collections.abc import Iterator

from sim.forms.base import Mistake
from sim.units import format_duration


def too_short(key: str, lasts_s: float, renewal: str, every_s: float) -> Iterator[Mistake]:
    """Whatever has to be renewed must last longer than it takes until it is."""
    if lasts_s <= every_s:
        text = f"got {format_duration(lasts_s)}; must be above {renewal}, which is {format_duration(every_s)}"
        yield Mistake((key,), text)
