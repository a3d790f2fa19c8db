"""A Consul datacenter as it runs: servers, an agent on each node, and a client in each process."""

from __future__ import annotations

from sim.checks import Registration
from sim.engine.cluster import Cluster
from sim.engine.hosts import SOURCE
from sim.registries.consul.agent import Agent
from sim.registries.consul.catalog import Catalog, Command, Deregister, Entry, NodeHealth, Register
from sim.registries.consul.client import Client
from sim.registries.consul.component import Consul, probe_name
from sim.registries.consul.locks import ConsulLocks
from sim.registries.consul.server import Server
from sim.registries.gossip_member import Pool
from sim.registries.raft_group import RaftGroup, hashicorp_timers
from sim.registries.store import users_of


class Datacenter:
    """At time 0 it is old: it has a leader, everyone knows everyone, and every instance passes."""

    def __init__(self, cluster: Cluster, consul: Consul) -> None:
        self.cluster, self.consul = cluster, consul
        self._applied_index = 0
        nodes = dict(consul.agents)
        pool = Pool(f"{consul.name}.serf", (*consul.servers, *nodes.values()), consul.settings.gossip)
        self.raft = RaftGroup(
            cluster, consul.name, consul.servers, hashicorp_timers(consul.settings.raft_multiplier, pre_vote=False)
        )
        by_agent = {agent: node for node, agent in consul.agents}
        self.servers = {
            host: Server(cluster, host, self.raft, pool, consul.settings, by_agent, self._record)
            for host in consul.servers
        }
        self._entries = {
            instance: Entry(instance, service, cluster.node_of(instance), "passing")
            for service in consul.registered
            for instance in cluster.instances_of(service)
        }
        probes = {service: probe_name(consul.name, service) for service in consul.registered}
        self.agents = {
            node: Agent(
                cluster,
                agent,
                node,
                consul.name,
                consul.settings,
                consul.servers,
                pool,
                probes,
                [entry for entry in self._entries.values() if entry.node == node],
            )
            for node, agent in consul.agents
        }
        self._make_clients()
        self.locks = ConsulLocks(self)
        for entry in self._entries.values():
            cluster.observe(Registration(0.0, entry.service, entry.instance))
        health: list[Command] = [NodeHealth(node, "passing") for node in nodes]
        self.raft.found([*health, *(Register(entry) for entry in self._entries.values())])

    def leader(self) -> str | None:
        """The server that leads; of two that believe it, the one of the later term."""
        leading = [member for member in self.raft.members.values() if member.is_leader]
        return max(leading, key=lambda member: member.raft.term).host if leading else None

    def _make_clients(self) -> None:
        consul, cluster = self.consul, self.cluster
        addresses = [f"{server}/{consul.name}" for server in consul.servers]
        watched: dict[str, list[str]] = {instance: [] for instance in self._entries}
        for service in consul.registered:
            for caller in cluster.clients_of(service):
                watched.setdefault(caller, []).append(service)
        for user in users_of(consul.name, cluster.env.tables.model.services):
            watched.setdefault(user, [])
        self.clients = {}
        for host, services in watched.items():
            near = None if host.startswith(SOURCE) else self.agents.get(cluster.node_of(host))
            agent = None if near is None else near.address
            entry = self._entries.get(host)
            self.clients[host] = Client(
                cluster, host, consul.name, consul.settings, agent, addresses, entry, services, self._first_index
            )

    def _first_index(self, service: str) -> int:
        return self.servers[self.consul.servers[0]].catalog.changed(service)

    def _record(self, index: int, command: Command, catalog: Catalog) -> None:
        """What the servers have agreed on goes into the log once, when the first applies it."""
        if index <= self._applied_index:
            return
        self._applied_index = index
        if self.cluster.env.now == 0.0:
            return
        for freed in catalog.freed:
            holder = freed.session.partition("/")[0]
            self.locks.record("expired" if freed.ended else "released", holder, freed.key, freed.lock_index)
        match command:
            case Register(entry) if entry.instance not in self._entries:
                self._entries[entry.instance] = entry
                self.cluster.record(self.consul.name, "registered", entry.instance)
                self.cluster.observe(Registration(self.cluster.env.now, entry.service, entry.instance))
            case Deregister(_, instance):
                if self._entries.pop(instance, None) is not None:
                    self.cluster.record(self.consul.name, "deregistered", instance)
            case NodeHealth(node, status):
                self._record_node(node, status, catalog)

    def _record_node(self, node: str, status: str | None, catalog: Catalog) -> None:
        """An instance whose own check fails is not healthy because its node is."""
        event = {"passing": "healthy", "critical": "unhealthy", None: "deregistered"}[status]
        for instance in [entry.instance for entry in self._entries.values() if entry.node == node]:
            known = catalog.entries.get(instance)
            if status == "passing" and (known is None or known.status != "passing"):
                continue
            self.cluster.record(self.consul.name, event, instance, "serfHealth")
            if status is None:
                del self._entries[instance]
