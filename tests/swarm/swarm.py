"""One random scenario, run in slices and with pauses, watched all the way. One line of knobs replays it exactly.

python -m tests.swarm.swarm --seed 7 --ties 0 --slices 31 --behaviours 2 ...
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from sim.engine import Simulation
from sim.kernel.codes import NONE, QUEUED, SILENT
from sim.model import Model
from sim.traffic import Trace
from tests.reference.generate import random_model
from tests.swarm.behaviours import with_behaviours
from tests.swarm.conservation import accounts_of, unbalanced
from tests.swarm.crashes import CrashWitness
from tests.swarm.invariants import broken
from tests.swarm.networks import CUT_REQUESTS, with_network
from tests.swarm.snapshot import Snapshot
from tests.swarm.wires import not_at_rest

SHOWN = 5


@dataclass(frozen=True)
class Knobs:
    seed: int
    """Of the random model."""
    ties: int = 0
    """1: many things happen at the same time."""
    slices: int = 1 << 20
    """Events after which the kernel returns, and everything is checked."""
    pauses: int = 10
    """Random times at which the control plane looks, and everything is checked."""
    behaviours: int = 0
    """Each so many-th endpoint is a behaviour; 0: none."""
    in_flight: int = 100_000
    """Requests in flight at which the run stops."""
    warmup: int = 0
    """Percent of the run before the cohort."""
    drain: int = 1
    """0: the run ends with its last arrival."""
    network: int = 0
    """Seed of a random network with its faults; 0: none."""
    cut: int = 0
    """Whether clients are cut off for good: 1 both ways, 2 they are not heard, 3 they do not hear."""

    def command(self) -> str:
        """What replays it."""
        changed = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        options = " ".join(f"--{name} {value}" for name, value in changed.items())
        return f"NUMBA_BOUNDSCHECK=1 python -m tests.swarm.swarm {options}"


def model_of(knobs: Knobs) -> Model:
    model = random_model(knobs.seed, bool(knobs.ties))
    if knobs.network:
        model = with_network(model, knobs.network, knobs.cut)
    if knobs.behaviours:
        model = with_behaviours(model, knobs.behaviours)
    plan = replace(
        model.run,
        warmup_s=model.run.duration_s * knobs.warmup / 100,
        max_in_flight=knobs.in_flight,
        drain_s=model.run.drain_s * knobs.drain,
    )
    return replace(model, run=plan)


def failures(knobs: Knobs) -> list[str]:
    """Run it; a sentence for each thing that was wrong, the earliest first."""
    with TemporaryDirectory() as folder, np.errstate(over="ignore"):
        return watch(Simulation(model_of(knobs), requests_path=Path(folder) / "rows", slice_events=knobs.slices), knobs)


def watch(simulation: Simulation, knobs: Knobs) -> list[str]:
    found: list[str] = []
    witness = CrashWitness(simulation)

    def look() -> None:
        if not found:
            found.extend(f"at {simulation.env.now} s: {sentence}" for sentence in broken(simulation.tables))
            witness.look()

    def visit() -> Iterator[Any]:
        times = random.Random(knobs.seed)
        for _ in range(knobs.pauses):
            yield simulation.env.timeout(times.uniform(0.0, 2.0 * simulation.model.run.duration_s / knobs.pauses))
            look()

    simulation.env.on_look = look
    simulation.env.process(visit())
    run = simulation.run()
    look()
    accounts = accounts_of(simulation, run)
    found += unbalanced(accounts)
    witness.finish(accounts.rows)
    found += witness.broken
    if knobs.network and knobs.cut:
        found += through_a_cut(simulation, accounts.rows, knobs.cut)
    elif (
        run.stopped is None
        and not probes(simulation)
        and all(isinstance(source.arrivals, Trace) for source in simulation.model.sources)
    ):
        found += left_over(simulation)
    return found


def probes(simulation: Simulation) -> bool:
    """Do connections probe each other for ever?"""
    return bool(simulation.tables.state["transport"]["probes"].any())


def through_a_cut(simulation: Simulation, rows: pd.DataFrame, cut: int) -> Iterator[str]:
    """Nothing that clients behind a cut have sent is ok; where they are not heard, nobody works for them."""
    cut_off = {source.name for source in simulation.model.sources if source.zone is not None}
    ok = rows[(rows["outcome"] == "ok") & rows["source"].isin(cut_off)]
    if len(ok):
        yield f"{len(ok)} requests of clients behind a cut are ok, the first of them {dict(ok.iloc[0])}"
    others = [source for source in simulation.model.sources if source.name not in cut_off]
    if cut <= CUT_REQUESTS and not others:
        arrived = int(simulation.tables.state["stat"]["offered"][: len(simulation.tables.endpoint_rows), 0].sum())
        if arrived:
            yield f"{arrived} requests have arrived, and all clients are behind a cut"


def left_over(simulation: Simulation) -> Iterator[str]:
    """Run on until nothing happens any more: no row is in use, but for those that wait for a dead host for ever, or
    for workers that wait for each other."""
    simulation.tables.state["draining"] = 0
    simulation.env.on_look = lambda: None
    for _ in range(2):  # the first time ends where the drain would have
        simulation.env.run()
    t = Snapshot(simulation.tables)
    yield from (f"at rest: {sentence}" for sentence in broken(simulation.tables))
    for name, count in (("events", t.heap.count), ("events due", t.ready.count), ("bursts", t.armed.count)):
        if count:
            yield f"at rest: {count} {name} left"
    silent = t.task.where(lambda row: t.task.state[row] == SILENT)
    if any(t.edge.timer[t.task.edge[row]] != NONE for row in silent):
        yield "at rest: an attempt with a timeout waits for a dead host"
    yield from (f"at rest: {sentence}" for sentence in not_at_rest(t))
    left = t.number("tasks_used"), t.number("calls_used"), t.number("in_flight")
    if any(left) and not silent and not t.number("paused") and QUEUED not in t.task.state:
        yield "at rest: {} tasks, {} calls and {} requests are left".format(*left)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.swarm.swarm", description=__doc__)
    for field in fields(Knobs):
        default = field.default if isinstance(field.default, int) else None
        parser.add_argument(f"--{field.name}", type=int, default=default, required=default is None)
    knobs = Knobs(**vars(parser.parse_args()))
    print(asdict(knobs), model_of(knobs).title, sep="\n")
    found = failures(knobs)
    print(*(found or ["nothing is wrong"]), sep="\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
