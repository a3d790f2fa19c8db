"""How results of a check become a status: Consul 1.17's `StatusHandler`, and the scale of anti-entropy."""

from __future__ import annotations

from math import ceil, log2

from sim.registries.consul.catalog import Status
from sim.registries.consul.settings import SYNC_SCALE_THRESHOLD, Check


class CheckStatus:
    """A check begins critical, unless the instance was known before; its first result counts at once, as the
    source's counters begin at their thresholds."""

    def __init__(self, check: Check, status: Status) -> None:
        self._check = check
        self.status = status
        self._successes, self._failures = check.success_before_passing, check.failures_before_critical

    def update(self, passed: bool) -> bool:
        """Takes a result in; whether the status changed."""
        before = self.status
        if passed:
            self._successes, self._failures = self._successes + 1, 0
            if self._successes >= self._check.success_before_passing:
                self.status = "passing"
        else:
            self._successes, self._failures = 0, self._failures + 1
            if self._failures >= self._check.failures_before_critical:
                self.status = "critical"
        return self.status != before


def sync_scale(nodes: int) -> int:
    """By how much anti-entropy spreads: 1 up to 128 nodes, and one more for each doubling."""
    if nodes <= SYNC_SCALE_THRESHOLD:
        return 1
    return ceil(log2(nodes) - log2(SYNC_SCALE_THRESHOLD)) + 1
