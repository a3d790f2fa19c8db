"""How rows of the kernel's tables are declared."""

from __future__ import annotations

from typing import Any

import numpy as np


def row(*fields: tuple[Any, ...]) -> np.dtype[Any]:
    return np.dtype((np.record, np.dtype(list(fields), align=True)))


def keyed_row(*fields: tuple[Any, ...]) -> np.dtype[Any]:
    """A row that is sorted by (time, order). `bits` are the time's own, which compare as integers do, and faster: times
    are never negative."""
    keys = (
        ("time", "f8"),  # s
        ("order", "i8"),  # class · 2^61 | sequence · 32 | kind
    )
    row = np.dtype([*keys, *fields], align=True)
    places = {name: place[:2] for name, place in dict(row.fields or {}).items()} | {"bits": (np.dtype("i8"), 0)}
    return np.dtype(
        (
            np.record,
            np.dtype(
                {
                    "names": list(places),
                    "formats": [kind for kind, _ in places.values()],
                    "offsets": [offset for _, offset in places.values()],
                    "itemsize": row.itemsize,
                }
            ),
        )
    )
