"""How balancing policies spread attempts over a service's instances.

Policies that do not look spread evenly or by weight. Policies that look at outstanding attempts steer: an instance
whose work piles up is avoided, as far as the policy has a choice. A client that draws d of n instances and takes the
least loaded cannot help sending at least C(k, d) / C(n, d) of its attempts to any k of them, and it needs no more: that
is the stability region of join-the-shortest-of-d (Foss & Chernova, Queueing Systems 29, 1998; Bramson, Annals of
Applied Probability 21(4), 2011). d = n is `least_outstanding`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from sim.model import Balance

EVEN = frozenset({"round_robin", "random"})
LOOKING: dict[str, Callable[[dict[str, Any], int], int]] = {
    "least_outstanding": lambda params, count: count,
    "power_of_two": lambda params, count: min(params["choices"], count),
}
"""By policy, the instances among which an attempt may choose."""


def is_known(balance: Balance) -> bool:
    """Is it known how the policy spreads? A plugin's is taken to spread evenly."""
    return balance.policy in EVEN or balance.policy in LOOKING or balance.policy == "weighted_round_robin"


def shares(balance: Balance, count: int) -> np.ndarray:
    """The share of each instance, shape (count,), while none of them is nearly full."""
    if balance.policy == "weighted_round_robin" and count > 1:
        weights = np.asarray(balance.params["weights"], dtype=np.float64)
        return np.asarray(weights / weights.sum())
    return np.full(count, 1.0 / count)


def choices(balance: Balance, count: int) -> int:
    """Among how many instances an attempt may choose by their load; 1 for a policy that does not look."""
    look = LOOKING.get(balance.policy)
    return look(balance.params, count) if look and count > 1 else 1


def least_share(k: int, d: int, n: int) -> float:
    """What any k of n instances get at least when the best of d drawn ones is taken."""
    return math.comb(k, d) / math.comb(n, d)
