"""Random lives of a lock: workers take turns with a guarded ledger while they, the store and the network fail.

python -m tests.swarm.registries_locks --store etcd --seed 7
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass

import numpy as np

from sim.engine import Simulation
from sim.scenario import load_text
from tests.swarm.registries import SHOWN, is_possible, numbered

STORES = {
    "etcd": ("{etcd@3.4: {nodes: control, heartbeat: 100ms, election: 500ms}}", "[raft, linearizable, fencing]", 3.0),
    "etcd_5": ("{etcd@3.5: {nodes: control, members: 5}}", "[raft, linearizable, fencing]", 3.0),
    "consul": ("{consul: {nodes: control, raft_multiplier: 1}}", "[raft, linearizable]", 10.0),
}
"""The store, which checks can be held against it, and the time of the lease in s."""
FAULTS = 10
SERVERS = 3
"""Nodes on which each store has a member."""
SYSTEM = """
scenario: locks
run: {{duration: 90s, warmup: 0s, drain: 20s, window: 10s, seed: {seed}}}
nodes:
  work: {{count: 3}}
  books: {{}}
  control: {{count: 5, disk: {{fsync: exponential(2ms)}}}}
network: {{same_zone: {{latency: exponential(500us)}}}}
stores: {{locks: {store}}}
checks: {checks}
services:
  worker:
    nodes: work
    instances: 3
    steps:
      - lock:
          store: locks
          key: orders
          lease: {lease}s
          wait: 10s
          steps: [{{io: exponential(300ms)}}, {{call: ledger}}]
  ledger: {{nodes: books, steps: [{{guard: {{resource: ledger, fencing: {fencing}}}}}]}}
traffic:
  jobs: {{to: worker, arrivals: poisson(2/s)}}
failures:
{failures}
"""


@dataclass
class Outcome:
    violations: list[str]
    acquired: int
    stale: int
    fenced: int


def fault(dice: random.Random, lease_s: float) -> str:
    members = numbered("control", SERVERS)
    workers = numbered("worker", 3)
    few = sorted(dice.sample([*members, *numbered("work", 3)], 3))
    rest = [name for name in (*members, *numbered("work", 3), "books-1") if name not in few]
    sides = ", ".join("[" + ", ".join(f"{{node: {name}}}" for name in side) + "]" for side in (few, rest))
    at_s = dice.uniform(2.0, 75.0)
    lasts_s = lease_s * dice.choice((0.1, 0.7, 1.7, 2.7))
    what = dice.choice(
        (
            f"pause: {dice.choice(workers)}",
            f"pause: {dice.choice(workers)}",
            f"pause: {dice.choice(workers)}",
            f"crash: {dice.choice(workers)}",
            f"crash: {dice.choice(members)}",
            "crash: {leader: locks}",
            f"partition: [{sides}]",
            f"slow_disk: {dice.choice(members)}, factor: 0.02",
            f"loss: {dice.choice((1, 10))}%",
        )
    )
    return f"{{{what}, at: {at_s:.3f}s, for: {lasts_s:.3f}s}}"


def scenario(store: str, seed: int, fencing: bool = True) -> str:
    text, checks, lease_s = STORES[store]
    dice = random.Random(f"{store} {seed}")
    guard = str(fencing).lower()

    def written(failures: list[str]) -> str:
        listed = "\n".join(f"  f{number}: {failure}" for number, failure in enumerate(failures))
        return SYSTEM.format(seed=seed, store=text, checks=checks, failures=listed, fencing=guard, lease=lease_s)

    chosen: list[str] = []
    for _ in range(5 * FAULTS):
        one = fault(dice, lease_s)
        if len(chosen) < FAULTS and is_possible(written([*chosen, one])):
            chosen.append(one)
    assert len(chosen) == FAULTS, f"{store}, seed {seed}: only {chosen}"
    return written(chosen)


def run(store: str, seed: int, fencing: bool = True) -> Outcome:
    model = load_text(scenario(store, seed, fencing), "locks.yaml").resolve("baseline")
    with np.errstate(over="ignore"):
        simulation = Simulation(model)
        events = simulation.run().control["event"].value_counts()
    count = {name: int(events.get(name, 0)) for name in ("acquired", "stale", "fenced")}
    return Outcome(simulation.cluster.violations(), **count)


def told(store: str, seed: int, outcome: Outcome) -> str:
    replay = f"replay: python -m tests.swarm.registries_locks --store {store} --seed {seed}"
    return "\n".join([replay, *outcome.violations[:SHOWN]])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.swarm.registries_locks", description=__doc__)
    parser.add_argument("--store", choices=STORES, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    wrong = 0
    for seed in range(asked.seed, asked.seed + asked.seeds):
        outcome = run(asked.store, seed)
        if asked.seeds == 1:
            print(scenario(asked.store, seed))
        print(outcome)
        if outcome.violations:
            wrong += 1
            print(told(asked.store, seed, outcome))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
