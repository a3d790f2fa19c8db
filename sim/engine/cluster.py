"""The control plane's hands on the data plane."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Literal

from sim.distributions import Distribution
from sim.engine import loop
from sim.engine.clock import Environment
from sim.engine.memory import Fillings, OutOfMemory
from sim.engine.neighbours import Neighbours
from sim.engine.node_clocks import NodeClock
from sim.engine.starts import Starts
from sim.engine.wires import Change, Interference
from sim.errors import DsimError
from sim.model import TargetKind


class Cluster:
    """What failures, registries and a user's own processes may do to the running system. Acts happen at once."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self._tables = env.tables
        self._speeds = {node.name: node.speed for node in env.tables.model.nodes}
        self._factors: dict[str, list[float]] = {}
        self._handles: dict[str, list[int]] = {}
        self._starts = Starts(env)
        self._neighbours = Neighbours(env)
        self._disk_factors: dict[str, list[float]] = {}
        self._clocks = {node.name: NodeClock(env, node.clock) for node in env.tables.model.nodes}
        self.episodes: list[tuple[str, float, float]] = []
        """What happened to the system: (name, start in s, end in s)."""
        self._fillings = Fillings(self)
        self._out_of_memory = OutOfMemory(self)
        self._network = Interference(
            env.tables, lambda row, bytes_per_s: self.env.control(loop.SET_SPEED, row, amount=bytes_per_s)
        )

    def _node(self, name: str) -> int:
        return _row(self._tables.node_row, name, "node")

    def _instance(self, name: str) -> int:
        return _row(self._tables.instance_row, name, "instance")

    def crash(self, kind: TargetKind, name: str) -> None:
        """A node or an instance dies."""
        self.crash_node(name) if kind == "node" else self.crash_instance(name)

    def restore(self, kind: TargetKind, name: str) -> None:
        self.restore_node(name) if kind == "node" else self.restore_instance(name)

    def pause(self, kind: TargetKind, name: str) -> None:
        """A node or an instance stands still."""
        self.pause_node(name) if kind == "node" else self.pause_instance(name)

    def resume(self, kind: TargetKind, name: str) -> None:
        self.resume_node(name) if kind == "node" else self.resume_instance(name)

    def hold(self, owner: str, handles: Iterable[int]) -> None:
        """Keep what `impair` or `change_link` gave to somebody, until it is asked back."""
        self._handles.setdefault(owner, []).extend(handles)

    def release(self, owner: str) -> list[int]:
        """The handles that were kept for somebody, once."""
        return self._handles.pop(owner, [])

    def impair(
        self,
        senders: frozenset[str],
        receivers: frozenset[str],
        *,
        loss: float = 0.0,
        latency: Distribution | None = None,
    ) -> int:
        """Let messages from some places (nodes by name, sources as `source:NAME`) to others be lost with a probability
        (1: nothing passes, nor what is on its way), or take that much longer. Returns what `mend` asks for."""
        return self._network.impair(senders, receivers, loss, latency)

    def mend(self, handle: int) -> None:
        self._network.mend(handle)

    def change_link(
        self,
        sender: str,
        receiver: str,
        *,
        down: bool = False,
        latency_factor: float = 1.0,
        bandwidth_factor: float = 1.0,
        loss: float = 0.0,
    ) -> int:
        """Let one direction of a link between two sites be down (then ways lead around it, where there is a graph),
        slower, narrower, or lose more. Returns what `mend_link` asks for."""
        change = Change((sender, receiver), down, latency_factor, bandwidth_factor, loss)
        return self._network.change_link(change)

    def mend_link(self, handle: int) -> None:
        self._network.mend_link(handle)

    def hide_address(self, service: str) -> None:
        """Nobody who dials a service finds out where it is, until it is shown as often."""
        self._network.hide_address(service, 1)

    def show_address(self, service: str) -> None:
        self._network.hide_address(service, -1)

    def crash_node(self, name: str) -> None:
        """The host dies: everything on it ends, nobody is told. Crashes nest: it is up after as many restores."""
        self.env.control(loop.CRASH_NODE, self._node(name))
        self._starts.crashed_node(name)

    def restore_node(self, name: str) -> None:
        self._starts.restoring_node(name)
        self.env.control(loop.RESTORE_NODE, self._node(name))

    def crash_instance(self, name: str) -> None:
        """The process dies: everything in it ends, callers are reset, later ones refused until it is restored."""
        self.env.control(loop.CRASH_INSTANCE, self._instance(name))
        self._starts.crashed(name)

    def restore_instance(self, name: str) -> None:
        self._starts.restoring(name)
        self.env.control(loop.RESTORE_INSTANCE, self._instance(name))

    def pause_node(self, name: str) -> None:
        """The host stalls: nothing on it goes on, all that comes waits. Pauses nest, as crashes do."""
        self.env.control(loop.PAUSE_NODE, self._node(name))

    def resume_node(self, name: str) -> None:
        self.env.control(loop.RESUME_NODE, self._node(name))

    def pause_instance(self, name: str) -> None:
        """The process stands still: it computes nothing, all that comes for it waits until it is resumed."""
        self.env.control(loop.PAUSE_INSTANCE, self._instance(name))

    def resume_instance(self, name: str) -> None:
        self.env.control(loop.RESUME_INSTANCE, self._instance(name))

    def slow_node(self, name: str, factor: float) -> None:
        """Its cores run at `factor` times the speed; factors multiply until they are taken back."""
        self._node(name)
        self._factors.setdefault(name, []).append(factor)
        self._set_speed(name)

    def unslow_node(self, name: str, factor: float) -> None:
        self._factors[name].remove(factor)
        self._set_speed(name)

    def stress_node(self, name: str, cores: float) -> None:
        """A neighbour wants so many of the node's cores, and competes for them as one more instance would."""
        self._node(name)
        self._neighbours.want(name, cores)

    def relieve_node(self, name: str, cores: float) -> None:
        self._neighbours.want_no_more(name, cores)

    def slow_disk(self, name: str, factor: float) -> None:
        """The node's disk works at `factor` times its speed; factors multiply until they are taken back."""
        self._disk(name)
        self._disk_factors.setdefault(name, []).append(factor)
        self._set_disk_speed(name)

    def unslow_disk(self, name: str, factor: float) -> None:
        self._disk_factors[name].remove(factor)
        self._set_disk_speed(name)

    def fill_memory(self, kind: Literal["node", "instance"], name: str, size_bytes: float) -> None:
        """So many bytes more are held: on a node by no instance, in an instance by no request. An instance that dies
        takes them with it."""
        self._fillings.fill(kind, name, size_bytes)

    def free_memory(self, kind: Literal["node", "instance"], name: str, size_bytes: float) -> None:
        self._fillings.free(kind, name, size_bytes)

    def clock(self, node: str) -> NodeClock:
        """The clocks that processes on a node read."""
        self._node(node)
        return self._clocks[node]

    def _disk(self, name: str) -> int:
        self._node(name)
        return _row(self._tables.disk_row, name, "disk of node")

    def _set_disk_speed(self, name: str) -> None:
        row = int(self._tables.state["instance"][self._disk(name)]["node"])
        self.env.control(loop.SET_SPEED, row, amount=prod(self._disk_factors[name]))

    def _set_speed(self, name: str) -> None:
        """From the factors in force, so that the full speed comes back to the last bit."""
        speed = self._speeds[name] * prod(self._factors[name])
        self.env.control(loop.SET_SPEED, self._node(name), amount=speed)


def _row(rows: dict[str, int], name: str, kind: str) -> int:
    if name not in rows:
        raise DsimError(f"{kind} {name!r} does not exist; there are: {', '.join(rows)}")
    return rows[name]
