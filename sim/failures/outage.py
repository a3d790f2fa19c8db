"""`outage`: a zone, a rack or a region goes dark, and all hosts in it die at once.

As when an availability zone loses power (AWS, Summary of the AWS Service Event in the US East Region, 2 July 2012) or a
rack its top switch (Gill, Jain & Nagappan, Understanding Network Failures in Data Centers, SIGCOMM 2011). Every host
crashes; at the end all are back. Clients who stand there go on sending.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sim.failures.form import TargetsForm
from sim.failures.system import GroupName, System
from sim.failures.targets import AreasField
from sim.forms import inside
from sim.model import Fault, TargetKind

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class Outage(Fault):
    """All hosts of a zone, a rack or a region are down."""

    hosts: tuple[str, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        return self.hosts

    @property
    def condition(self) -> str:
        return "down"

    @property
    def kills(self) -> bool:
        return True

    @property
    def takes_down(self) -> tuple[tuple[TargetKind, str], ...]:
        return tuple(("node", host) for host in self.hosts)

    def start(self, cluster: Cluster) -> None:
        for host in self.hosts:
            cluster.crash_node(host)

    def stop(self, cluster: Cluster) -> None:
        for host in self.hosts:
            cluster.restore_node(host)


class OutageForm(TargetsForm):
    kind = "outage"
    example = "{at: 40s, outage: {zone: a}, for: 20s}"

    outage: AreasField = Field(examples=["{zone: a}"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        return {"outage": dice.choice(places.areas)} if places.areas else None

    def fault(self, target: GroupName, system: System, cause: str) -> Outage:
        kind: TargetKind = target.kind  # type: ignore[assignment]  # areas are both
        with inside(kind):
            hosts = system.nodes_in(kind, target.name)
        return Outage(cause, cause, kind, target.name, self.when, hosts)
