"""What runs on each node: the kubelet with its readiness probes and its node's lease, and in each pod its process.

Kubernetes 1.31: `pkg/kubelet/prober` (worker.doProbe), `pkg/kubelet/status` (syncBatch), `pkg/kubelet/pleg` (Relist).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.engine.daemons import Answer, Daemon
from sim.registries.kubernetes.messages import Alive, Delete, Life, Renew, Report
from sim.registries.kubernetes.settings import API, KUBELET, POD, REQUEST_TIMEOUT_S, Settings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster


class Caller(Daemon):
    """Somebody who talks to one API server, and to the next when that one does not answer, or cannot do it."""

    def __init__(self, cluster: Cluster, host: str, name: str, servers: Sequence[str]) -> None:
        super().__init__(cluster, host, name)
        self._servers = tuple(servers)
        self._server = int(self.uniform() * len(servers))

    @property
    def server(self) -> str:
        return f"{self._servers[self._server]}/{API}"

    def leave_server(self, server: str) -> None:
        """It was of no use. Of several requests that failed there only the first moves on."""
        if server == self.server:
            self._server = (self._server + 1) % len(self._servers)


@dataclass(slots=True)
class Worker:
    """The readiness of one pod: `run` results in a row were `last`."""

    probe: str
    ready: bool = False
    last: bool = False
    run: int = 0
    is_ending: bool = False

    def saw(self, success: bool, settings: Settings) -> bool:
        """Has the readiness changed by one more result?"""
        self.run = self.run + 1 if success == self.last else 1
        self.last = success
        enough = settings.successes if success else settings.failures
        if self.run < enough or success == self.ready:
            return False
        self.ready = success
        return True


class Kubelet(Caller):
    """Probes the pods of its node and reports them."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        node: str,
        settings: Settings,
        servers: Sequence[str],
        pods: Sequence[tuple[str, str]],
        component: str,
    ) -> None:
        super().__init__(cluster, host, KUBELET, servers)
        self.node, self.settings, self.component = node, settings, component
        self._pods = tuple(pods)
        """Instances of the node, and the names of their probes."""
        self.workers: dict[str, Worker] = {}
        self._is_first_life = True

    def started(self) -> None:
        settings, first = self.settings, self._is_first_life
        self._is_first_life = False
        self.workers = {pod: Worker(probe, first, first) for pod, probe in self._pods}
        for pod in self.workers:
            self.every(settings.period_s, lambda pod=pod: self._probe(pod), settings.period_s * self.uniform())  # type: ignore[misc]
        phase = self.uniform() if first else 0.0
        self.every(settings.lease_s, self._renew, settings.lease_s * phase)
        self.every(settings.status_sync_s, self._sync, settings.status_sync_s * self.uniform())
        if settings.relist_s is not None:
            self.every(settings.relist_s, self._relist, settings.relist_s * self.uniform())

    def received(self, sender: str, message: Any) -> None:
        worker = self.workers[message.instance]
        if message.begins:
            if worker.is_ending or self.settings.relist_s is not None:
                self.workers[message.instance] = Worker(worker.probe)
        else:
            worker.is_ending = True
            self._delete(message.instance)

    def _probe(self, pod: str) -> None:
        worker = self.workers[pod]
        if worker.is_ending:
            return

        def ended(outcome: str, taken_s: float) -> None:
            if self.workers[pod] is worker and not worker.is_ending and worker.saw(outcome == "ok", self.settings):
                self._turned(pod, worker)

        self.probe(worker.probe, pod, ended)

    def _turned(self, pod: str, worker: Worker) -> None:
        self.cluster.record(self.component, "healthy" if worker.ready else "unhealthy", pod)
        self._call(Report(((pod, worker.ready),)))

    def _relist(self) -> None:
        for pod, worker in self.workers.items():
            if worker.ready and not worker.is_ending:
                self.ask(f"{pod}/{POD}", Alive(), lambda a, p=pod, w=worker: self._listed(p, w, a), REQUEST_TIMEOUT_S)  # type: ignore[misc]

    def _listed(self, pod: str, worker: Worker, answer: Answer) -> None:
        if answer.outcome in ("refused", "reset") and self.workers[pod] is worker and worker.ready:
            worker.ready = worker.last = False
            worker.run = 0
            self._turned(pod, worker)

    def _sync(self) -> None:
        """What the API servers have missed, or was changed there meanwhile, is put right."""
        ready = tuple((pod, worker.ready and not worker.is_ending) for pod, worker in self.workers.items())
        self._call(Report(ready))

    def _renew(self) -> None:
        self._call(Renew(self.node))

    def _delete(self, pod: str) -> None:
        self._call(Delete(pod))

    def _call(self, message: Report | Renew | Delete) -> None:
        server = self.server

        def ended(answer: Answer) -> None:
            if answer.outcome != "ok" or not answer.message:
                self.leave_server(server)

        self.ask(server, message, ended, REQUEST_TIMEOUT_S)


class Pod(Daemon):
    """The process of an instance, as its node sees it. A pod is deleted at an API server, which the kubelet there
    learns: here the kubelet is told first, and tells the API server at once, while the process goes on to its end."""

    def __init__(self, cluster: Cluster, host: str, kubelet: str) -> None:
        super().__init__(cluster, host, POD)
        self._kubelet = kubelet
        self._is_first_life = True

    def started(self) -> None:
        if not self._is_first_life:
            self.tell(self._kubelet, Life(self.host, True))
        self._is_first_life = False

    def stopping(self) -> None:
        self.tell(self._kubelet, Life(self.host, False))

    def asked(self, sender: str, message: Any, reply: Any) -> None:
        reply(True)
