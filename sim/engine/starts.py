"""Cold starts: an instance that comes back boots, then warms up.

While it boots its process is dead to callers. Then its bursts run at a fraction of the speed until it is warm: one
step, since warm-up of just-in-time compilers shows in measurements as segments of constant speed (Barrett et al.,
Virtual Machine Warmup Blows Hot and Cold, OOPSLA 2017). It slows requests for tens of seconds after each restart (Lion
et al., Don't Get Caught in the Cold, Warm Up Your JVM, OSDI 2016).
"""

from __future__ import annotations

from sim.distributions import Distribution, draw_many
from sim.engine import loop
from sim.engine.clock import Environment, Process
from sim.kernel.draws import stream_key
from sim.model import Start


class Starts:
    """What becomes of the instances whose service says how it starts, from their crash to the end of their warm-up."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self._tables = env.tables
        model = env.tables.model
        self._laws: dict[str, Start] = {}
        self._on_node: dict[str, list[str]] = {}
        for service in model.services:
            for instance in service.instances:
                if service.start is not None:
                    self._laws[instance.name] = service.start
                    self._on_node.setdefault(instance.node, []).append(instance.name)
        self._begun: dict[str, int] = {}
        """Starts of each instance so far: a crash in the middle of one makes the next another."""
        self._current: dict[str, int] = {}
        self._booting: set[str] = set()

    def crashed_node(self, name: str) -> None:
        """A host has died: nothing on it starts any more."""
        for instance in self._on_node.get(name, ()):
            self.crashed(instance)

    def crashed(self, name: str) -> None:
        """An instance has died, perhaps while it started."""
        self._current.pop(name, None)
        if name in self._booting:
            self._booting.remove(name)
            self.env.control(loop.RESTORE_INSTANCE, self._tables.instance_row[name])

    def restoring_node(self, name: str) -> None:
        """A crash of a host is about to end."""
        if self._tables.state["node"][self._tables.node_row[name]]["down"] == 1:
            for instance in self._on_node.get(name, ()):
                if self._tables.state["instance"][self._tables.instance_row[instance]]["down"] == 0:
                    self._begin(instance)

    def restoring(self, name: str) -> None:
        """A crash of an instance is about to end."""
        instance = self._tables.state["instance"][self._tables.instance_row[name]]
        if name in self._laws and instance["down"] == 1 and self._tables.state["node"][instance["node"]]["down"] == 0:
            self._begin(name)

    def _begin(self, name: str) -> None:
        number = self._begun.get(name, 0)
        self._begun[name] = number + 1
        self._current[name] = number
        if self._laws[name].boot is not None:
            self._booting.add(name)
            self.env.control(loop.CRASH_INSTANCE, self._tables.instance_row[name])
        self.env.process(self._start(name, number))

    def _start(self, name: str, number: int) -> Process:
        law, row = self._laws[name], self._tables.instance_row[name]
        if law.boot is not None:
            yield self.env.timeout(self._draw(law.boot, name, "boot", number))
            if self._current.get(name) != number:
                return
            self._booting.remove(name)
            self.env.control(loop.RESTORE_INSTANCE, row)
        if law.warm_up is not None:
            self.env.control(loop.SET_OWN_SPEED, row, amount=law.warm_up.speed)
            yield self.env.timeout(self._draw(law.warm_up.for_s, name, "warm_up", number))
            if self._current.get(name) == number:
                self.env.control(loop.SET_OWN_SPEED, row, amount=1.0)

    def _draw(self, law: Distribution, name: str, what: str, number: int) -> float:
        """Number `number` of the stream of this instance and this part of its start."""
        plan, replication = self._tables.model.run, self._tables.replication
        key = stream_key(plan.seed, replication, f"start:{name}:{what}")
        return float(draw_many(law, key, 1, number)[0])
