"""`etcd`: keys under leases, agreed on by Raft, and watched.

An instance puts a key under a lease and keeps it alive; the leader ends leases that nobody kept alive, through the log;
clients read the keys once and then hear of changes by a watch at one of the members. A new leader does not know when
leases were last kept alive, and extends all of them. Without a quorum nothing changes any more, and clients go on with
what they have.

Versions 3.4 and 3.5, read in their sources, which the modules of this folder name. They differ in `pre_vote`
(`embed/config.go`: off in 3.4, on since 3.5.0), and since 3.5 members ask again for the index of a linearizable read
that has not come within 500 ms (`v3_server.go`). CheckQuorum is on in both (`etcdserver/raft.go`). Defaults are those
of `etcd`'s flags and of clientv3; there is none for a lease (10 s here).

A member that is told to stop ends a heartbeat later: so often a leader that hands over looks whether it has
(`server.go`: `MoveLeader`). Departs from it where that takes longer (etcd waits up to `ReqTimeout`) and where a
follower stops (at once).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from sim.forms import MistakesError
from sim.forms.base import Mistake
from sim.forms.fields import Duration, Flag, TimeoutField, choice_reader, choices_schema
from sim.forms.names import Names
from sim.model import Component, Endpoint, ReplicatedLog, Service
from sim.registries.etcd.component import Etcd
from sim.registries.etcd.settings import Settings
from sim.registries.form import RegistryForm, RegistryScope
from sim.registries.limits import Servers
from sim.steps.replicate import Replicate
from sim.units import format_duration

DEFAULTS: dict[str, Any] = {
    "members": 3,
    "lease": 10.0,
    "heartbeat": 0.1,
    "election": 1.0,
    "reads": "linearizable",
    "keep_alive_timeout": 6.0,
    "request_timeout": 5.0,
    "retry": 1.0,
}
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "3.5": DEFAULTS | {"pre_vote": True, "read_retry": 0.5},
    "3.4": DEFAULTS | {"pre_vote": False, "read_retry": None},
}
LONGEST_ELECTION_S = 50.0
ELECTION_OVER_HEARTBEAT = 5
"""Limits that etcd sets (`embed/config.go`: `maxElectionMs`, and the election at least five heartbeats)."""
VALUE_BYTES = 1000.0
"""Of a key and its value, as a request is where nothing else is said."""
OF_DISCOVERY = ("lease", "reads", "retry")
"""Keys that mean nothing in a store, in which nothing is found: locks say how long their leases are."""
_READS = ("linearizable", "serializable")
ReadsField = Annotated[
    Literal["linearizable", "serializable"],
    PlainValidator(choice_reader(*_READS)),
    WithJsonSchema(choices_schema(*_READS)),
]


class EtcdForm(RegistryForm):
    shape = "a mapping of its keys"
    kind = "etcd"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    is_store = True
    has_locks = True
    keeps_alive = True
    checks = ("raft", "linearizable", "fencing", "views")
    has_leader = True
    uses_disk = True
    answers = ("put", "get", "get_stale")

    members: Servers | None = Field(None, examples=[5])
    nodes: Names | None = Field(None, examples=["control"])
    lease: Duration | None = Field(None, examples=["5s"])
    heartbeat: Duration | None = Field(None, examples=["50ms"])
    election: Duration | None = Field(None, examples=["2s"])
    pre_vote: Flag | None = Field(None, examples=["false"])
    reads: ReadsField | None = Field(None, examples=["serializable"])
    keep_alive: TimeoutField = Field(None, examples=["2s"])
    keep_alive_timeout: Duration | None = Field(None, examples=["6s"])
    request_timeout: Duration | None = Field(None, examples=["2s"])
    retry: Duration | None = Field(None, examples=["3s"])

    def contradictions(self) -> Iterator[Mistake]:
        heartbeat_s, election_s = self.setting("heartbeat"), self.setting("election")
        if election_s < ELECTION_OVER_HEARTBEAT * heartbeat_s:
            least = format_duration(ELECTION_OVER_HEARTBEAT * heartbeat_s)
            text = f"got {format_duration(election_s)}; must be at least {least}, five heartbeats, as etcd demands"
            yield Mistake(("election",), text)
        elif election_s > LONGEST_ELECTION_S:
            most = format_duration(LONGEST_ELECTION_S)
            yield Mistake(("election",), f"got {format_duration(election_s)}; must be at most {most}, as etcd demands")
        if "keep_alive_timeout" in self.model_fields_set and "keep_alive" not in self.model_fields_set:
            yield Mistake(("keep_alive_timeout",), "means nothing without keep_alive; add it, or remove this")

    def services(self, scope: RegistryScope) -> tuple[Service, ...]:
        if not scope.is_registry and (given := [key for key in OF_DISCOVERY if key in self.model_fields_set]):
            raise MistakesError(
                [Mistake((key,), "means nothing in a store, of locks alone; remove it") for key in given]
            )
        servers = scope.servers(self.setting("members"), self.nodes)
        return (replace(servers, drain_s=self.setting("heartbeat")),)

    def serving(self, servers: Service) -> Service:
        """Writes of 1 kB, linearizable and serializable reads. They take no CPU time: etcd's own work on a request is
        not modelled. A member works on one for as long as `ReqTimeout` says (`config.go`)."""
        steps = {"put": (Replicate(VALUE_BYTES),), "get": (Replicate(None),), "get_stale": ()}
        endpoints = tuple(Endpoint(name, steps[name]) for name in self.answers)
        log = ReplicatedLog(heartbeat_s=self.setting("heartbeat"), patience_s=5.0 + 2.0 * self.setting("election"))
        return replace(servers, endpoints=endpoints, log=log)

    def resolve(self, scope: RegistryScope, services: tuple[Service, ...]) -> Component:
        [servers] = services
        settings = Settings(
            lease_s=self.setting("lease"),
            heartbeat_s=self.setting("heartbeat"),
            election_s=self.setting("election"),
            pre_vote=self.setting("pre_vote"),
            read_retry_s=self.presets[self.version]["read_retry"],
            reads=self.setting("reads"),
            keep_alive_s=self.keep_alive,
            keep_alive_timeout_s=self.setting("keep_alive_timeout"),
            request_s=self.setting("request_timeout"),
            retry_s=self.setting("retry"),
        )
        return Etcd(scope.name, tuple(i.name for i in servers.instances), settings, scope.registered)
