"""The five balancing policies. A balancer is the state of one (client, service, policy and its parameters)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.reference.draws import uniform


class Balancer:
    """`view` lists the service's instances in their order; `outstanding` counts this client's own open attempts."""

    def __init__(self, view: list[Any], policy: str, params: dict[str, Any]) -> None:
        self.view = view
        self.policy = policy
        self.params = params
        self.outstanding: Counter[str] = Counter()
        self.cursor = 0
        self.current = [0.0] * len(view)

    def pick(self, key: int) -> Any | None:
        """The instance of this attempt; None from an empty view."""
        if not self.view:
            return None
        return self.view[getattr(self, self.policy)(key)]

    def load(self, position: int) -> int:
        return self.outstanding[self.view[position].name]

    def round_robin(self, key: int) -> int:
        position = self.cursor % len(self.view)
        self.cursor += 1
        return position

    def random(self, key: int) -> int:
        return int(uniform(key, 0) * len(self.view))

    def least_outstanding(self, key: int) -> int:
        """Ties: one of the tied, uniformly."""
        least = min(self.load(position) for position in range(len(self.view)))
        tied = [position for position in range(len(self.view)) if self.load(position) == least]
        return tied[int(uniform(key, 0) * len(tied))]

    def power_of_two(self, key: int) -> int:
        """The least loaded of `choices` distinct instances drawn at random (all of them, if there are fewer).
        Ties: the earliest drawn."""
        positions = list(range(len(self.view)))
        drawn = min(self.params.get("choices", 2), len(positions))
        for k in range(drawn):
            other = k + int(uniform(key, k) * (len(positions) - k))
            positions[k], positions[other] = positions[other], positions[k]
        return min(positions[:drawn], key=self.load)

    def weighted_round_robin(self, key: int) -> int:
        """nginx's smooth weighted round robin. Ties: the first in the view."""
        weights = self.params["weights"]
        for position, weight in enumerate(weights):
            self.current[position] += weight
        best = max(range(len(self.view)), key=lambda position: self.current[position])
        self.current[best] -= sum(weights)
        return best
