"""`slow`: a node computes slowly for a time, and says nothing of it.

A gray failure (Huang et al., Gray Failure: The Achilles' Heel of Cloud-Scale Systems, HotOS 2017; Gunawi et al.,
Fail-Slow at Scale, FAST 2018): thermal throttling, a noisy neighbour, a failing fan. Only core time is slower: `io`
waits and messages take what they took.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sim.failures.slowness import LEAST_DRAWN, MOST_DRAWN, Slowness, SlownessForm
from sim.failures.system import System
from sim.failures.targets import NodesField
from sim.model import TargetKind

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class Slow(Slowness):
    """A node runs at `factor` times its speed, in (0, 1); factors of faults that overlap multiply."""

    @property
    def condition(self) -> str:
        return f"slowed to {self.factor:g} of its speed"

    def start(self, cluster: Cluster) -> None:
        cluster.slow_node(self.target, self.factor)

    def stop(self, cluster: Cluster) -> None:
        cluster.unslow_node(self.target, self.factor)


class SlowForm(SlownessForm):
    kind = "slow"
    example = "{at: 40s, slow: app-2, factor: 0.2, for: 20s}"

    slow: NodesField = Field(examples=["app-2"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        if not places.nodes:
            return None
        return {"slow": dice.choice(places.nodes).name, "factor": round(dice.between(LEAST_DRAWN, MOST_DRAWN), 2)}

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> Slow:
        return Slow(cause, cause, target_kind, target, self.when, self.factor)
