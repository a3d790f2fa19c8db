"""What no crash may let through: work that was at a dead instance never counts as ok, there or with its caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from sim.engine import Simulation
from sim.engine.episodes import episodes
from sim.failures import Crash
from sim.kernel.codes import KILLED, NONE, OK, OUTCOMES, REPLYING, RESET, SILENT
from tests.swarm.snapshot import Snapshot

Act = Callable[[str], None]


class CrashWitness:
    """Stands beside the cluster's handle, looks before and after each crash, and remembers who was there."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.broken: list[str] = []
        self.doomed: set[tuple[str, int]] = set()
        """Requests without a second try whose task was at a crashed instance."""
        self.ok_when_down: dict[int, int] = {}
        cluster: Any = simulation.cluster
        cluster.crash_node = self._crash(cluster.crash_node, self._on_node, silent=True)
        cluster.crash_instance = self._crash(cluster.crash_instance, self._itself, silent=False)
        cluster.restore_node = self._restore(cluster.restore_node)
        cluster.restore_instance = self._restore(cluster.restore_instance)

    def look(self) -> None:
        """While an instance is down nothing becomes ok there."""
        for host, before in self.ok_when_down.items():
            if self._ended(host, OK) != before:
                self._say(f"instance {host}: {self._ended(host, OK) - before} tasks were ok while it was down")

    def finish(self, rows: pd.DataFrame) -> None:
        """Hold the recorded requests against what was seen, and against the faults' times."""
        ok = rows[rows["outcome"] == "ok"]
        for source, index in zip(ok["source"], ok["index"], strict=True):
            if (source, index) in self.doomed:
                self._say(f"request {index} of {source} was at an instance when it crashed, and is ok")
        self.broken += through_a_crash(self.simulation, ok)

    # Acts

    def _crash(self, act: Act, hosts_of: Callable[[str], list[int]], silent: bool) -> Act:
        def crash(name: str) -> None:
            hosts = hosts_of(name)
            before = Snapshot(self.simulation.tables)
            killed = {host: self._ended(host, KILLED) for host in hosts}
            roots = {host: [row for row in before.present[host] if before.is_root(row)] for host in hosts}
            before.read("task", "call")
            before.read("call", "generation", "edge", "index", "next")
            act(name)
            after = Snapshot(self.simulation.tables)
            for host, there in roots.items():
                if self._ended(host, KILLED) - killed[host] != len(there):
                    self._say(f"{name}: {len(there)} tasks there, {self._ended(host, KILLED) - killed[host]} killed")
                mute = silent or bool(after.node.down[after.instance.node[host]])
                for row in there:
                    self._hold(before, after, row, mute)
                self.ok_when_down.setdefault(host, self._ended(host, OK))

        return crash

    def _restore(self, act: Act) -> Act:
        def restore(name: str) -> None:
            self.look()
            act(name)
            now = Snapshot(self.simulation.tables)
            for host in list(self.ok_when_down):
                if not now.instance.down[host] and not now.node.down[now.instance.node[host]]:
                    del self.ok_when_down[host]

        return restore

    def _hold(self, before: Snapshot, after: Snapshot, row: int, mute: bool) -> None:
        """The attempt that a killed task carried is answered with a reset, or not at all."""
        call = before.task.call[row]
        if call == NONE or not after.is_call(call) or after.call.generation[call] != before.call.generation[call]:
            return
        task = after.call.attempt_task[call]
        expected = (SILENT, None) if mute else (REPLYING, RESET)
        state = after.task.state[task]
        is_lost = after.is_wired and state == SILENT  # the reset found no way
        if task != row or ((state, after.task.result[task] if state == REPLYING else None) != expected and not is_lost):
            self._say(f"call {call}: its task {row} was killed, and is in state {state} with result {OUTCOMES[OK]}")
        edge = self.simulation.tables.edges[before.call.edge[call]]
        if edge.is_root and edge.policy.retry is None:
            self.doomed.add((edge.caller, before.call.index[call]))

    # What they need

    def _say(self, sentence: str) -> None:
        self.broken.append(f"crash at {self.simulation.env.now}: {sentence}")

    def _itself(self, name: str) -> list[int]:
        return [self.simulation.tables.instance_row[name]]

    def _on_node(self, name: str) -> list[int]:
        tables = self.simulation.tables
        return [
            row
            for row in tables.instance_row.values()
            if tables.state["instance"][row]["node"] == tables.node_row[name]
        ]

    def _ended(self, host: int, outcome: int) -> int:
        """Tasks of an instance that have ended so, whichever their endpoint."""
        tables = self.simulation.tables
        name = list(tables.instance_row)[host]
        rows = [row for row, (instance, _) in enumerate(tables.endpoint_rows) if instance == name]
        counts = tables.state["stat"]["outcome"][rows].reshape(len(rows), len(OUTCOMES), -1)
        return int(counts[:, outcome, 0].sum())


def through_a_crash(simulation: Simulation, ok: pd.DataFrame) -> Iterator[str]:
    """Requests at the service's door reach their instance at once: an ok one with a single attempt was there from its
    intended time to its end, and so cannot have lived through a crash, nor have arrived during one."""
    if simulation.tables.wires is not None:  # they may have been sent again, after the crash
        return
    model = simulation.model
    node_of = {instance.name: instance.node for service in model.services for instance in service.instances}
    door = {source.name for source in model.sources if source.zone is None}
    once = ok[(ok["attempts"] == 1) & ok["source"].isin(door)]
    for fault in model.faults:
        if not isinstance(fault, Crash):
            continue
        [(at_s, until_s)] = episodes(fault, model.run.seed, 0)
        hit = once["instance"].map(lambda name: fault.target in (name, node_of[name]))  # noqa: B023 — used at once
        alive = (once["intended_s"] < until_s) & (once["intended_s"] + once["latency_s"] > at_s)
        for index, source in zip(once["index"][hit & alive], once["source"][hit & alive], strict=True):
            yield f"{fault.name}: request {index} of {source} went through {fault.target} while it was down, and is ok"
