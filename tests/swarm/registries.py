"""Random small systems under each registry and under random faults, with all checks on. A seed replays exactly.

python -m tests.swarm.registries --kind etcd --seed 7
python -m tests.swarm.registries --kind all --seed 0 --seeds 20
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sim.engine import Simulation
from sim.errors import ScenarioErrors
from sim.model import Model
from sim.scenario import load_text
from tests.swarm.conservation import accounts_of, unbalanced

QUIET_S = 50.0
"""No fault begins or lasts after it."""
INSTANCES = 4
CLIENTS = ("web-1", "web-2")
DEAD = f"api-{INSTANCES}"
"""Dies at some time and never comes back."""
FAULTS = 8
SHOWN = 5


@dataclass(frozen=True)
class Kind:
    """A registry with short times, so that a minute is long."""

    registry: str
    servers: tuple[str, ...]
    checks: str
    end_s: float = 150.0
    """By when every client must know exactly who lives."""
    notices: bool = True
    """Does it learn that an instance is dead?"""
    writes: bool = False
    """Has it a disk?"""


def numbered(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}-{number}" for number in range(1, count + 1))


AGENTS = (*(f"consul-agent-app-{n}" for n in range(1, INSTANCES + 1)), "consul-agent-front-1", "consul-agent-front-2")
KINDS = {
    "etcd": Kind(
        "{etcd@3.4: {nodes: control, lease: 3s, heartbeat: 100ms, election: 500ms}}",
        numbered("etcd", 3),
        "checks: [raft, views]",
        writes=True,
    ),
    "etcd_5": Kind(
        "{etcd@3.5: {nodes: control, members: 5, lease: 3s, heartbeat: 50ms, election: 1s, reads: serializable}}",
        numbered("etcd", 5),
        "checks: [raft, views]",
        writes=True,
    ),
    "consul": Kind(
        "{consul: {nodes: control, raft_multiplier: 1, interval: 2s, consistency: stale}}",
        (*numbered("consul", 3), *AGENTS),
        "checks: [raft, swim, views]",
        end_s=250.0,
        writes=True,
    ),
    "eureka": Kind(
        "{eureka: {servers: 3, nodes: control, renew: 2s, lease: 4s, fetch: 2s, register_after: 1s, evict: 3s,"
        " balancer_refresh: 2s, response_cache: 2s, expected_renewal: 2s, self_preservation: false,"
        " wait_when_empty: 5s}}",
        numbered("eureka", 3),
        "",
        end_s=300.0,
    ),
    "kubernetes": Kind(
        "{kubernetes: {servers: 3, nodes: control, period: 2s, grace: 6s, lease: 2s, monitor: 1s, status_sync: 3s}}",
        numbered("kubernetes", 3),
        "checks: [raft]",
        writes=True,
    ),
    "redis": Kind(
        "{redis: {nodes: control, ttl: 6s, refresh: 2s, poll: 2s, down_after: 2s, failover_timeout: 5s, timeout: 1s}}",
        ("redis-1", "redis-2", "redis-3", "redis-sentinel-1", "redis-sentinel-2"),
        "",
        writes=True,
    ),
    "go_micro": Kind(
        "{go_micro: {nodes: control, ttl: 6s, interval: 2s, cache: 4s, retry: 1s, timeout: 1s}}",
        ("go_micro-1",),
        "",
    ),
    "dns": Kind(
        "{dns: {nodes: control, members: 2, ttl: 5s}}",
        numbered("dns", 2),
        "",
        notices=False,
    ),
}

SYSTEM = """
scenario: swarm
run: {{duration: {end}s, warmup: 0s, drain: 2s, window: 10s, seed: {seed}, record: all}}
nodes:
  app: {{count: {instances}}}
  front: {{count: 2}}
  control: {{count: 5{disk}}}
network: {{same_zone: {{latency: exponential(500us)}}}}
services:
  web: {{nodes: front, instances: 2, registry: static, steps: [{{call: api}}]}}
  api: {{nodes: app, instances: {instances}, cpu: exponential(1ms)}}
defaults: {{calls: {{timeout: 200ms, retry: {{attempts: 2}}}}}}
registry: {registry}
{checks}
traffic:
  users: {{to: web, arrivals: poisson(5/s), timeout: 1s}}
failures:
{failures}
"""


def fault(kind: Kind, dice: random.Random) -> str:
    machines = [*numbered("app", INSTANCES), *numbered("control", 5), *numbered("front", 2)]
    hosts = [*kind.servers, *kind.servers, *numbered("api", INSTANCES - 1), *CLIENTS, *machines]
    at_s = dice.uniform(1.0, QUIET_S - 5.0)
    when = f"at: {at_s:.3f}s, for: {dice.uniform(0.1, QUIET_S - at_s):.3f}s"
    apart = sorted(dice.sample(machines, 3))
    sides = [[name for name in machines if (name in apart) == inside] for inside in (True, False)]
    few, many = ("[" + ", ".join(f"{{node: {name}}}" for name in side) + "]" for side in sides)
    what = dice.choice(
        (
            f"crash: {dice.choice(hosts)}",
            f"crash: {dice.choice(hosts)}",
            f"crash: {{leader: {kind.servers[0].rpartition('-')[0]}}}",
            f"pause: {dice.choice(hosts)}",
            f"restart: {dice.choice(numbered('api', INSTANCES - 1))}, graceful: true",
            f"partition: [{few}, {many}]",
            f"partition: {{from: {few}, to: {many}}}",
            f"loss: {dice.choice((1, 5, 20))}%",
            "latency: exponential(20ms)",
            f"slow_disk: {dice.choice(numbered('control', 5))}, factor: 0.05",
        )
    )
    return f"{{{what}, {when}}}"


def text_of(kind: Kind, seed: int, failures: list[str]) -> str:
    listed = "\n".join(f"  f{number}: {failure}" for number, failure in enumerate(failures))
    return SYSTEM.format(
        end=kind.end_s,
        seed=seed,
        instances=INSTANCES,
        registry=kind.registry,
        checks=kind.checks,
        disk=", disk: {fsync: exponential(2ms)}" if kind.writes else "",
        failures=listed,
    )


def scenario(name: str, seed: int) -> str:
    """With those of the random faults that can happen together."""
    kind, dice = KINDS[name], random.Random(f"{name} {seed}")
    chosen = [f"{{crash: {DEAD}, at: {dice.uniform(5.0, QUIET_S):.3f}s}}"] if kind.notices else []
    for _ in range(5 * FAULTS):
        one = fault(kind, dice)
        if len(chosen) < FAULTS and is_possible(text_of(kind, seed, [*chosen, one])):
            chosen.append(one)
    assert len(chosen) == FAULTS, f"{name}, seed {seed}: only {chosen}"
    return text_of(kind, seed, chosen)


def is_possible(text: str) -> bool:
    """Some faults cannot happen together, or not to this registry."""
    try:
        model_of(text)
    except ScenarioErrors:
        return False
    return True


def model_of(text: str) -> Model:
    return load_text(text, "swarm.yaml").resolve("baseline")


def failures(name: str, seed: int) -> tuple[list[str], list[object]]:
    """Run it: a sentence for each thing that is wrong, and what a second run must do again."""
    kind, text = KINDS[name], scenario(name, seed)
    found: list[str] = []
    with TemporaryDirectory() as folder, np.errstate(over="ignore"):
        simulation = Simulation(model_of(text), requests_path=Path(folder) / "rows")
        run = simulation.run()
        found += simulation.cluster.violations()
        found += unbalanced(accounts_of(simulation, run))
        alive = set(numbered("api", INSTANCES)) - ({DEAD} if kind.notices else set())
        for client in CLIENTS:
            known = simulation.cluster.view(client, "api")
            if set(known) != alive or len(known) != len(alive):
                found.append(f"{client} knows {', '.join(known)} at the end; alive are {', '.join(sorted(alive))}")
    log = list(run.control.itertuples(index=False, name=None))
    return found, [*log, [(scope.kind, scope.name, scope.total) for scope in run.scopes]]


def command(name: str, seed: int) -> str:
    return f"python -m tests.swarm.registries --kind {name} --seed {seed}"


def told(name: str, seed: int, found: list[str]) -> str:
    return "\n".join([f"replay: {command(name, seed)}", *found[:SHOWN]])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.swarm.registries", description=__doc__)
    parser.add_argument("--kind", choices=[*KINDS, "all"], required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    wrong = 0
    for name in KINDS if asked.kind == "all" else [asked.kind]:
        began_s = time.perf_counter()
        for seed in range(asked.seed, asked.seed + asked.seeds):
            if asked.seeds == 1:
                print(scenario(name, seed))
            found, _ = failures(name, seed)
            if found:
                wrong += 1
                print(told(name, seed, found))
        print(f"{name}: {asked.seeds} seeds in {time.perf_counter() - began_s:.1f} s")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
