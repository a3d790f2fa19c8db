"""A fault that strikes whichever member leads when it strikes: `crash: {leader: registry}`.

So one scenario holds the same fault under every kind of registry, and the operator's question ("what if the leader
dies?") needs no guess at who that will be. A registry of equals, or without servers, has no leader, and a cluster that
is electing one has none for the moment: then nothing is struck, and the results say so.
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
        return "nobody, so that nothing is struck," if self.part is None else self.part.condition

    def has_target(self, cluster: Cluster) -> bool:
        return self.part is not None and cluster.component(self.component).leader() is not None

    def start(self, cluster: Cluster) -> None:
        assert self.part is not None
        leader = cluster.component(self.component).leader()
        name = cluster.node_of(leader) if self.part.target_kind == "node" else leader
        struck = replace(self.part, name=self.name, target=name)
        struck.start(cluster)
        cluster.hold(self.name, [struck])

    def stop(self, cluster: Cluster) -> None:
        for struck in cluster.release(self.name):
            struck.stop(cluster)
