"""One replication of one model, from the tables to the measurements."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from sim.engine import collect, loop
from sim.engine.behaviours import Behaviours
from sim.engine.clock import SLICE_EVENTS, Environment, Process
from sim.engine.cluster import Cluster
from sim.engine.episodes import episodes
from sim.engine.lower import lower
from sim.engine.observe import Observer
from sim.engine.run import CONTROL, Run
from sim.engine.spool import Spool
from sim.errors import DsimError, PluginError
from sim.kernel import jit
from sim.kernel.codes import BROKEN, FULL, LIMIT
from sim.model import Fault, Model

Progress = Callable[[float, int], None]
"""Called now and then with the simulated time in seconds and the events handled so far."""


def prepare() -> None:
    """Compile the kernel, unless it is on disk already."""
    if jit.INTERPRETED or loop.advance.signatures:
        return
    if jit.is_compiled():
        jit.load(loop.advance, loop.control)
        jit.mark_used()
    else:
        jit.compile_pinned()
        jit.mark_compiled()
    gc.freeze()  # the compiler and the libraries stay: a collection that walks them takes as long as 10,000 messages


class Simulation:
    """A replication that can be stepped, watched and disturbed.

    `env` is the joined clock (a SimPy environment), `cluster` the control plane's handle; processes added to `env`
    before `run` act on the system as it runs. With `trace_messages`, `cluster.mail.trace` lists all messages between
    daemons, in the order in which they were sent.
    """

    def __init__(
        self,
        model: Model,
        replication: int = 0,
        *,
        requests_path: Path | None = None,
        progress: Progress | None = None,
        slice_events: int = SLICE_EVENTS,
        trace_messages: bool = False,
    ) -> None:
        if model.run.record != "none" and requests_path is None:
            raise DsimError("run.record: requests are recorded to a file; give `requests_path` (or --out)")
        prepare()
        self.model, self.replication = model, replication
        self.tables = lower(model, replication)
        self.env = Environment(self.tables, slice_events)
        self.cluster = Cluster(self.env)
        self.behaviours = Behaviours(self.env, self.cluster)
        self.spool = Spool(self.tables, requests_path) if requests_path and model.run.record != "none" else None
        self.fault_episodes = self.cluster.episodes
        if trace_messages:
            self.cluster.mail.trace = []
        if self.spool:
            self.env.on_spool = self.spool.drain
        if progress:
            self.env.on_look = lambda: progress(self.env.now, int(self.tables.state["events"]))

    def run(self) -> Run:
        """Simulate: the measured interval, then the drain."""
        started = time.perf_counter()
        plan, state = self.model.run, self.tables.state
        with np.errstate(over="ignore"):
            observer = Observer(self.env)
            self.cluster.start_components()
            for process in (observer.watch_windows(), observer.watch_warmup()):
                self.env.process(process)
            for fault in self.model.faults:
                self.env.process(self._strike(fault))
            for source in range(len(self.model.sources)):
                self.env.control(loop.START, source)
            status = self.env.run(until=float(np.nextafter(plan.duration_s, np.inf)))
            observer.finish()
            if status is None and plan.duration_s + plan.drain_s > self.env.now:
                state["draining"] = 1
                status = self.env.run(until=plan.duration_s + plan.drain_s)
            self.env.control(loop.FLUSH, 0)
        stopped = self._stopped(status)
        return Run(
            self.model.scenario,
            self.model.variant,
            self.replication,
            plan.seed,
            plan.warmup_s,
            plan.duration_s,
            stopped,
            self.env.now,
            collect.scopes(self.tables, observer),
            collect.gauges(observer),
            observer.series(),
            self.spool.close() if self.spool else None,
            int(state["events"]),
            time.perf_counter() - started,
            self.fault_episodes,
            pd.DataFrame(self.cluster.log, columns=list(CONTROL)),
            self.cluster.violations(),
        )

    def _strike(self, fault: Fault) -> Process:
        """The SimPy process of one fault."""
        for start_s, end_s in episodes(fault, self.model.run.seed, self.replication):
            yield self.env.at(start_s)
            if not fault.has_target(self.cluster):
                self.cluster.record("faults", "not_struck", fault.name, fault.target)
                continue
            fault.start(self.cluster)
            self.fault_episodes.append((fault.name, self.env.now, end_s))
            if end_s < float("inf"):
                yield self.env.at(end_s)
                fault.stop(self.cluster)

    def _stopped(self, status: int | None) -> str | None:
        """The sentence for a status that ended the run early."""
        now, state = self.env.now, self.tables.state
        if status == LIMIT:
            return (
                f"stopped at {now:.6g} s: more than {self.model.run.max_in_flight:,} requests in flight "
                f"(run.max_in_flight), most of them {self._fullest()}; more load is offered than can be served"
            )
        if status == FULL:
            return (
                f"stopped at {now:.6g} s: the kernel's tables are full ({int(state['tasks_used']):,} tasks, "
                f"{int(state['calls_used']):,} calls, {int(state['heap_length']):,} events), most {self._fullest()}"
            )
        if status == BROKEN:
            policy = self.tables.policies[int(state["bad_policy"]) - 1]
            raise PluginError(
                f"policy {policy}: picked endpoint {int(state['bad_pick'])} at {now:.6g} s; must be one of the `view` "
                "that it is given"
            )
        return None

    def _fullest(self) -> str:
        """Where most tasks are."""
        if self.tables.state["tasks_used"] < self.tables.state["in_flight"] // 2:
            return "waiting to be sent again"
        present = self.tables.state["instance"][: int(self.tables.state["instances"])]["in_system"]
        names = [f"instance {name}" for name in self.tables.instance_row]
        names += [f"the disk of {name}" for name in self.tables.disk_row]
        if self.tables.wires is not None:
            names += [f"the link from {sender} to {receiver}" for sender, receiver in self.tables.wires.stations]
        return f"at {names[int(np.argmax(present))]} ({int(present.max()):,} tasks)"


def simulate(
    model: Model,
    replication: int = 0,
    *,
    requests_path: Path | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run one replication. Raises DsimError for what cannot run; one stopped at a limit returns, with `stopped` set."""
    simulation = Simulation(model, replication, requests_path=requests_path, progress=progress)
    try:
        return simulation.run()
    finally:
        simulation.tables.release()
