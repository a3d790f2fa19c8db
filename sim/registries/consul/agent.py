"""A client agent: the services of its node, their checks, and what it tells the servers of them.

Source: Consul 1.17, `agent/agent.go` (registration; `persistService`, `purgeService`: on disk before the answer;
reaping of critical services), `agent/checks/check.go` (HTTP and TCP checks: the first after a random part of the
interval, the next an interval after the last ended), `agent/ae/ae.go` and `agent/local/state.go` (a change goes to the
servers at once; all is compared every interval and a random part of it, which grows with the cluster; a failed
synchronization is made again after 15 s and as long at random).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.engine.cluster import Cluster
from sim.engine.daemons import Daemon, Timer
from sim.registries.consul.calls import Servers
from sim.registries.consul.catalog import Deregister, Entry, Register, Status
from sim.registries.consul.checks import CheckStatus, sync_scale
from sim.registries.consul.messages import (
    Announce,
    Failed,
    KeyQuery,
    Listed,
    Listing,
    Query,
    RenewSession,
    Withdraw,
    Write,
)
from sim.registries.consul.settings import SYNC_RETRY_S, Check, Settings
from sim.registries.gossip_member import GossipMember, Pool

DEFINITION_BYTES = 1000.0
"""Of a service, as JSON in a file of its own."""
ALWAYS = Check(0.0, 0.0, 0, 0, None)


@dataclass(eq=False, slots=True)
class Local:
    """An instance as its agent knows it."""

    entry: Entry
    check: CheckStatus
    critical_since_s: float | None = None
    in_sync: bool = True
    is_gone: bool = False


class Agent(Daemon):
    """`probes`: the names of the services' probes. `old`: what is registered here at time 0."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        node: str,
        name: str,
        settings: Settings,
        servers: Sequence[str],
        pool: Pool,
        probes: Mapping[str, str],
        old: Sequence[Entry],
    ) -> None:
        self.gossip = GossipMember(cluster, host, pool, servers)  # which starts first
        super().__init__(cluster, host, f"{name}.agent")
        self.node, self.settings, self._name = node, settings, name
        self._addresses = [f"{server}/{name}" for server in servers]
        self._probes = dict(probes)
        self.kept["services"] = {entry.instance: entry for entry in old}

    # Life

    def started(self) -> None:
        is_old = self.now == 0.0
        self.locals: dict[str, Local] = {}
        self._deregistering: dict[str, Deregister] = {}
        self._retry: Timer | None = None
        self.servers = Servers(self, self._addresses)
        for entry in self.kept["services"].values():
            self._begin(entry, "passing" if is_old else "critical", in_sync=is_old)
        self._plan_full_sync(self.uniform() if is_old else 1.0)
        self.every(self.settings.reap_interval_s, self._reap, self.settings.reap_interval_s * self.uniform())
        if not is_old:
            self._sync_full()

    def _begin(self, entry: Entry, status: Status, in_sync: bool) -> None:
        check = self.settings.check
        if check is None:
            status = "passing"
        local = Local(entry._replace(status=status), CheckStatus(check or ALWAYS, status), in_sync=in_sync)
        local.critical_since_s = self.clock_s if status == "critical" else None
        self.locals[entry.instance] = local
        if check is not None:
            self.after(check.interval_s * self.uniform(), self._check, local)

    # Processes of the node

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        match message:
            case Announce(entry):
                self._announce(entry)
                self._keep(lambda services: services.update({entry.instance: entry}), lambda: reply(True))
            case Withdraw(instance):
                self._withdraw(instance, lambda: reply(True))
            case Query() | KeyQuery():
                self.servers.call(message, reply, message.wait_s)
            case Write() | RenewSession():
                self.servers.call(message, reply)
            case _:
                raise AssertionError(f"{self.address} was asked {message}")

    def _announce(self, entry: Entry) -> None:
        """Of one that is known its check goes on as it was."""
        if entry.instance not in self.locals:
            self._begin(entry, "critical", in_sync=False)
        self._sync_changes()

    def _withdraw(self, instance: str, then: Callable[[], None] = lambda: None) -> None:
        local = self.locals.pop(instance, None)
        self._keep(lambda services: services.pop(instance, None), then)
        if local is not None:
            local.is_gone = True
            self._deregistering[instance] = Deregister(self.node, instance)
            self._sync_changes()

    def _keep(self, change: Callable[[dict[str, Entry]], object], then: Callable[[], None]) -> None:
        """Change what the data folder has, and go on once it is there."""

        def written() -> None:
            change(self.kept["services"])
            then()

        self.flush(DEFINITION_BYTES, written)

    # Checks

    def _check(self, local: Local) -> None:
        if local.is_gone:
            return

        def ended(outcome: str, taken_s: float) -> None:
            if local.is_gone:
                return
            assert self.settings.check is not None
            self.after(self.settings.check.interval_s, self._check, local)
            if local.check.update(outcome == "ok"):
                self._turned(local)

        self.probe(self._probes[local.entry.service], local.entry.instance, ended)

    def _turned(self, local: Local) -> None:
        status = local.check.status
        local.entry, local.in_sync = local.entry._replace(status=status), False
        local.critical_since_s = self.clock_s if status == "critical" else None
        event = "healthy" if status == "passing" else "unhealthy"
        self.cluster.record(self._name, event, local.entry.instance, "check")
        self._sync_changes()

    def _reap(self) -> None:
        """Services that have been critical for too long are deregistered."""
        after_s = None if self.settings.check is None else self.settings.check.deregister_after_s
        if after_s is None:
            return
        for instance, local in list(self.locals.items()):
            if local.critical_since_s is not None and self.clock_s - local.critical_since_s > after_s:
                self._withdraw(instance)

    # Anti-entropy

    def _sync_changes(self) -> None:
        """Tells the servers what they do not know yet."""
        for local in self.locals.values():
            if not local.in_sync:
                local.in_sync = True
                self.servers.call(Write(Register(local.entry)), lambda answer, one=local: self._synced(one, answer))  # type: ignore[misc]
        deregistering, self._deregistering = self._deregistering, {}
        for command in deregistering.values():
            self.servers.call(Write(command), lambda answer, one=command: self._dropped(one, answer))  # type: ignore[misc]

    def _synced(self, local: Local, answer: Any) -> None:
        if isinstance(answer, Failed):
            local.in_sync = False
            self._try_again()

    def _dropped(self, command: Deregister, answer: Any) -> None:
        if isinstance(answer, Failed) and command.instance not in self.locals:
            self._deregistering[command.instance] = command
            self._try_again()

    def _try_again(self) -> None:
        if self._retry is None:
            self._retry = self.after(SYNC_RETRY_S + self._stagger(SYNC_RETRY_S), self._sync_full)

    def _sync_full(self) -> None:
        """Compares all with what the servers have."""
        self._retry = None
        self.servers.call(Listing(self.node), self._listed)

    def _listed(self, answer: Any) -> None:
        if not isinstance(answer, Listed):
            self._try_again()
            return
        for local in self.locals.values():
            local.in_sync = answer.entries.get(local.entry.instance) == local.entry
        for instance in sorted(answer.entries.keys() - self.locals.keys()):
            self._deregistering[instance] = Deregister(self.node, instance)
        self._sync_changes()

    def _plan_full_sync(self, share: float = 1.0) -> None:
        interval_s = self.settings.sync_interval_s
        self.after(share * (interval_s + self._stagger(interval_s)), self._full_sync_is_due)

    def _full_sync_is_due(self) -> None:
        self._plan_full_sync()
        self._sync_full()

    def _stagger(self, interval_s: float) -> float:
        return interval_s * sync_scale(len(self.gossip.member.roster)) * self.uniform()
