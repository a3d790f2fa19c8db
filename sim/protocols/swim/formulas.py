"""memberlist's formulas: how timeouts and repetitions grow with the size of the group (its `util.go`, 0.5).

All logarithms are decimal, but for push-pull's.
"""

from __future__ import annotations

from functools import cache
from math import ceil, floor, log, log2, log10

PUSH_PULL_SCALE_THRESHOLD = 32


@cache
def suspicion_timeout_s(mult: int, size: int, probe_interval_s: float) -> float:
    """How long a suspect may at least take to refute: mult · max(1, log₁₀ n) · interval; the scale has three decimals,
    cut off, as in memberlist's arithmetic of whole numbers."""
    scale = max(1.0, log10(max(1.0, size)))
    return mult * floor(scale * 1000) / 1000 * probe_interval_s


@cache
def retransmit_limit(mult: int, size: int) -> int:
    """How often a member passes one broadcast on: mult · ⌈log₁₀(n + 1)⌉."""
    return mult * ceil(log10(size + 1))


@cache
def push_pull_interval_s(interval_s: float, size: int) -> float:
    """The time between a member's full exchanges: longer by one interval for each doubling beyond 32 members."""
    if size <= PUSH_PULL_SCALE_THRESHOLD:
        return interval_s
    return (ceil(log2(size) - log2(PUSH_PULL_SCALE_THRESHOLD)) + 1) * interval_s


def suspicion_total_s(confirmations: int, wanted: int, min_s: float, max_s: float) -> float:
    """Lifeguard's timeout since the suspicion began (Dadgar, Phillips, Currey 2018, §IV.B): from the maximum to the
    minimum by the logarithm of the independent confirmations; cut to milliseconds, as memberlist does."""
    if wanted < 1:
        return min_s
    share = log(confirmations + 1) / log(wanted + 1)
    return max(min_s, floor(1000 * (max_s - share * (max_s - min_s))) / 1000)
