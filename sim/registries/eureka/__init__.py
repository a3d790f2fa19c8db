"""`eureka`: equal servers that keep leases, and clients that fetch all of it now and then.

An instance that dies without a word stays known until its lease is over, the eviction task comes round, the response
cache is filled again, the client fetches and its balancer refreshes: minutes, by the defaults. Where too many die at
once the servers take the network for broken, and keep them (self-preservation). A client that reaches no server goes on
with what it has.

Eureka 1.10 with Ribbon 2.3, whose sources the modules of this folder name, and `spring-4.1`: Spring Cloud Netflix 4.1
(`EurekaServerConfigBean`, `EurekaClientConfigBean`, `EurekaAutoServiceRegistration`) with Spring Cloud LoadBalancer
(cache ttl 35 s). Departures: clients fetch whole registries where real ones fetch deltas (same cache, same times);
servers do not register with each other; a client keeps to its server for as long as it answers, where a real one
looks for another every 20 minutes or so; zones play no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from sim.forms.base import Mistake
from sim.forms.fields import Duration, DurationOrZero, Flag, Probability, TimeoutField
from sim.forms.names import Names
from sim.model import Component, Service
from sim.registries.eureka.settings import Settings
from sim.registries.form import RegistryForm, RegistryScope
from sim.registries.limits import Servers, too_short

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "1.10": {
        "servers": 3,
        "renew": 30.0,
        "lease": 90.0,
        "fetch": 30.0,
        "register_after": 40.0,
        "balancer_refresh": 30.0,
        "evict": 60.0,
        "response_cache": 30.0,
        "self_preservation": True,
        "threshold": 0.85,
        "threshold_update": 900.0,
        "expected_renewal": 30.0,
        "wait_when_empty": 300.0,
        "open_for": 0,
    },
}
SPRING = {"register_after": 0.0, "balancer_refresh": 35.0, "wait_when_empty": 0.0, "open_for": 1}
"""It registers when its web server is up (`onDemandUpdate`), and a server that starts alone expects one client."""


@dataclass(frozen=True)
class Eureka(Component):
    """Servers, and a client in each instance of a registered service and in each of their callers."""

    servers: tuple[str, ...]
    registered: tuple[str, ...]
    settings: Settings
    name: str = "eureka"

    def start(self, cluster: Cluster) -> None:
        from sim.registries.eureka import client, server

        members = {service: cluster.instances_of(service) for service in self.registered}
        callers = {service: cluster.clients_of(service) for service in self.registered}
        order = [instance for names in members.values() for instance in names]
        hosts = dict.fromkeys([*order, *(host for names in callers.values() for host in names)])
        addresses = [f"{host}/{server.NAME}" for host in self.servers]
        clients = {}
        for host in hosts:
            wanted = {service: tuple(members[service]) for service, names in callers.items() if host in names}
            clients[host] = client.Client(cluster, host, self.settings, addresses, host in order, wanted)
        peers = [server.Server(cluster, host, self.settings, self.name, order) for host in self.servers]
        cache_phase_s = peers[0].uniform() * (self.settings.response_cache_s or 0.0)
        for peer in peers:
            peer.peers = tuple(address for address in addresses if address != peer.address)
            peer.first = {host: self.settings.renew_s - clients[host].renew_phase_s for host in order}
            peer.cache_phase_s = cache_phase_s
        cluster.components[self.name] = peers


class EurekaForm(RegistryForm):
    shape = "a mapping of its keys"
    kind = "eureka"
    reads_wall_clocks = True
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {**PRESETS, "spring-4.1": {**PRESETS["1.10"], **SPRING}}

    servers: Servers | None = Field(None, examples=["2"])
    nodes: Names | None = Field(None, examples=["control"])
    renew: Duration | None = Field(None, examples=["30s"])
    lease: Duration | None = Field(None, examples=["90s"])
    fetch: Duration | None = Field(None, examples=["30s"])
    register_after: DurationOrZero | None = Field(None, examples=["40s"])
    balancer_refresh: Duration | None = Field(None, examples=["30s"])
    evict: Duration | None = Field(None, examples=["60s"])
    response_cache: TimeoutField = Field(None, examples=["30s", "none"])
    self_preservation: Flag | None = Field(None, examples=["false"])
    threshold: Probability | None = Field(None, examples=["85%"])
    threshold_update: Duration | None = Field(None, examples=["15min"])
    expected_renewal: Duration | None = Field(None, examples=["30s"])
    wait_when_empty: DurationOrZero | None = Field(None, examples=["5min"])

    def contradictions(self) -> Iterator[Mistake]:
        yield from too_short("lease", self.setting("lease"), "renew", self.setting("renew"))

    def services(self, scope: RegistryScope) -> tuple[Service, ...]:
        return (scope.servers(self.setting("servers"), self.nodes),)

    def resolve(self, scope: RegistryScope, services: tuple[Service, ...]) -> Component:
        [servers] = services
        preset = self.presets[self.version]
        settings = Settings(
            renew_s=self.setting("renew"),
            lease_s=self.setting("lease"),
            fetch_s=self.setting("fetch"),
            register_after_s=self.setting("register_after"),
            balancer_refresh_s=self.setting("balancer_refresh"),
            evict_s=self.setting("evict"),
            response_cache_s=self.response_cache
            if "response_cache" in self.model_fields_set
            else preset["response_cache"],
            self_preservation=self.setting("self_preservation"),
            threshold=self.setting("threshold"),
            threshold_update_s=self.setting("threshold_update"),
            expected_renewal_s=self.setting("expected_renewal"),
            wait_when_empty_s=self.setting("wait_when_empty"),
            open_for=preset["open_for"],
        )
        return Eureka(tuple(i.name for i in servers.instances), scope.registered, settings, scope.name)
