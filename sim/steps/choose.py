"""`choose`: one of several branches, by weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Choose:
    """`weights` are positive and sum to 1; a branch may be empty."""

    weights: tuple[float, ...]
    branches: tuple[tuple[Any, ...], ...]
    draw: str = "attempt"
