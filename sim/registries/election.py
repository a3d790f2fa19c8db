"""A service whose instances elect a leader, as a part of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.model import Component

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


@dataclass(frozen=True)
class Election(Component):
    """All instances of `service` campaign for the lock of its name in `store`."""

    name: str
    service: str
    store: str
    lease_s: float

    def start(self, cluster: Cluster) -> None:
        from sim.registries.candidate import Candidate

        instances = cluster.instances_of(self.service)
        cluster.components[self.name] = {host: Candidate(cluster, host, self) for host in instances}
