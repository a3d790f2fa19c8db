"""`crash`: a host or a process dies.

As in the crash-stop model with recovery (Cachin, Guerraoui & Rodrigues, Reliable and Secure Distributed Programming,
2011, section 2.2): what was in memory is gone, and the restart is immediate and warm.
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
class Crash(Fault):
    """A node (host) or an instance (process) is down."""

    @property
    def condition(self) -> str:
        return "down"

    @property
    def takes_down(self) -> tuple[tuple[TargetKind, str], ...]:
        return ((self.target_kind, self.target),)

    def start(self, cluster: Cluster) -> None:
        if self.target_kind == "node":
            cluster.crash_node(self.target)
        else:
            cluster.crash_instance(self.target)

    def stop(self, cluster: Cluster) -> None:
        if self.target_kind == "node":
            cluster.restore_node(self.target)
        else:
            cluster.restore_instance(self.target)


class CrashForm(FaultForm):
    kind = "crash"
    example = "{at: 40s, crash: app-2, for: 20s}"

    crash: TargetsField = Field(examples=["app-2"])

    def fault(self, name: str, cause: str, target_kind: TargetKind, target: str, when: When) -> Crash:
        return Crash(name, cause, target_kind, target, when)
