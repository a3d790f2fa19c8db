"""What the etcd cluster behind the API servers holds, and what is written to it.

Kubernetes 1.31. A write that was made from what somebody had read holds only if nobody has written since, as a
`resourceVersion` demands: `Publish` by the version of the slices, `Lead` by the record of the lease.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sim.registries.kubernetes.messages import Delete, Endpoints, Renew, Report

Selected = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Lose:
    """The node's lease is over: none of its pods is ready."""

    node: str


@dataclass(frozen=True, slots=True)
class Publish:
    endpoints: Endpoints


@dataclass(frozen=True, slots=True)
class Lead:
    """Who holds the controllers' lease, and how often it has been renewed by anybody."""

    holder: str
    renewals: int


Command = Report | Renew | Delete | Lose | Publish | Lead
Event = tuple[str, str, str]
"""For the log: event, subject, detail."""


@dataclass(eq=False)
class Store:
    services: Mapping[str, tuple[str, ...]]
    nodes: Mapping[str, str]
    """The node of each pod."""
    ready: dict[str, bool]
    terminating: set[str]
    renewals: dict[str, int]
    """How often each node has renewed its lease."""
    leader: Lead
    endpoints: Endpoints

    @classmethod
    def founding(cls, services: Mapping[str, tuple[str, ...]], nodes: Mapping[str, str], leader: str) -> Store:
        """Where its log begins: all pods are ready, and in the slices."""
        renewals = dict.fromkeys(nodes.values(), 0)
        ready = dict.fromkeys(nodes, True)
        return cls(services, nodes, ready, set(), renewals, Lead(leader, 0), Endpoints(0, tuple(services.items())))

    def copy(self) -> Store:
        ready, terminating, renewals = dict(self.ready), set(self.terminating), dict(self.renewals)
        return replace(self, ready=ready, terminating=terminating, renewals=renewals)

    def selected(self) -> Selected:
        """What the endpoint slices should say: terminating pods are not ready."""
        return tuple(
            (service, tuple(pod for pod in pods if self.ready[pod] and pod not in self.terminating))
            for service, pods in self.services.items()
        )

    def is_news(self, report: Report) -> bool:
        return any(self.ready[pod] != ready or (ready and pod in self.terminating) for pod, ready in report.ready)

    def apply(self, command: Command) -> tuple[bool, list[Event]]:
        """Was it accepted, and what happened?"""
        match command:
            case Renew(node):
                self.renewals[node] = self.renewals.get(node, 0) + 1
            case Report(ready):
                return True, self._report(ready)
            case Delete(pod):
                self.terminating.add(pod)
                return True, [("deregistered", pod, "")]
            case Lose(node):
                return True, self._lose(node)
            case Publish(endpoints):
                if endpoints.version != self.endpoints.version + 1:
                    return False, []
                self.endpoints = endpoints
            case Lead():
                if command.renewals != self.leader.renewals + 1:
                    return False, []
                self.leader = command
        return True, []

    def _report(self, ready: tuple[tuple[str, bool], ...]) -> list[Event]:
        events = []
        for pod, is_ready in ready:
            self.ready[pod] = is_ready
            if is_ready and pod in self.terminating:
                self.terminating.discard(pod)
                events.append(("registered", pod, ""))
        return events

    def _lose(self, node: str) -> list[Event]:
        lost = [pod for pod, at in self.nodes.items() if at == node and self.ready[pod]]
        self.ready.update(dict.fromkeys(lost, False))
        return [("unhealthy", pod, f"{node} is not ready") for pod in lost]
