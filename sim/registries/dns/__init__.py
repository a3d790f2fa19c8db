"""`dns`: clients look services up by name; what they hear is kept for its time to live, or for as long as they please.

Authoritative servers answer with the records of a service; resolvers with caches stand between (RFC 1034, RFC 2308 for
answers that there is nothing). Nobody registers: records follow health checks by a provider (as Amazon Route 53 does
it), if they change at all, perhaps by the hand of an operator.

A version is a client. Go 1.22 keeps nothing, so that the resolver's cache decides. Java 21 keeps answers for 30 s and
failures for 10 s, whatever their time to live (`networkaddress.cache.ttl`, `networkaddress.cache.negative.ttl`). Java 8
under a security manager, and nginx 1.24 with names in `upstream`, never ask again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from sim.forms.base import Mistake, MistakeError, show
from sim.forms.fields import (
    DURATION_ABOVE_ZERO,
    Duration,
    DurationOrZero,
    choice_reader,
    choices_schema,
    read_duration,
)
from sim.forms.health import HealthField
from sim.forms.names import Names
from sim.model import Balance, CallPolicy, Component, HealthCheck, Probe, Service
from sim.registries.dns.settings import FOR_EVER_S, Settings
from sim.registries.form import RegistryForm, RegistryScope
from sim.registries.limits import Servers

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

TTL, FOREVER = "ttl", "forever"


def _read_keep(value: Any) -> float | None:
    if value == TTL:
        return None
    if value == FOREVER:
        return FOR_EVER_S
    try:
        return read_duration(value)
    except MistakeError as error:
        raise MistakeError(f"{error.text}; or {TTL}, or {FOREVER}") from None


def _read_cache(value: Any) -> str:
    return choice_reader("node", "shared")(value)


@dataclass(frozen=True)
class Dns(Component):
    """Servers, resolvers and the part of each client that looks names up."""

    servers: tuple[str, ...]
    resolvers: tuple[str, ...]
    is_by_node: bool
    services: tuple[str, ...]
    settings: Settings
    name: str = "dns"

    def start(self, cluster: Cluster) -> None:
        from sim.registries.dns.client import Client
        from sim.registries.dns.resolver import Resolver
        from sim.registries.dns.server import Monitor, Server

        servers = [Server(cluster, host, self.name, self.services, self.settings) for host in self.servers]
        addresses = [server.address for server in servers]
        servers[0].others = addresses[1:]
        resolvers = [
            Resolver(cluster, host, self.name, addresses, self.services, self.settings) for host in self.resolvers
        ]
        if self.settings.health is not None:
            for service in self.services:
                Monitor(cluster, servers[0], service, self.settings)
        by_node = {cluster.node_of(resolver.host): resolver.address for resolver in resolvers}
        shared = [resolver.address for resolver in resolvers]
        for service in self.services:
            for client in cluster.clients_of(service):
                asked = shared
                if self.is_by_node:
                    asked = [by_node[cluster.node_of(client)]] if ":" not in client else []
                Client(cluster, client, self.name, service, asked or addresses, self.settings)
        cluster.components[self.name] = servers


class DnsForm(RegistryForm):
    shape = "a mapping such as {ttl: 60s, health: route53@2024}"
    kind = "dns"
    looks_up_names: ClassVar[bool] = True
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "go-1.22": {
            "members": 1,
            "ttl": 60.0,
            "negative_ttl": 60.0,
            "minimum_ttl": 0.0,
            "cache": "node",
            "negative_keep": 0.0,
        },
        "java-21": {"keep": 30.0, "negative_keep": 10.0},
        "java-8-secured": {"keep": FOR_EVER_S, "negative_keep": 10.0},
        "nginx-1.24": {"keep": FOR_EVER_S, "negative_keep": 0.0},
    }

    members: Servers | None = Field(None, examples=[2])
    nodes: Names | None = Field(None, examples=["infra"])
    ttl: Duration | None = Field(None, examples=["60s"])
    negative_ttl: DurationOrZero | None = Field(None, examples=["60s"])
    minimum_ttl: DurationOrZero | None = Field(None, examples=["30s"])
    cache: (
        Annotated[
            Literal["node", "shared"], PlainValidator(_read_cache), WithJsonSchema(choices_schema("node", "shared"))
        ]
        | None
    ) = Field(None, examples=["shared"])
    keep: (
        Annotated[
            float,
            PlainValidator(_read_keep),
            WithJsonSchema({"anyOf": [choices_schema(TTL, FOREVER), DURATION_ABOVE_ZERO]}),
        ]
        | None
    ) = Field(None, examples=["30s"])
    negative_keep: DurationOrZero | None = Field(None, examples=["10s"])
    health: HealthField = Field(None, examples=["route53@2024"])
    operator: Duration | None = Field(None, examples=["10min"])

    def setting(self, key: str) -> Any:
        """A version says only what makes its client another."""
        if key in self.model_fields_set:
            return getattr(self, key)
        return {**self.presets["go-1.22"], **self.presets[self.version]}.get(key)

    def contradictions(self) -> Iterator[Mistake]:
        if self.operator is not None and self.health is None:
            text = f"got {show(self.given['operator'])}, but nobody tells the operator; add health: route53@2024"
            yield Mistake(("operator",), f"{text}, or remove it")

    def services(self, scope: RegistryScope) -> tuple[Service, ...]:
        servers = scope.servers(self.setting("members"), self.nodes)
        if self.setting("cache") == "node":
            return servers, scope.agents("cache", scope.hosts())
        return servers, scope.servers(1, self.nodes, role="resolver")

    def probes(self, scope: RegistryScope, services: tuple[Service, ...]) -> tuple[Probe, ...]:
        health: HealthCheck | None = self.health
        if health is None or health.endpoint is None:
            return ()
        policy = CallPolicy(Balance("round_robin"), health.timeout_s)
        return tuple(
            Probe(f"{scope.name}: {service}", services[0].name, service, health.endpoint, policy)
            for service in scope.registered
        )

    def resolve(self, scope: RegistryScope, services: tuple[Service, ...]) -> Dns:
        servers, resolvers = (tuple(i.name for i in service.instances) for service in services)
        settings = Settings(
            ttl_s=self.setting("ttl"),
            negative_ttl_s=self.setting("negative_ttl"),
            minimum_ttl_s=self.setting("minimum_ttl"),
            keep_s=self.setting("keep"),
            negative_keep_s=self.setting("negative_keep"),
            health=self.health,
            operator_s=self.operator or 0.0,
        )
        return Dns(servers, resolvers, self.setting("cache") == "node", scope.registered, settings, scope.name)
