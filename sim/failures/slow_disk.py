"""`slow_disk`: a node's disk works at a fraction of its speed for a time.

Fail-slow storage (Gunawi et al., Fail-Slow at Scale, FAST 2018, section 3: disks that retry, firmware that collects
garbage; Hao et al., The Tail at Store, FAST 2016): what waits for the disk waits longer, cores and messages do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from sim.failures.system import System
from sim.failures.targets import MachinesForm, NodesField
from sim.forms import MistakeError
from sim.forms.base import Mistake
from sim.forms.fields import PositiveNumber
from sim.model import Fault, TargetKind

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class SlowDisk(Fault):
    """A node's disk runs at `factor` times its speed, in (0, 1); factors of faults that overlap multiply."""

    factor: float

    @property
    def condition(self) -> str:
        return f"slowed to {self.factor:g} of its disk's speed"

    def start(self, cluster: Cluster) -> None:
        cluster.slow_disk(self.target, self.factor)

    def stop(self, cluster: Cluster) -> None:
        cluster.unslow_disk(self.target, self.factor)


class SlowDiskForm(MachinesForm):
    kind = "slow_disk"
    example = "{at: 40s, slow_disk: db-1, factor: 0.2, for: 20s}"
    target_kinds = ("node",)
    rules: ClassVar[Sequence[Mapping[str, Any]]] = (
        *MachinesForm.rules,
        {"properties": {"factor": {"exclusiveMaximum": 1}}},
    )

    slow_disk: NodesField = Field(examples=["db-1"])
    factor: PositiveNumber = Field(examples=[0.2])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.factor >= 1.0:
            yield Mistake(("factor",), f"got {self.factor:g}; must be above 0 and below 1; write e.g. factor: 0.2")

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        disks = [node.name for node in places.nodes if node.disk is not None]
        return {"slow_disk": dice.choice(disks), "factor": round(dice.between(0.05, 0.5), 2)} if disks else None

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> SlowDisk:
        if system.nodes[target].disk is None:
            raise MistakeError(f"got {target}, which has no disk; give its nodes disk: {{access: 5ms}}, or remove it")
        return SlowDisk(cause, cause, target_kind, target, self.when, self.factor)
