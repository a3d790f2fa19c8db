"""Arrival processes. `next_arrival` and `arrival_times` are compiled; Numba is imported when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sim.traffic.base import ARRIVAL, ARRIVALS, Arrivals, lower_arrivals
from sim.traffic.simple import Closed, ConstantRate, Mmpp, Poisson, Renewal
from sim.traffic.trace import Trace
from sim.traffic.varying import Diurnal, Ramp, Spike, Steps

if TYPE_CHECKING:
    from sim.traffic.kernel import arrival_times, next_arrival

__all__ = [
    "ARRIVAL",
    "ARRIVALS",
    "Arrivals",
    "Closed",
    "ConstantRate",
    "Diurnal",
    "Mmpp",
    "Poisson",
    "Ramp",
    "Renewal",
    "Spike",
    "Steps",
    "Trace",
    "arrival_times",
    "lower_arrivals",
    "next_arrival",
]


def __getattr__(name: str) -> Any:
    if name in ("next_arrival", "arrival_times"):
        return getattr(import_module("sim.traffic.kernel"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
