"""`repeat`: the same steps several times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Repeat:
    times: int
    steps: tuple[Any, ...]
