"""`fail`: the handler fails with a probability."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fail:
    probability: float
    draw: str = "attempt"
