"""etcd as a part of a model: what runs is loaded when it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.model import Component
from sim.registries.etcd.settings import Settings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


@dataclass(frozen=True)
class Etcd(Component):
    """`servers` are its members; `registered` the services that are found through it (none in a store)."""

    name: str
    servers: tuple[str, ...]
    settings: Settings
    registered: tuple[str, ...] = ()

    def start(self, cluster: Cluster) -> None:
        from sim.registries.etcd.group import Group

        cluster.components[self.name] = Group(cluster, self)
