"""API servers over etcd members: each writes and reads through its own, and serves watches from what that has applied.

Kubernetes 1.31: `staging/src/k8s.io/apiserver/pkg/storage/cacher` (watch cache), `pkg/kubelet/status` (a kubelet gets a
pod, which is a linearizable read, and patches it where it differs). The topology is kubeadm's stacked one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim.engine.daemons import Daemon
from sim.registries.kubernetes.messages import Delete, Endpoints, Renew, Report, Watch
from sim.registries.kubernetes.settings import API, RELIST_FIRST_S, STORE_TIMEOUT_S, WATCH_BEHIND_S, WATCH_IDLE_S
from sim.registries.kubernetes.store import Command, Event, Lead, Store
from sim.registries.raft_group import Done, RaftGroup, Then
from sim.registries.raft_member import RaftMember, StateMachine

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

Reply = Callable[[Any], None]
Waiting = tuple[int, Reply]


class ApiServer(Daemon, StateMachine):
    """Answers kubelets and proxies. `founding`: what the store is where its log begins. `applied` is told, for the
    record, what an entry did; `changed` when pods may have become ready, or not."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        group: RaftGroup,
        founding: Store,
        applied: Callable[[int, list[Event]], None],
    ) -> None:
        super().__init__(cluster, host, API)
        self._founding, self._applied = founding, applied
        self.store = founding.copy()
        self.changed: Callable[[], None] = lambda: None
        self._watches: list[Waiting] = []
        self._is_first_life = True
        self.is_filled = False
        """Has its watch cache been filled by a linearizable read? Until then it serves no watch."""
        self.member = RaftMember(cluster, host, group, self)

    def started(self) -> None:
        self._watches = []
        self.is_filled = self._is_first_life
        if not self._is_first_life:
            self.after(0.0, self._fill)
        self._is_first_life = False

    def _fill(self) -> None:
        def filled(done: Done) -> None:
            self.is_filled = done.outcome == "ok"
            if not self.is_filled:
                self.after(RELIST_FIRST_S, self._fill)

        self.member.read(filled, STORE_TIMEOUT_S)

    # The state machine

    def apply(self, index: int, data: Command) -> bool:
        known = self.store.endpoints
        accepted, events = self.store.apply(data)
        self._applied(index, events)
        if self.store.endpoints is not known:
            self._tell_watchers()
        elif not isinstance(data, Renew | Lead):
            self.changed()
        return accepted

    def snapshot(self) -> Store:
        return self.store.copy()

    def restore(self, snapshot: Store | None) -> None:
        self.store = (snapshot or self._founding).copy()
        self._tell_watchers()
        self.changed()

    # Requests

    def asked(self, sender: str, message: Any, reply: Reply) -> None:
        match message:
            case Watch(version):
                self._watch(version, reply)
            case Report():
                self._report(message, reply)
            case Renew() | Delete():
                self.write(message, lambda done: reply(done.outcome == "ok"))
            case _:
                raise AssertionError(f"{self.address} was asked {message}")

    def write(self, command: Command, then: Then) -> None:
        self.member.propose(command, then, STORE_TIMEOUT_S)

    def _report(self, report: Report, reply: Reply) -> None:
        def read(done: Done) -> None:
            if done.outcome == "ok" and self.store.is_news(report):
                self.write(report, lambda done: reply(done.outcome == "ok"))
            elif done.outcome == "leader changed":
                self._report(report, reply)
            else:
                reply(done.outcome == "ok")

        self.member.read(read, STORE_TIMEOUT_S)

    # Watches

    def _watch(self, version: int, reply: Reply) -> None:
        known = self.store.endpoints
        if not self.is_filled:
            reply(None)
        elif version < known.version:
            reply(known)
        else:
            waiting = version, reply
            self._watches.append(waiting)
            self.after(WATCH_IDLE_S if version == known.version else WATCH_BEHIND_S, self._give_up, waiting)

    def _give_up(self, waiting: Waiting) -> None:
        """Nothing has come: what the watcher has is still the last, or this server is behind it."""
        if waiting in self._watches:
            self._watches.remove(waiting)
            version, reply = waiting
            reply(self.store.endpoints if version <= self.store.endpoints.version else None)

    def _tell_watchers(self) -> None:
        endpoints: Endpoints = self.store.endpoints
        watches = self._watches
        self._watches = [waiting for waiting in watches if waiting[0] >= endpoints.version]
        for version, reply in watches:
            if version < endpoints.version:
                reply(endpoints)
