"""`crash`: a host or a process dies.

As in the crash-stop model with recovery (Cachin, Guerraoui & Rodrigues, Reliable and Secure Distributed Programming,
2011, section 2.2): what was in memory is gone. A process that is back starts at once, and warm, unless its service says
how it starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sim.failures.system import System
from sim.failures.targets import MachinesForm, TargetsField
from sim.model import Fault, TargetKind

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class Crash(Fault):
    """A node (host) or an instance (process) is down."""

    @property
    def condition(self) -> str:
        return "down"

    @property
    def kills(self) -> bool:
        return True

    @property
    def takes_down(self) -> tuple[tuple[TargetKind, str], ...]:
        return ((self.target_kind, self.target),)

    def start(self, cluster: Cluster) -> None:
        cluster.crash(self.target_kind, self.target)

    def stop(self, cluster: Cluster) -> None:
        cluster.restore(self.target_kind, self.target)


class CrashForm(MachinesForm):
    kind = "crash"
    example = "{at: 40s, crash: app-2, for: 20s}"

    crash: TargetsField = Field(examples=["app-2"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        return {"crash": dice.choice(places.machines)} if places.machines else None

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> Crash:
        return Crash(cause, cause, target_kind, target, self.when)
