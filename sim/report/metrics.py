"""Metrics as a person reads them: names, units, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sim.report.numbers import time_unit

Kind = Literal["rate", "time", "share"]
QUANTILE_NAMES = {"p999": "p99.9"}


def kind_of(metric: str) -> Kind:
    if metric.endswith("_per_s"):
        return "rate"
    return "time" if metric.endswith("_s") else "share"


def name_of(metric: str) -> str:
    """`p99 ok` of latency_p99_ok_s."""
    bare = metric.removeprefix("latency_").removesuffix("_per_s").removesuffix("_s")
    words = [QUANTILE_NAMES.get(word, word) for word in bare.split("_")]
    return " ".join(words)


def higher_is_better(metric: str) -> bool | None:
    """None of what is offered: more of it is neither."""
    if metric == "offered_per_s":
        return None
    return kind_of(metric) != "time"


@dataclass(frozen=True, slots=True)
class Unit:
    """`symbol` as it stands beside a number, and how many of the estimate's own units it is."""

    symbol: str
    scale: float

    def heading(self, metric: str) -> str:
        """`p99 ms`."""
        return f"{name_of(metric)} {self.symbol}"


def unit_of(metric: str, values: Iterable[float]) -> Unit:
    """The unit in which to write these values of a metric, all of them."""
    kind = kind_of(metric)
    if kind == "rate":
        return Unit("/s", 1.0)
    return Unit("%", 0.01) if kind == "share" else Unit(*time_unit(list(values)))
