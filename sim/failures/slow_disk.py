"""`slow_disk`: a node's disk works at a fraction of its speed for a time.

Fail-slow storage (Gunawi et al., Fail-Slow at Scale, FAST 2018, section 3: disks that retry, firmware that collects
garbage; Hao et al., The Tail at Store, FAST 2016): what waits for the disk waits longer, cores and messages do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sim.failures.slowness import LEAST_DRAWN, MOST_DRAWN, Slowness, SlownessForm
from sim.failures.system import System
from sim.failures.targets import NodesField
from sim.forms import MistakeError
from sim.model import TargetKind

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class SlowDisk(Slowness):
    """A node's disk runs at `factor` times its speed, in (0, 1); factors of faults that overlap multiply."""

    @property
    def condition(self) -> str:
        return f"left with {self.factor:g} of its disk's speed"

    def start(self, cluster: Cluster) -> None:
        cluster.slow_disk(self.target, self.factor)

    def stop(self, cluster: Cluster) -> None:
        cluster.unslow_disk(self.target, self.factor)


class SlowDiskForm(SlownessForm):
    kind = "slow_disk"
    example = "{at: 40s, slow_disk: db-1, factor: 0.2, for: 20s}"

    slow_disk: NodesField = Field(examples=["db-1"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        disks = [node.name for node in places.nodes if node.disk is not None]
        return (
            {"slow_disk": dice.choice(disks), "factor": round(dice.between(LEAST_DRAWN, MOST_DRAWN), 2)}
            if disks
            else None
        )

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> SlowDisk:
        if system.nodes[target].disk is None:
            raise MistakeError(f"got {target}, which has no disk; give its nodes disk: {{access: 5ms}}, or remove it")
        return SlowDisk(cause, cause, target_kind, target, self.when, self.factor)
