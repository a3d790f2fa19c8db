"""`go_micro`: a registry process, instances that register again and again, and a cache in each client.

A client takes whom it calls from its own list, which is a minute old at most while the registry answers, and which
events of a watch put right sooner. While the registry does not answer, or does not know the service, the old list
stays. An instance that dies is there until its time to live is over; a memory registry tells nobody of that (see
`expiry_events`), so that clients notice when their lists are over.

go-micro v5 and v2, whose sources the modules of this folder name. v5 gives each node in a cache a time to live of its
own and asks a registry that failed again after 5 s; a v2 client would ask at every call, here once a second.
Departures: one registry process, as `registry/memory` is; multicast DNS, go-micro's default for development, is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from sim.forms.base import Mistake
from sim.forms.fields import Duration, Flag
from sim.forms.names import Names
from sim.model import Component, Service
from sim.registries.form import RegistryForm, RegistryScope
from sim.registries.go_micro.settings import Settings
from sim.registries.limits import too_short

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

V5: Mapping[str, Any] = {
    "ttl": 90.0,
    "interval": 30.0,
    "cache": 60.0,
    "retry": 5.0,
    "timeout": 5.0,
    "expiry_events": False,
    "node_times": True,
}


@dataclass(frozen=True)
class GoMicro(Component):
    """The registry and its clients."""

    server: str
    registered: tuple[str, ...]
    settings: Settings
    name: str = "go_micro"

    def start(self, cluster: Cluster) -> None:
        from sim.registries.go_micro.client import Client
        from sim.registries.go_micro.registry import Registry

        members = {service: cluster.instances_of(service) for service in self.registered}
        callers = {service: cluster.clients_of(service) for service in self.registered}
        services = {instance: service for service, names in members.items() for instance in names}
        registry = Registry(cluster, self.server, self.settings, self.name, members)
        registry.first = {service: {} for service in self.registered}
        for host in dict.fromkeys([*services, *(host for names in callers.values() for host in names)]):
            wanted = {service: members[service] for service, names in callers.items() if host in names}
            service = services.get(host)
            client = Client(cluster, host, self.settings, self.server, service, wanted)
            if service is not None:
                registry.first[service][host] = client.register_phase_s - self.settings.interval_s
        cluster.components[self.name] = registry


class GoMicroForm(RegistryForm):
    shape = "a mapping of its keys"
    kind = "go_micro"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"5": V5, "2": {**V5, "retry": 1.0, "node_times": False}}

    nodes: Names | None = Field(None, examples=["control"])
    ttl: Duration | None = Field(None, examples=["90s"])
    interval: Duration | None = Field(None, examples=["30s"])
    cache: Duration | None = Field(None, examples=["1min"])
    retry: Duration | None = Field(None, examples=["5s"])
    timeout: Duration | None = Field(None, examples=["5s"])
    expiry_events: Flag | None = Field(None, examples=["true"])

    def contradictions(self) -> Iterator[Mistake]:
        yield from too_short("ttl", self.setting("ttl"), "interval", self.setting("interval"))

    def services(self, scope: RegistryScope) -> tuple[Service, ...]:
        return (scope.servers(1, self.nodes),)

    def resolve(self, scope: RegistryScope, services: tuple[Service, ...]) -> Component:
        [servers] = services
        settings = Settings(
            ttl_s=self.setting("ttl"),
            interval_s=self.setting("interval"),
            cache_s=self.setting("cache"),
            retry_s=self.setting("retry"),
            timeout_s=self.setting("timeout"),
            expiry_events=self.setting("expiry_events"),
            node_times=self.presets[self.version]["node_times"],
        )
        return GoMicro(servers.instances[0].name, scope.registered, settings, scope.name)
