"""Distributions as rows of a table, and the numbers they share in one array."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from sim.distributions.base import Distribution, Law
from sim.distributions.codes import MIXTURE

DISTRIBUTION = np.dtype(
    (
        np.record,
        np.dtype(
            [
                ("code", "i8"),  # the standard law: codes.CONSTANT …
                ("start", "i8"),  # first number of its data
                ("length", "i8"),  # how many (mixture: components)
                ("times", "f8"),  # a draw is plus + times · standard draw
                ("plus", "f8"),
                ("a", "f8"),  # parameters of the standard law
                ("b", "f8"),
                ("c", "f8"),
            ],
            align=True,
        ),
    )
)
"""One lowered distribution, 64 bytes."""

PART_WIDTH = 9
"""Numbers of one component of a mixture: upper end of its share, code, start, length, times, plus, a, b, c."""


class DistributionTable:
    """Collects distributions and their data; equal ones share a row, equal data its place."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._number: dict[Distribution, int] = {}
        self._blocks: list[np.ndarray] = []
        self._starts: dict[tuple[int, bytes], int] = {}
        self._length = 0

    def add(self, distribution: Distribution) -> int:
        """The number of the distribution's row."""
        if distribution not in self._number:
            self._rows.append(self._lower(distribution.lower()))
            self._number[distribution] = len(self._rows) - 1
        return self._number[distribution]

    def append(self, data: np.ndarray) -> int:
        """The place of these numbers in the shared array."""
        block = np.ascontiguousarray(data, dtype=np.float64)
        identity = (block.size, hashlib.blake2b(block.tobytes(), digest_size=16).digest())
        if identity not in self._starts:
            self._starts[identity] = self._length
            self._blocks.append(block)
            self._length += block.size
        return self._starts[identity]

    def rows(self) -> np.ndarray:
        """Shape (distributions,), dtype DISTRIBUTION."""
        return np.array(self._rows, dtype=DISTRIBUTION)

    def data(self) -> np.ndarray:
        """All numbers, float64."""
        return np.concatenate([np.empty(0), *self._blocks])

    def _lower(self, law: Law) -> tuple[float, ...]:
        data, length = law.data, 0 if law.data is None else law.data.size
        if law.code == MIXTURE:
            ends = np.cumsum([weight for weight, _ in law.parts])
            ends[-1] = 1.0
            data = np.array([(end, *self._lower(part)) for end, (_, part) in zip(ends, law.parts, strict=True)]).ravel()
            length = len(law.parts)
        start = self.append(data) if data is not None else 0
        return law.code, start, length, law.times, law.plus, law.a, law.b, law.c


def lower_distributions(distributions: Sequence[Distribution]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (dtype DISTRIBUTION), the data they share (float64), and the row number of each distribution given."""
    table = DistributionTable()
    numbers = np.array([table.add(distribution) for distribution in distributions], dtype=np.int64)
    return table.rows(), table.data(), numbers
