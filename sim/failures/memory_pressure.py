"""`memory_pressure`: memory is taken: on a node by somebody else, in a process by a leak.

As `stress-ng --vm` beside a service, or a cache that nobody bounds. What is over a limit then is killed, as by the
kernel's out-of-memory killer (Linux, Documentation/admin-guide/cgroup-v2, section Memory; docs/semantics.md, Memory).
A process that dies takes its leak with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from sim.failures.system import System
from sim.failures.targets import MachinesForm, TargetsField
from sim.forms import MistakeError
from sim.forms.fields import Size
from sim.model import Fault, TargetKind
from sim.units import format_size

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class MemoryPressure(Fault):
    """`size_bytes` are taken from a node's memory, or held by an instance beside what it needs; several add up."""

    size_bytes: float

    @property
    def condition(self) -> str:
        return f"short of {format_size(self.size_bytes, 3)} of memory"

    def start(self, cluster: Cluster) -> None:
        cluster.fill_memory(self._kind, self.target, self.size_bytes)

    def stop(self, cluster: Cluster) -> None:
        cluster.free_memory(self._kind, self.target, self.size_bytes)

    @property
    def _kind(self) -> Literal["node", "instance"]:
        return "node" if self.target_kind == "node" else "instance"


class MemoryPressureForm(MachinesForm):
    kind = "memory_pressure"
    example = "{at: 40s, memory_pressure: app-2, bytes: 2GB, for: 20s}"

    memory_pressure: TargetsField = Field(examples=["app-2"])
    bytes: Size = Field(examples=["2GB"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        """Half to nine tenths of a node's memory."""
        limited = [node for node in places.nodes if node.memory_bytes is not None]
        if not limited:
            return None
        node = dice.choice(limited)
        taken = (node.memory_bytes or 0.0) * dice.between(0.5, 0.9)
        return {"memory_pressure": {"node": node.name}, "bytes": format_size(taken, 2)}

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> MemoryPressure:
        host = system.nodes[target if target_kind == "node" else system.node_of[target]]
        own = None if target_kind == "node" else system.services[system.service_of[target]].memory
        if host.memory_bytes is None and (own is None or own.limit_bytes is None):
            way = (
                "memory: 8GB in nodes"
                if target_kind == "node"
                else "memory: {limit: 512MB, base: 200MB} in its service"
            )
            raise MistakeError(f"got {target}, whose memory is not limited, so that it feels nothing; write e.g. {way}")
        return MemoryPressure(cause, cause, target_kind, target, self.when, self.bytes)
