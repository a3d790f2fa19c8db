"""`stress`: a neighbour on the node wants cores, and the node's instances share with it.

As `stress-ng --cpu` beside a service, or another tenant's load (Leitner & Cito, Patterns in the Chaos, ACM Transactions
on Internet Technology 16(3), 2016): the node divides its cores fairly over its instances and the neighbour, which
always wants as many as it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sim.failures.system import System
from sim.failures.targets import MachinesForm, NodesField
from sim.forms.fields import PositiveNumber
from sim.model import Fault, TargetKind

if TYPE_CHECKING:
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class Stress(Fault):
    """Somebody else on a node wants `cores` all the time; those of several such faults add up."""

    cores: float

    @property
    def condition(self) -> str:
        return f"shared with a neighbour that wants {self.cores:g} core{'s' if self.cores != 1.0 else ''}"

    def start(self, cluster: Any) -> None:
        cluster.stress_node(self.target, self.cores)

    def stop(self, cluster: Any) -> None:
        cluster.relieve_node(self.target, self.cores)


class StressForm(MachinesForm):
    kind = "stress"
    example = "{at: 40s, stress: app-2, cores: 2, for: 20s}"
    target_kinds = ("node",)

    stress: NodesField = Field(examples=["app-2"])
    cores: PositiveNumber = Field(examples=[2])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        if not places.nodes:
            return None
        node = dice.choice(places.nodes)
        return {"stress": node.name, "cores": node.cores}

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> Stress:
        return Stress(cause, cause, target_kind, target, self.when, self.cores)
