"""`redlock`: locks over several Redis servers that know nothing of each other; who has most of them has the lock.

Source: redis.io, "Distributed Locks with Redis" (the algorithm), with the drift factor, the retries and the delays of
redlock-rb 1.x, by its author. Servers are Redis 7.0 without persistence: a key is set if it is absent, and lapses by
the server's *wall* clock (`expire.c`, `mstime`), so a clock that is set forward ends locks early. The lock's validity
is counted by the client. The algorithm gives no fencing token (Kleppmann 2016), and keeps nothing alive: the lease is
all the time that a holder has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from sim.forms.base import Mistake
from sim.forms.fields import Duration, DurationOrZero, Probability
from sim.forms.names import Names
from sim.model import Component, Service
from sim.registries.form import RegistryForm, RegistryScope
from sim.registries.limits import Servers
from sim.registries.redlock.settings import Settings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "1.3": {
        "members": 5,
        "request_timeout": 0.05,
        "drift": 0.01,
        "retry_delay": 0.2,
        "retry_jitter": 0.05,
    },
}


@dataclass(frozen=True)
class Redlock(Component):
    """`servers` are independent of each other."""

    name: str
    servers: tuple[str, ...]
    settings: Settings

    def start(self, cluster: Cluster) -> None:
        from sim.registries.redlock.locks import Redlocks

        cluster.components[self.name] = Redlocks(cluster, self)


class RedlockForm(RegistryForm):
    shape = "a mapping of its keys"
    kind = "redlock"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    is_registry = False
    is_store = True
    has_locks = True
    reads_wall_clocks = True
    checks = ("fencing",)

    members: Servers | None = Field(None, examples=[3])
    nodes: Names | None = Field(None, examples=["control"])
    request_timeout: Duration | None = Field(None, examples=["10ms"])
    drift: Probability | None = Field(None, examples=["2%"])
    retry_delay: Duration | None = Field(None, examples=["100ms"])
    retry_jitter: DurationOrZero | None = Field(None, examples=["20ms"])

    def contradictions(self) -> Iterator[Mistake]:
        if self.setting("drift") >= 1.0:
            yield Mistake(("drift",), "got 100%; must be below 100%, or no lock is ever valid")

    def services(self, scope: RegistryScope) -> tuple[Service, ...]:
        return (scope.servers(self.setting("members"), self.nodes),)

    def resolve(self, scope: RegistryScope, services: tuple[Service, ...]) -> Component:
        [servers] = services
        settings = Settings(
            request_s=self.setting("request_timeout"),
            drift=self.setting("drift"),
            retry_delay_s=self.setting("retry_delay"),
            retry_jitter_s=self.setting("retry_jitter"),
        )
        return Redlock(scope.name, tuple(i.name for i in servers.instances), settings)
