"""What every arrival process offers, the registry of them, and the row that the kernel advances."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from sim.distributions import Declared, Distribution, DistributionTable

POISSON, CONSTANT, RENEWAL, SEGMENTS, MMPP, DIURNAL, TRACE, CLOSED = range(8)
"""Codes of the processes in the kernel; steps, ramps and spikes are all SEGMENTS."""

ARRIVAL = np.dtype(
    (
        np.record,
        np.dtype(
            [
                ("code", "i8"),
                ("start", "i8"),  # first number of its data
                ("length", "i8"),  # how many numbers (trace), segments or states
                ("gap", "i8"),  # distribution row of the gaps (renewal) or think times (closed); else 0
                ("a", "f8"),  # parameters of the process
                ("b", "f8"),
                ("c", "f8"),
                ("d", "f8"),
                ("key", "u8"),  # of its source
                ("index", "i8"),  # state: number of the next arrival
                ("time_s", "f8"),  # time of the last arrival; 0 before the first
                ("position", "i8"),  # segment or state that time_s lies in; -1: not begun
                ("episode", "i8"),  # sojourns begun (mmpp)
                ("until_s", "f8"),  # end of the current sojourn (mmpp)
            ],
            align=True,
        ),
    )
)
"""One arrival process: what it is, and where it stands."""


@dataclass(frozen=True, eq=False)
class Process:
    """The compiled form of an arrival process: its code, its parameters, its numbers, its distribution."""

    code: int
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    data: np.ndarray | None = None
    length: int = 0
    gap: Distribution | None = None


@dataclass(frozen=True)
class Arrivals(Declared, ABC):
    """When a source's requests are sent. Request i has number i = 0, 1, … in the order of sending."""

    code: ClassVar[int]

    @abstractmethod
    def mean_rate(self, until_s: float) -> float:
        """Expected arrivals in (0, until_s] over until_s, per second."""

    @abstractmethod
    def lower(self) -> Process:
        """What the kernel advances."""


ARRIVALS: dict[str, type[Arrivals]] = {}
"""By the name that a scenario gives."""

_Class = TypeVar("_Class", bound=type[Arrivals])


def register(cls: _Class) -> _Class:
    assert cls.name not in ARRIVALS, f"two arrival processes are called {cls.name}"
    ARRIVALS[cls.name] = cls
    return cls


def lower_arrivals(row: np.record, arrivals: Arrivals, key: np.uint64, table: DistributionTable) -> None:
    """Fill a row (dtype ARRIVAL, modified in place) with a process that stands at time 0.

    Its numbers and its gap distribution go into `table`. `key` is the source's: arrivals use its words by the number of
    the arrival, and keys derived from it by salts of their own.
    """
    process = arrivals.lower()
    row.code, row.key = process.code, key
    row.a, row.b, row.c, row.d = process.a, process.b, process.c, process.d
    row.start = 0 if process.data is None else table.append(process.data)
    row.length = process.length
    row.gap = 0 if process.gap is None else table.add(process.gap)
    row.index, row.time_s, row.position, row.episode, row.until_s = 0, 0.0, -1, 0, 0.0
