"""Hosts of the control plane: where its daemons run, whether they live, and what waits while they stand still.

A host is an instance (a process of the model, so that every fault strikes it) or a traffic source, which as a client
of a registry never dies. Each life of a process is an incarnation; what belongs to an earlier one is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.engine import loop
from sim.engine.clock import Environment
from sim.engine.node_clocks import NodeClock
from sim.errors import DsimError

if TYPE_CHECKING:
    from sim.engine.daemons import Daemon

SOURCE = "source:"


@dataclass(eq=False)
class Host:
    """One process of the model, or one source."""

    name: str
    place: str
    """Its node, or `source:NAME`: what faults of the network strike."""
    site: str | None
    """None: at the door of whatever it talks to."""
    clock: NodeClock
    up: bool = True
    node_up: bool = True
    paused: bool = False
    incarnation: int = 0
    daemons: list[Daemon] = field(default_factory=list)
    pauses: list[tuple[float, float]] = field(default_factory=list)
    """When it stood still, from and to, on its node's monotonic clock."""
    paused_at_s: float = 0.0
    held: list[Callable[[], None]] = field(default_factory=list)
    """What a paused process has still to do, in the order in which it fell due."""

    def stand_still(self, paused: bool) -> None:
        self.paused = paused
        if paused:
            self.paused_at_s = self.clock.monotonic()
        else:
            self.pauses.append((self.paused_at_s, self.clock.monotonic()))

    def when_running(self, act: Callable[[], None], incarnation: int) -> None:
        """Do something now, or once the process goes on; not at all if it has died since `incarnation`."""
        if incarnation != self.incarnation or not self.up:
            return
        if self.paused:
            self.held.append(lambda: self.when_running(act, incarnation))
        else:
            act()


class Hosts:
    """All hosts of a run."""

    def __init__(
        self, env: Environment, clock: Callable[[str], NodeClock], record: Callable[[str, str, str, str], None]
    ) -> None:
        self.env = env
        self._record = record
        model, tables = env.tables.model, env.tables
        nodes = {node.name: node for node in model.nodes}
        self.of: dict[str, Host] = {}
        self._on_node: dict[int, list[str]] = {}
        for service in model.services:
            for instance in service.instances:
                node = nodes[instance.node]
                self.of[instance.name] = Host(instance.name, node.name, node.site, clock(node.name))
                self._on_node.setdefault(tables.node_row[node.name], []).append(instance.name)
        for source in model.sources:
            name = SOURCE + source.name
            self.of[name] = Host(name, name, source.zone, NodeClock(env, None))
        self._names = list(tables.instance_row)

    def find(self, name: str) -> Host:
        if name not in self.of:
            raise DsimError(f"there is no instance or source called {name!r}; there are: {', '.join(self.of)}")
        return self.of[name]

    def follow(self, act: int, row: int) -> None:
        """Look at who an act of the control plane was done to, as `Environment.on_life` says."""
        on_node = act in (loop.CRASH_NODE, loop.RESTORE_NODE, loop.PAUSE_NODE, loop.RESUME_NODE)
        for name in self._on_node.get(row, ()) if on_node else self._names[row : row + 1]:
            self._compare(self.of[name])

    def _compare(self, host: Host) -> None:
        """Let a host be what the kernel says that it is."""
        state, row = self.env.tables.state, self.env.tables.instance_row[host.name]
        instance = state["instance"][row]
        node = state["node"][int(instance["node"])]
        host.node_up = not node["down"]
        up = host.node_up and not instance["down"]
        paused = bool(instance["paused"] or node["paused"])
        if up != host.up:
            self._die(host) if host.up else self._rise(host)
        if paused != host.paused:
            host.stand_still(paused)
            self._record("truth", "paused" if paused else "resumed", host.name, "")
            if not paused:
                held, host.held = host.held, []
                for act in held:
                    act()

    def _die(self, host: Host) -> None:
        host.up = False
        host.incarnation += 1
        host.held = []
        self._record("truth", "down", host.name, "process" if host.node_up else "host")
        for daemon in host.daemons:
            daemon.died()

    def _rise(self, host: Host) -> None:
        host.up = True
        self._record("truth", "up", host.name, "")
        for daemon in host.daemons:
            daemon.started()
