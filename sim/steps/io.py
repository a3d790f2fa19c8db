"""`io`: a wait that holds no CPU."""

from __future__ import annotations

from dataclasses import dataclass

from sim.distributions import Distribution


@dataclass(frozen=True, slots=True)
class Io:
    """Seconds of waiting."""

    wait: Distribution
    draw: str = "attempt"
