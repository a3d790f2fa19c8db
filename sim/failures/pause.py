"""`pause`: a process or a host stands still, and then goes on where it was.

As after SIGSTOP and SIGCONT (POSIX.1-2017, section 2.4), in a stop-the-world collection of garbage, or while a
hypervisor does not run a virtual machine: memory and connections stay, time goes by.
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
class Pause(Fault):
    """A node (host) or an instance (process) stands still."""

    @property
    def condition(self) -> str:
        return "paused"

    @property
    def takes_down(self) -> tuple[tuple[TargetKind, str], ...]:
        return ((self.target_kind, self.target),)

    def start(self, cluster: Cluster) -> None:
        cluster.pause(self.target_kind, self.target)

    def stop(self, cluster: Cluster) -> None:
        cluster.resume(self.target_kind, self.target)


class PauseForm(MachinesForm):
    kind = "pause"
    example = "{at: 40s, pause: api-1, for: 500ms}"

    pause: TargetsField = Field(examples=["api-1"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        return {"pause": dice.choice(places.machines)} if places.machines else None

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> Pause:
        return Pause(cause, cause, target_kind, target, self.when)
