"""What a client of Redlock is told."""

from __future__ import annotations

from dataclasses import dataclass

DRIFT_S = 0.002
"""What Redis's own rounding of times to milliseconds may cost (redlock-rb)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`request_s` bounds the wait for one server. Clocks are believed to drift apart by at most a share `drift` of the
    lease. After a try that failed the next begins `retry_delay_s` and up to `retry_jitter_s` later."""

    request_s: float
    drift: float
    retry_delay_s: float
    retry_jitter_s: float

    def validity_s(self, lease_s: float, elapsed_s: float) -> float:
        """How long a lock may be relied on, once most servers have said yes."""
        return lease_s - elapsed_s - (lease_s * self.drift + DRIFT_S)
