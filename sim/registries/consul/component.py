"""Consul as a part of a model: what runs is loaded when it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.model import Component
from sim.registries.consul.settings import Settings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


@dataclass(frozen=True)
class Consul(Component):
    """`agents`: nodes, and the instances that stand for the agents there."""

    name: str
    servers: tuple[str, ...]
    agents: tuple[tuple[str, str], ...]
    registered: tuple[str, ...]
    settings: Settings

    def start(self, cluster: Cluster) -> None:
        from sim.registries.consul.datacenter import Datacenter

        cluster.components[self.name] = Datacenter(cluster, self)


def probe_name(registry: str, service: str) -> str:
    return f"{registry}: check of {service}"
