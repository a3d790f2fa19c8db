"""How many servers a registry may have, and what must be true between its times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from sim.forms.base import Mistake
from sim.forms.fields import count_field
from sim.units import format_duration

MOST_SERVERS = 100
"""Far more than any of these systems is run with; each server talks to all others."""
Servers = Annotated[int, *count_field(1, MOST_SERVERS)]


def too_short(key: str, lasts_s: float, renewal: str, every_s: float) -> Iterator[Mistake]:
    """Whatever has to be renewed must last longer than it takes until it is."""
    if lasts_s <= every_s:
        text = f"got {format_duration(lasts_s)}; must be above {renewal}, which is {format_duration(every_s)}"
        yield Mistake((key,), text)
