"""One system whose workers take turns under a lock, and what its log says."""

from __future__ import annotations

import pandas as pd

from sim.engine import Simulation
from sim.model import Model
from sim.scenario import load_text

SYSTEM = """
scenario: turns
run: {{duration: {duration}, warmup: 0s, drain: 30s, window: {duration}, seed: {seed}}}
nodes: {{work: {{count: 3}}, books: {{}}, control: {{count: 5}}}}
network: {{same_zone: {{latency: 0.5ms}}}}
stores: {{locks: {store}}}
checks: [fencing{checks}]
services:
  worker:
    nodes: work
    instances: 3
    endpoints:
      main: {handler}
  ledger: {{nodes: books, endpoints: {{write: [{{guard: {{resource: ledger, fencing: {fencing}}}}}]}}}}
traffic:
  jobs: {{to: worker, arrivals: {arrivals}{source}}}
failures:
{failures}
"""
STEPS = "[{io: 1s}, {call: ledger.write}]"
ETCD = "{etcd: {nodes: control}}"
REDLOCK = "{redlock: {nodes: control}}"


def model_of(
    *failures: str,
    store: str = ETCD,
    fencing: str = "false",
    lease: str = "5s",
    wait: str = "20s",
    steps: str = STEPS,
    arrivals: str = "constant(0.5/s)",
    duration: str = "40s",
    seed: int = 1,
    source: str = "",
    handler: str = "[LOCK]",
) -> Model:
    """Jobs come at 2 s, 4 s, … to worker-1, worker-2, worker-3 in turn and hold the lock for 1 s, by default."""
    lock = f"{{lock: {{store: locks, key: orders, lease: {lease}, wait: {wait}, steps: {steps}}}}}"
    listed = "\n".join(f"  f{number}: {fault}" for number, fault in enumerate(failures))
    text = SYSTEM.format(
        store=store, fencing=fencing, handler=handler.replace("LOCK", lock), arrivals=arrivals, duration=duration,
        seed=seed, source=source, failures=listed, checks=", linearizable" if "etcd" in store else "",
    )  # fmt: skip
    return load_text(text if failures else text.replace("failures:\n", ""), "turns.yaml").resolve("baseline")


class Turns:
    """The log of one run."""

    def __init__(self, model: Model) -> None:
        self.simulation = Simulation(model)
        self.run = self.simulation.run()
        self.log: pd.DataFrame = self.run.control

    def times(self, event: str, subject: str | None = None) -> list[float]:
        found = self.log[self.log["event"] == event]
        return list(found["time_s"] if subject is None else found.loc[found["subject"] == subject, "time_s"])

    def tokens(self, event: str) -> list[int]:
        return [int(detail.split()[1]) for detail in self.log.loc[self.log["event"] == event, "detail"]]

    @property
    def outcomes(self) -> dict[str, int]:
        return {name: count for name, count in self.run.scope("source", "jobs").cohort.outcomes.items() if count}
