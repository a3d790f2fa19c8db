"""`parallel`: fork-join; a race with `need`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches are lists of steps. `need` of them must succeed; `cancel`: are the rest cancelled once decided?"""

    branches: tuple[tuple[Any, ...], ...]
    need: int
    cancel: bool = False
    optional: bool = False
