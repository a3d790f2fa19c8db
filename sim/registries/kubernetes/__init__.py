"""`kubernetes`: a kubelet on each node probes what runs there, and a proxy on each follows the lists of who is ready.

API servers keep all in an etcd cluster, of which each has a member in its process (kubeadm's stacked topology): they
write and read through it, and tell watchers what their member has applied. Without a quorum nothing is written, and an
API server that is cut off with some clients goes on serving them what it has.

Controllers keep the lists. An instance leaves them when its readiness probe has failed three times, when it is told to
stop, or with its node, whose lease nobody renews for a grace period (40 s up to 1.31, 50 s since 1.32:
kubernetes/kubernetes#126287). While nothing can be written the lists stand still, and kubelets go on probing and report
later. Controllers stand beside each API server and act where they hold a lease in the store (15 s, as
`--leader-elect-lease-duration` has it), wherever the etcd member that leads may be.

A `crash` keeps a process down for as long as it says, which a container that died would not be: its kubelet sees that
within a second (`relist`: 1s, as `pleg` does by default) and starts it again. So what dies here is the process behind
the one that the runtime watches, as under a supervisor, and only probes notice it; with `relist` it is the container.

Departures: an API server, its etcd member and its controllers are one process, which talks to itself in no time;
kubelets and proxies choose API servers themselves and leave one that cannot write, as a balancer in front that looks
at `/readyz` would make them; pods are never evicted to other nodes (after 300 s they would be); clients outside all
nodes have a proxy of their own; API servers see requests at once, without priority and fairness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from sim.forms.base import Mistake
from sim.forms.fields import Count, Duration, DurationOrZero, TimeoutField
from sim.forms.names import Names
from sim.model import Balance, CallPolicy, Component, Probe, Service
from sim.registries.form import RegistryForm, RegistryScope
from sim.registries.kubernetes.settings import KUBELET, Settings
from sim.registries.limits import Servers, too_short

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

V1_32: Mapping[str, Any] = {
    "servers": 3,
    "period": 10.0,
    "timeout": 1.0,
    "failures": 3,
    "successes": 1,
    "relist": None,
    "status_sync": 10.0,
    "lease": 10.0,
    "monitor": 5.0,
    "grace": 50.0,
    "endpoint_batch": 0.0,
    "proxy_sync": 1.0,
}


@dataclass(frozen=True)
class Kubernetes(Component):
    """API servers on etcd, and on each node a kubelet and a proxy."""

    servers: tuple[str, ...]
    agents: tuple[tuple[str, str], ...]
    """Nodes, and the instances that stand for what runs there."""
    registered: tuple[str, ...]
    settings: Settings
    name: str = "kubernetes"

    def start(self, cluster: Cluster) -> None:
        from sim.registries.kubernetes.kubelet import Kubelet, Pod
        from sim.registries.kubernetes.plane import ControlPlane
        from sim.registries.kubernetes.store import Store

        services = {service: tuple(cluster.instances_of(service)) for service in self.registered}
        nodes = {pod: cluster.node_of(pod) for pods in services.values() for pod in pods}
        founding = Store.founding(services, nodes, self.servers[0])
        cluster.components[self.name] = ControlPlane(cluster, self.servers, self.settings, founding, self.name)
        for node, agent in self.agents:
            pods = [
                (pod, probe_name(self.name, s)) for s, names in services.items() for pod in names if nodes[pod] == node
            ]
            Kubelet(cluster, agent, node, self.settings, self.servers, pods, self.name)
            for pod, _ in pods:
                Pod(cluster, pod, f"{agent}/{KUBELET}")
        self._make_proxies(cluster)

    def _make_proxies(self, cluster: Cluster) -> None:
        from sim.engine.hosts import SOURCE
        from sim.registries.kubernetes.proxy import Proxy

        agents = dict(self.agents)
        clients: dict[str, dict[str, list[str]]] = {}
        for service in self.registered:
            for client in cluster.clients_of(service):
                host = client if client.startswith(SOURCE) else agents[cluster.node_of(client)]
                clients.setdefault(host, {}).setdefault(service, []).append(client)
        for host, called in clients.items():
            Proxy(cluster, host, self.settings, self.servers, called)


def probe_name(registry: str, service: str) -> str:
    return f"{registry}: readiness of {service}"


class KubernetesForm(RegistryForm):
    shape = "a mapping of its keys"
    kind = "kubernetes"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"1.32": V1_32, "1.31": {**V1_32, "grace": 40.0}}
    checks = ("raft",)
    has_leader = True
    uses_disk = True

    servers: Servers | None = Field(None, examples=["3"])
    nodes: Names | None = Field(None, examples=["control"])
    period: Duration | None = Field(None, examples=["10s"])
    timeout: Duration | None = Field(None, examples=["1s"])
    failures: Count | None = Field(None, examples=["3"])
    successes: Count | None = Field(None, examples=["1"])
    relist: TimeoutField = Field(None, examples=["1s", "none"])
    status_sync: Duration | None = Field(None, examples=["10s"])
    lease: Duration | None = Field(None, examples=["10s"])
    monitor: Duration | None = Field(None, examples=["5s"])
    grace: Duration | None = Field(None, examples=["50s"])
    endpoint_batch: DurationOrZero | None = Field(None, examples=["0s"])
    proxy_sync: DurationOrZero | None = Field(None, examples=["1s"])

    def contradictions(self) -> Iterator[Mistake]:
        yield from too_short("grace", self.setting("grace"), "lease", self.setting("lease"))

    def services(self, scope: RegistryScope) -> tuple[Service, ...]:
        return scope.servers(self.setting("servers"), self.nodes), scope.agents("node", scope.hosts())

    def probes(self, scope: RegistryScope, services: tuple[Service, ...]) -> tuple[Probe, ...]:
        policy = CallPolicy(Balance("round_robin"), self.setting("timeout"))
        return tuple(
            Probe(probe_name(scope.name, s), services[1].name, s, scope.health_endpoint(s), policy)
            for s in scope.registered
        )

    def resolve(self, scope: RegistryScope, services: tuple[Service, ...]) -> Component:
        servers, agents = services
        settings = Settings(
            period_s=self.setting("period"),
            timeout_s=self.setting("timeout"),
            failures=self.setting("failures"),
            successes=self.setting("successes"),
            relist_s=self.relist,
            status_sync_s=self.setting("status_sync"),
            lease_s=self.setting("lease"),
            monitor_s=self.setting("monitor"),
            grace_s=self.setting("grace"),
            endpoint_batch_s=self.setting("endpoint_batch"),
            proxy_sync_s=self.setting("proxy_sync"),
        )
        return Kubernetes(
            tuple(i.name for i in servers.instances),
            tuple((i.node, i.name) for i in agents.instances),
            scope.registered,
            settings,
            scope.name,
        )
