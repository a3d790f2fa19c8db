"""`slow`: a node computes slowly for a time, and says nothing of it.

A gray failure (Huang et al., Gray Failure: The Achilles' Heel of Cloud-Scale Systems, HotOS 2017; Gunawi et al.,
Fail-Slow at Scale, FAST 2018): thermal throttling, a noisy neighbour, a failing fan. Only core time is slower: `io`
waits and messages take what they took.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from sim.failures.system import System
from sim.failures.targets import MachinesForm, NodesField
from sim.forms.base import Mistake
from sim.forms.fields import PositiveNumber
from sim.model import Fault, TargetKind

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class Slow(Fault):
    """A node runs at `factor` times its speed, in (0, 1); factors of faults that overlap multiply."""

    factor: float

    @property
    def condition(self) -> str:
        return f"slowed to {self.factor:g} of its speed"

    def start(self, cluster: Cluster) -> None:
        cluster.slow_node(self.target, self.factor)

    def stop(self, cluster: Cluster) -> None:
        cluster.unslow_node(self.target, self.factor)


class SlowForm(MachinesForm):
    kind = "slow"
    example = "{at: 40s, slow: app-2, factor: 0.2, for: 20s}"
    target_kinds = ("node",)
    rules: ClassVar[Sequence[Mapping[str, Any]]] = (
        *MachinesForm.rules,
        {"properties": {"factor": {"exclusiveMaximum": 1}}},
    )

    slow: NodesField = Field(examples=["app-2"])
    factor: PositiveNumber = Field(examples=[0.2])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.factor >= 1.0:
            yield Mistake(("factor",), f"got {self.factor:g}; must be above 0 and below 1; write e.g. factor: 0.2")

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        if not places.nodes:
            return None
        return {"slow": dice.choice(places.nodes).name, "factor": round(dice.between(0.05, 0.5), 2)}

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> Slow:
        return Slow(cause, cause, target_kind, target, self.when, self.factor)
