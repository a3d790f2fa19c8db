"""`restart`: a process is killed and started again.

It is a crash of the process (callers are reset, then refused) that ends after `for`, or at once where the service says
how it starts (`start:`), which then decides how long it serves nobody. As `systemctl restart` of a service that
does not drain (systemd.service(5), Type=simple).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sim.failures.system import System
from sim.failures.targets import InstancesField, MachinesForm
from sim.forms import MistakeError
from sim.model import Fault, Once, TargetKind, When

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class Restart(Fault):
    """An instance is killed, and started at the end."""

    @property
    def condition(self) -> str:
        return "restarted"

    @property
    def kills(self) -> bool:
        return True

    @property
    def takes_down(self) -> tuple[tuple[TargetKind, str], ...]:
        return (("instance", self.target),)

    def start(self, cluster: Cluster) -> None:
        cluster.crash_instance(self.target)

    def stop(self, cluster: Cluster) -> None:
        cluster.restore_instance(self.target)


def down_s(for_s: float | None, service: str, system: System) -> float:
    """How long a process is down before it is started. Raises MistakeError where nothing says it."""
    if for_s is not None:
        return for_s
    if system.services[service].start is None:
        raise MistakeError(
            f"got {service}, of which nothing says how long a restart takes; write for: 5s beside it, or give the "
            "service start:"
        )
    return 0.0


class RestartForm(MachinesForm):
    kind = "restart"
    example = "{at: 40s, restart: api-1, for: 5s}"
    target_kinds = ("instance",)

    restart: InstancesField = Field(examples=["api-1"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        return {"restart": dice.choice(places.instances)} if places.instances else None

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> Restart:
        when: When = self.when
        if isinstance(when, Once):
            when = Once(when.at_s, down_s(when.for_s, system.service_of[target], system))
        return Restart(cause, cause, target_kind, target, when)
