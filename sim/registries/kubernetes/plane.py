"""A Kubernetes cluster's control plane as it runs, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.registries.kubernetes.api import ApiServer
from sim.registries.kubernetes.controllers import Controllers
from sim.registries.kubernetes.settings import Settings
from sim.registries.kubernetes.store import Event, Store
from sim.registries.raft_group import RaftGroup, etcd_timers

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


class ControlPlane:
    """API servers, each with a member of the etcd cluster and controllers in its process. At time 0 they are old."""

    def __init__(
        self, cluster: Cluster, hosts: Sequence[str], settings: Settings, founding: Store, component: str
    ) -> None:
        self.cluster, self.component = cluster, component
        self._applied_index = 0
        self.raft = RaftGroup(cluster, component, hosts, etcd_timers())
        self.servers = {host: ApiServer(cluster, host, self.raft, founding, self._record) for host in hosts}
        self.controllers = {
            host: Controllers(cluster, host, settings, server, component) for host, server in self.servers.items()
        }
        self.raft.found()

    def leader(self) -> str | None:
        """The host whose etcd member leads; None while none does. Of two that believe it, the one of the later term."""
        leading = [member for member in self.raft.members.values() if member.is_leader]
        return max(leading, key=lambda member: member.raft.term).host if leading else None

    def _record(self, index: int, events: list[Event]) -> None:
        """What has been written goes into the log once, when the first member applies it."""
        if index > self._applied_index:
            self._applied_index = index
            for event, subject, detail in events:
                self.cluster.record(self.component, event, subject, detail)
