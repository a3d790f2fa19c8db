"""`clock_jump`: the wall clock of a node is set forward or back, and set right again at the end.

As by a step of NTP (RFC 5905, section 11.3: offsets above 128 ms are stepped, not slewed), a leap second, or a virtual
machine that was moved. Monotonic clocks do not jump, so timeouts stay what they are: only processes that read the wall
clock see it: behaviours (through `request.clock.wall()`), and the servers of the registries `eureka` and `redis` and of
`redlock`, whose leases and keys lapse by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sim.failures.system import System
from sim.failures.targets import MachinesForm, NodesField
from sim.forms.fields import Offset
from sim.model import Fault, TargetKind
from sim.steps.behaviour import Behaviour
from sim.units import format_duration

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class ClockJump(Fault):
    """A node's wall clock is `by_s` ahead of what it was (below 0: behind); several add up."""

    by_s: float

    @property
    def condition(self) -> str:
        return f"set {format_duration(abs(self.by_s))} {'ahead' if self.by_s > 0.0 else 'back'}"

    @property
    def subject(self) -> str:
        return f"the wall clock of {self.target}"

    def start(self, cluster: Cluster) -> None:
        cluster.clock(self.target).jump(self.by_s)

    def stop(self, cluster: Cluster) -> None:
        cluster.clock(self.target).jump(-self.by_s)


class ClockJumpForm(MachinesForm):
    kind = "clock_jump"
    example = "{at: 40s, clock_jump: app-2, by: -500ms, for: 20s}"
    target_kinds = ("node",)

    clock_jump: NodesField = Field(examples=["app-2"])
    by: Offset = Field(examples=["-500ms"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        """By up to a second, either way."""
        seen = [node.name for node in places.nodes if _is_seen(node.name, places.system)]
        if not seen:
            return None
        return {"clock_jump": dice.choice(seen), "by": f"{dice.choice((-1, 1)) * (1 + int(999 * dice.number()))}ms"}

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> ClockJump:
        return ClockJump(cause, cause, target_kind, target, self.when, self.by)

    def idle(self, fault: Fault, system: System) -> str:
        if _is_seen(fault.target, system):
            return ""
        readers = "behaviours and servers of eureka, redis and redlock"
        return f"nothing on {fault.target} reads a wall clock, as {readers} do; remove it, or name another"


def _is_seen(node: str, system: System) -> bool:
    reading = (
        name
        for name, service in system.services.items()
        if name in system.wall_clocks
        or any(isinstance(step, Behaviour) for endpoint in service.endpoints for step in endpoint.steps)
    )
    return any(instance.node == node for name in reading for instance in system.instances[name])
