"""A fault that strikes whichever member leads when it strikes: `crash: {leader: registry}`.

So one scenario holds the same fault under every kind of registry, and the operator's question ("what if the leader
dies?") needs no guess at who that will be. A registry without servers has no leader, and a cluster that is electing one
has none for the moment: then nothing is struck, which the control plane's log tells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sim.model import Fault

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


@dataclass(frozen=True, slots=True)
class AtLeader(Fault):
    """`part` strikes the leader of a component; its own target is a member that stands in for it. None where the
    component has no members."""

    component: str
    part: Fault | None

    @property
    def subject(self) -> str:
        return self.target

    @property
    def kills(self) -> bool:
        return self.part is not None and self.part.kills

    @property
    def condition(self) -> str:
        return "not there" if self.part is None else self.part.condition

    def start(self, cluster: Cluster) -> None:
        leader = None if self.part is None else cluster.component(self.component).leader()
        if self.part is None or leader is None:
            why = "has no servers" if self.part is None else "has no leader"
            cluster.record(self.component, "not_struck", self.name, f"{self.component} {why}")
            return
        name = cluster.node_of(leader) if self.part.target_kind == "node" else leader
        struck = replace(self.part, name=self.name, target=name)
        struck.start(cluster)
        cluster.hold(self.name, [struck])

    def stop(self, cluster: Cluster) -> None:
        for struck in cluster.release(self.name):
            struck.stop(cluster)
