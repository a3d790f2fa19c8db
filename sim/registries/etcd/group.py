"""An etcd cluster and the processes that use it, as they run."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor

from sim.checks import Registration as Known
from sim.engine.cluster import Cluster
from sim.registries.etcd.client import Client
from sim.registries.etcd.component import Etcd
from sim.registries.etcd.keys import Command, Event, Grant, Put, Revoke
from sim.registries.etcd.locks import PREFIX as LOCKS
from sim.registries.etcd.locks import EtcdLocks
from sim.registries.etcd.server import Server
from sim.registries.etcd.sessions import PREFIX, Registration, View, service_key
from sim.registries.etcd.settings import STREAM_RETRY_S
from sim.registries.raft_group import RaftGroup, etcd_timers
from sim.registries.store import users_of


class Group:
    """A cluster that runs. At time 0 it has run for long: it has a leader, and knows every instance."""

    def __init__(self, cluster: Cluster, etcd: Etcd) -> None:
        self.cluster, self.etcd, self.settings = cluster, etcd, etcd.settings
        self._members = {service: cluster.instances_of(service) for service in etcd.registered}
        self._service_of = {name: service for service, names in self._members.items() for name in names}
        self._callers: dict[str, list[str]] = {}
        for service in etcd.registered:
            for caller in cluster.clients_of(service):
                self._callers.setdefault(caller, []).append(service)
        self._addresses = [f"{host}/{etcd.name}" for host in etcd.servers]
        self._applied_index = 0
        self._ago_s: dict[str, float] = {}
        timers = etcd_timers(
            self.settings.heartbeat_s,
            self.settings.election_s,
            self.settings.pre_vote,
            read_retry_s=self.settings.read_retry_s,
        )
        self.raft = RaftGroup(cluster, etcd.name, etcd.servers, timers)
        self.servers = {
            host: Server(cluster, host, self.raft, self.settings, self._ago_s, self._record) for host in etcd.servers
        }
        self.clients: dict[str, Client] = {}
        self.locks = EtcdLocks(self)
        users = users_of(etcd.name, cluster.env.tables.model.services)
        for host in dict.fromkeys([*self._service_of, *self._callers, *users]):
            client = self.client(host)
            if host in self._service_of:
                self._ago_s[self._first_lease(host)] = self._keep_alive_period_s * client.uniform()
        self.raft.found(self._first_commands())
        self._first_revision = self.servers[etcd.servers[0]].store.revision

    def leader(self) -> str | None:
        """The member that leads; None while none does. Of two that believe it, the one of the later term."""
        leading = [member for member in self.raft.members.values() if member.is_leader]
        return max(leading, key=lambda member: member.raft.term).host if leading else None

    def client(self, host: str) -> Client:
        """What runs at a host to use this cluster. To be called before time 0."""
        if host not in self.clients:
            name = self.etcd.name
            self.clients[host] = Client(self.cluster, host, name, self._addresses, self.settings, self._begin)
        return self.clients[host]

    @property
    def _keep_alive_period_s(self) -> float:
        """A client looks every half second whether a third of the time to live has passed."""
        return STREAM_RETRY_S * (floor(self._ttl_s / 3.0 / STREAM_RETRY_S) + 1)

    @property
    def _ttl_s(self) -> float:
        return max(self.settings.lease_s, self.settings.minimum_ttl_s)

    def _first_lease(self, host: str) -> str:
        return f"{host}/{self.etcd.name}#0"

    def _first_commands(self) -> list[Command]:
        """What led to what is there at time 0."""
        commands: list[Command] = []
        for host, service in self._service_of.items():
            lease = self._first_lease(host)
            commands += [Grant(lease, self._ttl_s), Put(service_key(service, host), host, lease)]
            self.cluster.observe(Known(0.0, service, host))
        return commands

    def _begin(self, client: Client, is_old: bool) -> None:
        """What a process does with the cluster in one life."""
        host = client.host
        if host in self._service_of:
            registration = Registration(client, self.settings.lease_s, service_key(self._service_of[host], host))
            if is_old:
                lease = self._first_lease(host)
                registration.resume(lease, self._ago_s[lease])
            else:
                registration.begin()
        for service in self._callers.get(host, ()):
            view = View(client, service)
            if is_old:
                view.resume(self._members[service], self._first_revision + 1)
            else:
                view.begin()

    def _record(self, index: int, command: Command, events: Iterable[Event]) -> None:
        """What the group has decided goes into the log once, when the first member applies it."""
        if index <= self._applied_index:
            return
        self._applied_index = index
        for event in events if self.cluster.env.now > 0.0 else ():
            self._record_event(event, isinstance(command, Revoke) and command.is_over)

    def _record_event(self, event: Event, is_over: bool) -> None:
        root, _, rest = event.key.partition("/")
        if root == LOCKS and event.after is None:
            self.locks.ended(event, is_over)
        if root != PREFIX:
            return
        service, _, instance = rest.partition("/")
        if event.after is None:
            self.cluster.record(self.etcd.name, "expired" if is_over else "deregistered", instance)
        elif event.before is None:
            self.cluster.record(self.etcd.name, "registered", instance)
            self.cluster.observe(Known(self.cluster.env.now, service, instance))
