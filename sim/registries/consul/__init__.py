"""`consul`: servers that agree by Raft, an agent on each node that checks what runs there, and gossip among all.

The agent of a node probes the instances there and tells the servers what changed; a node whose agent gossip takes for
dead is critical as a whole, by the leader's verdict. Clients ask by blocking queries, and keep what they found last.
Sessions hold locks: with a time to live, which the servers double, and a delay after an owner's death.
Without a quorum stale reads go on, with what was known; default and consistent ones fail, and so do writes.

Consul 1.17 with Serf 0.10, memberlist 0.5 and hashicorp/raft 1.5 (no PreVote); the modules of this folder name their
sources. Consul itself checks nothing unless told how: here every 10 s with a timeout of 10 s, as its documentation's
examples and its default for HTTP checks. Departures: a server that shares its node with a client agent gossips for
itself; all is one datacenter, without ACLs, DNS, caches of agents, autopilot and snapshots of agents; TTL and script
checks are left out; clients outside all nodes ask the servers themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from sim.forms import MistakesError
from sim.forms.base import Mistake
from sim.forms.fields import Count, Duration, Flag, TimeoutField, choice_reader, choices_schema, count_field
from sim.forms.names import Names
from sim.model import Balance, CallPolicy, Component, Probe, Service
from sim.registries.consul.component import Consul, probe_name
from sim.registries.consul.settings import SESSION_TTL_LEAST_S, Check, Settings
from sim.registries.form import RegistryForm, RegistryScope
from sim.registries.limits import Servers
from sim.units import format_duration

V1_17: Mapping[str, Any] = {
    "servers": 3,
    "check": True,
    "interval": 10.0,
    "timeout": 10.0,
    "success_before_passing": 0,
    "failures_before_critical": 0,
    "deregister_critical_after": None,
    "consistency": "default",
    "wait": 300.0,
    "raft_multiplier": 5,
    "sync_interval": 60.0,
    "reap_interval": 30.0,
}
DEREGISTER_LEAST_S = 60.0
WAIT_MOST_S = 600.0
"""A server holds no query for longer (`agent/consul/rpc.go`: `maxQueryTime`)."""
Multiplier = Annotated[int, *count_field(1, 10)]
"""As Consul demands (`agent/config/builder.go`)."""
OF_CHECKS = ("interval", "timeout", "success_before_passing", "failures_before_critical", "deregister_critical_after")
"""Keys that say how instances are checked."""
OF_DISCOVERY = ("check", *OF_CHECKS, "consistency", "wait", "sync_interval", "reap_interval")
"""Keys that mean nothing in a store, in which nothing is found."""
_CONSISTENCIES = ("default", "stale", "consistent")
ConsistencyField = Annotated[
    Literal["default", "stale", "consistent"],
    PlainValidator(choice_reader(*_CONSISTENCIES)),
    WithJsonSchema(choices_schema(*_CONSISTENCIES)),
]


class ConsulForm(RegistryForm):
    shape = "a mapping of its keys"
    kind = "consul"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"1.17": V1_17}
    is_store = True
    has_locks = True
    keeps_alive = True
    shortest_lease_s = SESSION_TTL_LEAST_S
    checks = ("raft", "linearizable", "swim", "fencing", "views")
    has_leader = True
    uses_disk = True

    servers: Servers | None = Field(None, examples=[5])
    nodes: Names | None = Field(None, examples=["control"])
    check: Flag | None = Field(None, examples=["false"])
    interval: Duration | None = Field(None, examples=["5s"])
    timeout: Duration | None = Field(None, examples=["1s"])
    success_before_passing: Count | None = Field(None, examples=[2])
    failures_before_critical: Count | None = Field(None, examples=[3])
    deregister_critical_after: TimeoutField = Field(None, examples=["90s"])
    consistency: ConsistencyField | None = Field(None, examples=["stale"])
    wait: Duration | None = Field(None, examples=["1min"])
    raft_multiplier: Multiplier | None = Field(None, examples=[1])
    sync_interval: Duration | None = Field(None, examples=["30s"])
    reap_interval: Duration | None = Field(None, examples=["10s"])

    def contradictions(self) -> Iterator[Mistake]:
        after_s = self.deregister_critical_after
        if after_s is not None and after_s < DEREGISTER_LEAST_S:
            text = f"got {format_duration(after_s)}; must be at least 1min, as Consul demands"
            yield Mistake(("deregister_critical_after",), text)
        if self.setting("wait") > WAIT_MOST_S:
            most = format_duration(WAIT_MOST_S)
            text = f"got {format_duration(self.setting('wait'))}; must be at most {most}, as in Consul"
            yield Mistake(("wait",), text)
        if not self.setting("check"):
            for key in (name for name in OF_CHECKS if name in self.model_fields_set):
                yield Mistake((key,), "means nothing with check: false; remove it, or the check")

    def services(self, scope: RegistryScope) -> tuple[Service, ...]:
        if not scope.is_registry and (given := [key for key in OF_DISCOVERY if key in self.model_fields_set]):
            raise MistakesError(
                [Mistake((key,), "means nothing in a store, of locks alone; remove it") for key in given]
            )
        return scope.servers(self.setting("servers"), self.nodes), scope.agents("agent", scope.hosts())

    def probes(self, scope: RegistryScope, services: tuple[Service, ...]) -> tuple[Probe, ...]:
        if not self.setting("check"):
            return ()
        policy = CallPolicy(Balance("round_robin"), self.setting("timeout"))
        return tuple(
            Probe(probe_name(scope.name, s), services[1].name, s, scope.health_endpoint(s), policy)
            for s in scope.registered
        )

    def resolve(self, scope: RegistryScope, services: tuple[Service, ...]) -> Component:
        servers, agents = services
        check = Check(
            self.setting("interval"),
            self.setting("timeout"),
            self.setting("success_before_passing"),
            self.setting("failures_before_critical"),
            self.deregister_critical_after,
        )
        settings = Settings(
            check=check if self.setting("check") else None,
            consistency=self.setting("consistency"),
            wait_s=self.setting("wait"),
            raft_multiplier=self.setting("raft_multiplier"),
            sync_interval_s=self.setting("sync_interval"),
            reap_interval_s=self.setting("reap_interval"),
        )
        return Consul(
            scope.name,
            tuple(i.name for i in servers.instances),
            tuple((i.node, i.name) for i in agents.instances),
            scope.registered,
            settings,
        )
