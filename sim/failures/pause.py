"""`pause`: a process or a host stands still, and then goes on where it was.

As after SIGSTOP and SIGCONT (POSIX.1-2017, section 2.4), in a stop-the-world collection of garbage, or while a
hypervisor does not run a virtual machine: memory and connections stay, time goes by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from sim.failures.form import FaultForm, TargetsField
from sim.model import Fault, TargetKind, When

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


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
        if self.target_kind == "node":
            cluster.pause_node(self.target)
        else:
            cluster.pause_instance(self.target)

    def stop(self, cluster: Cluster) -> None:
        if self.target_kind == "node":
            cluster.resume_node(self.target)
        else:
            cluster.resume_instance(self.target)


class PauseForm(FaultForm):
    kind = "pause"
    example = "{at: 40s, pause: api-1, for: 500ms}"

    pause: TargetsField = Field(examples=["api-1"])

    def fault(self, name: str, cause: str, target_kind: TargetKind, target: str, when: When) -> Pause:
        return Pause(name, cause, target_kind, target, when)
