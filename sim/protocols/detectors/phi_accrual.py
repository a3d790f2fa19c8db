"""The φ accrual failure detector (Hayashibara, Défago, Yared, Katayama, SRDS 2004), and Cassandra's form of it.

φ(t) = −log₁₀ of the chance that a heartbeat still comes, after t without one, judged by the intervals of a sliding
window. The paper (§4.2) takes them for normal; Cassandra 4.1 for exponential, which needs their mean alone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import erfc, inf, log, log10, sqrt
from statistics import NormalDist
from typing import Literal


@dataclass(frozen=True, slots=True)
class Scale:
    """`first_interval_s`: what the window holds before anything has been heard; 0: nothing.
    `max_interval_s`: longer intervals are taken for outages, and do not count."""

    law: Literal["normal", "exponential"] = "normal"
    window: int = 1000
    threshold: float = 8.0
    first_interval_s: float = 0.0
    max_interval_s: float = inf
    min_deviation_s: float = 0.0


PAPER = Scale()
CASSANDRA = Scale(law="exponential", first_interval_s=2.0, max_interval_s=2.0)
PRESETS = {"phi@hayashibara04": PAPER, "cassandra@4.1": CASSANDRA}


class PhiAccrual:
    def __init__(self, scale: Scale, now_s: float) -> None:
        self.scale = scale
        self._last_s = now_s
        self._intervals: deque[float] = deque()
        self._sum = self._squares = 0.0
        if scale.first_interval_s:
            self._add(scale.first_interval_s)

    def heard(self, now_s: float) -> None:
        interval_s = now_s - self._last_s
        self._last_s = now_s
        if interval_s <= self.scale.max_interval_s:
            self._add(interval_s)

    @property
    def mean_s(self) -> float:
        return self._sum / len(self._intervals)

    @property
    def deviation_s(self) -> float:
        variance = self._squares / len(self._intervals) - self.mean_s**2
        return max(sqrt(max(0.0, variance)), self.scale.min_deviation_s)

    def phi(self, now_s: float) -> float:
        """0 before there is an interval to judge by."""
        if not self._intervals:
            return 0.0
        silent_s = now_s - self._last_s
        if self.scale.law == "exponential":
            return silent_s / (self.mean_s * log(10))
        if self.deviation_s == 0:
            return inf if silent_s > self.mean_s else 0.0
        later = 0.5 * erfc((silent_s - self.mean_s) / (self.deviation_s * sqrt(2)))
        return -log10(later) if later > 0 else inf

    @property
    def convicts_at_s(self) -> float:
        """When φ reaches the threshold, if it hears nothing more; infinite before there is an interval."""
        if not self._intervals:
            return inf
        if self.scale.law == "exponential":
            return self._last_s + self.scale.threshold * log(10) * self.mean_s
        deviations = -NormalDist().inv_cdf(10**-self.scale.threshold)
        return self._last_s + self.mean_s + deviations * self.deviation_s

    def suspects(self, now_s: float) -> bool:
        return self.phi(now_s) >= self.scale.threshold

    def _add(self, interval_s: float) -> None:
        self._intervals.append(interval_s)
        self._sum += interval_s
        self._squares += interval_s**2
        if len(self._intervals) > self.scale.window:
            oldest_s = self._intervals.popleft()
            self._sum -= oldest_s
            self._squares -= oldest_s**2
