"""Health checks by balancers as a part of a model; `sim.registries.probing` has their rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.model import Balance, CallPolicy, Component, HealthCheck, Probe

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

NAME = "health"


@dataclass(frozen=True, slots=True)
class Watch:
    """The clients at `client` (a service, or `source:NAME`) probe the instances of `service`."""

    client: str
    service: str
    check: HealthCheck

    @property
    def probe(self) -> str:
        """The name of its requests."""
        return f"{NAME}: {self.client} → {self.service}"


@dataclass(frozen=True)
class HealthChecks(Component):
    """All health checks of a model."""

    watches: tuple[Watch, ...]
    name: str = NAME

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The requests that they send, where they do not only connect."""
        return tuple(
            Probe(w.probe, w.client, w.service, w.check.endpoint, CallPolicy(Balance("round_robin"), w.check.timeout_s))
            for w in self.watches
            if w.check.endpoint is not None
        )

    def start(self, cluster: Cluster) -> None:
        from sim.registries.probing import Checker

        services = {service.name: service for service in cluster.env.tables.model.services}
        checkers = []
        for watch in self.watches:
            clients = services[watch.client].instances if watch.client in services else ()
            hosts = [client.name for client in clients] or [watch.client]
            checkers += [Checker(cluster, host, watch) for host in hosts]
        cluster.components[self.name] = checkers
