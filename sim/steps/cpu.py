"""`cpu`: a burst of work on the instance's cores."""

from __future__ import annotations

from dataclasses import dataclass

from sim.distributions import Distribution


@dataclass(frozen=True, slots=True)
class Cpu:
    """Core-seconds of work at speed 1. `draw`: does a retry draw new work (`attempt`) or repeat it (`request`)?"""

    work: Distribution
    draw: str = "attempt"
