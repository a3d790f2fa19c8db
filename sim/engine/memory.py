"""Processes that run out of memory: killed, and started again after a back-off.

As the kubelet restarts a container (Kubernetes documentation, Pod Lifecycle, "Container restart policy"): the first
time at once, then after 10 s, 20 s, 40 s … up to 300 s, and from the beginning once it has run for ten minutes. The
service's `start` comes on top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sim.engine import loop
from sim.engine.clock import Process
from sim.errors import DsimError

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

FIRST_BACKOFF_S, LONGEST_BACKOFF_S, CALM_S = 10.0, 300.0, 600.0


class OutOfMemory:
    """Carries out what the kernel signals: somebody has to die."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.env = cluster, cluster.env
        self._names = list(cluster.env.tables.instance_row)
        self._kills: dict[str, int] = {}
        """Since it last ran for CALM_S."""
        self._up_since: dict[str, float] = {}
        self.env.on_full_memory = self.kill

    def kill(self, row: int) -> None:
        """An instance dies, and comes back as the back-off says."""
        name = self._names[row]
        wait_s = self._backoff_s(name)
        self.cluster.episodes.append((f"{name} out of memory", self.env.now, self.env.now + wait_s))
        self.cluster.crash_instance(name)
        self._up_since[name] = self.env.now + wait_s
        if wait_s > 0.0:
            self.env.process(self._restart(name, wait_s))
        else:
            self.cluster.restore_instance(name)

    def _backoff_s(self, name: str) -> float:
        if self.env.now - self._up_since.get(name, 0.0) >= CALM_S:
            self._kills[name] = 0
        number = self._kills.get(name, 0)
        self._kills[name] = number + 1
        return float(min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** (number - 1))) if number else 0.0

    def _restart(self, name: str, wait_s: float) -> Process:
        yield self.env.timeout(wait_s)
        self.cluster.restore_instance(name)


class Fillings:
    """Memory that is held beside what requests hold: by a leak in an instance, by somebody else on a node."""

    def __init__(self, cluster: Cluster) -> None:
        self.env = cluster.env
        self._held: dict[tuple[str, str], list[float]] = {}

    def fill(self, kind: Literal["node", "instance"], name: str, size_bytes: float) -> None:
        row = self._row(kind, name)
        if kind == "instance" and not self.env.tables.state["instance"][row]["memory_filled"]:
            self._held.pop((kind, name), None)  # a process that died since took its leak with it
        self._held.setdefault((kind, name), []).append(size_bytes)
        self._write(kind, name, row)
        for host in [row] if kind == "instance" else self._instances(row)[:1]:
            self.env.control(loop.WEIGH, host)

    def free(self, kind: Literal["node", "instance"], name: str, size_bytes: float) -> None:
        row, held = self._row(kind, name), self._held.get((kind, name), [])
        if size_bytes in held and self.env.tables.state[kind][row]["memory_filled"]:
            held.remove(size_bytes)
            self._write(kind, name, row)

    def _write(self, kind: str, name: str, row: int) -> None:
        self.env.tables.state[kind][row]["memory_filled"] = sum(self._held[kind, name])

    def _instances(self, node_row: int) -> list[int]:
        state = self.env.tables.state
        hosts = state["instance"][: len(self.env.tables.instance_row)]["node"]
        return [host for host, node in enumerate(hosts) if node == node_row]

    def _row(self, kind: str, name: str) -> int:
        tables = self.env.tables
        rows = tables.node_row if kind == "node" else tables.instance_row
        if name not in rows:
            raise DsimError(f"{kind} {name!r} does not exist; there are: {', '.join(rows)}")
        row, state = rows[name], tables.state
        limited = state["node"][row]["memory"] < float("inf") if kind == "node" else state["instance"][row]["weighed"]
        if not limited:
            where = "nodes: {app: {memory: 8GB}}" if kind == "node" else "memory: {limit: 512MB} in its service"
            raise DsimError(f"{kind} {name!r} has no limit of memory, so it cannot be filled; write e.g. {where}")
        return row
