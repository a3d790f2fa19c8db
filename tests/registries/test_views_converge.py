"""Whatever breaks: when all of it is mended, every client soon knows exactly the instances that live."""

from __future__ import annotations

import numpy as np
import pytest

from sim.errors import ScenarioErrors
from sim.model import Model
from tests.registries.story import Story, model_of

QUIET_S, SOON_S = 60.0, 100.0
EUREKA_STARTS_S = 150.0
"""Servers that start together ask each other for what they know, five times every 30 s, and serve nobody meanwhile."""
KINDS = {
    "eureka": (
        "{eureka: {servers: 3, nodes: control, renew: 2s, lease: 4s, fetch: 2s, register_after: 1s, evict: 3s,"
        " balancer_refresh: 2s, response_cache: 2s, expected_renewal: 2s, self_preservation: false,"
        " wait_when_empty: 5s}}"
    ),
    "kubernetes": (
        "{kubernetes: {servers: 3, nodes: control, period: 2s, grace: 6s, lease: 2s, monitor: 1s, status_sync: 3s}}"
    ),
    "redis": (
        "{redis: {nodes: control, ttl: 6s, refresh: 2s, poll: 2s, down_after: 2s, failover_timeout: 5s, timeout: 1s}}"
    ),
    "go_micro": "{go_micro: {nodes: control, ttl: 6s, interval: 2s, cache: 4s, retry: 1s, timeout: 1s}}",
}
SERVERS = {
    "eureka": [f"eureka-{n}" for n in (1, 2, 3)],
    "kubernetes": [f"kubernetes-{n}" for n in (1, 2, 3)],
    "redis": ["redis-1", "redis-2", "redis-3", "redis-sentinel-1", "redis-sentinel-2"],
    "go_micro": ["go_micro-1"],
}
DEAD = "api-10"


def faults_of(kind: str, seed: int) -> list[str]:
    """Ten at random, over after a minute, and one instance that dies in the midst of it for good."""
    rng = np.random.default_rng(seed)
    instances = [f"api-{n}" for n in range(1, 10)] + [f"web-{n}" for n in (1, 2, 3)]
    machines = [f"app-{n}" for n in range(1, 10)] + [f"control-{n}" for n in range(1, 6)] + ["front-1"]
    found = [f"{{at: {rng.uniform(5, 50):.3f}s, crash: {DEAD}}}"]
    for _ in range(10):
        at_s = rng.uniform(1.0, QUIET_S - 15.0)
        lasts_s = rng.uniform(0.2, QUIET_S - at_s)
        when = f"at: {at_s:.3f}s, for: {lasts_s:.3f}s"
        victim = rng.choice([*instances, *SERVERS[kind], *SERVERS[kind], *machines])
        match rng.choice(["crash", "pause", "restart", "partition"]):
            case "partition":
                cut = sorted({str(rng.choice(machines)) for _ in range(3)})
                rest = [name for name in machines if name not in cut]
                sides = ", ".join(f"[{', '.join(f'{{node: {n}}}' for n in side)}]" for side in (cut, rest))
                found.append(f"{{partition: [{sides}], {when}}}")
            case "restart" if victim not in machines:
                found.append(f"{{restart: {victim}, graceful: true, {when}}}")
            case "pause":
                found.append(f"{{pause: {victim}, {when}}}")
            case _:
                found.append(f"{{crash: {victim}, {when}}}")
    return found


def broken(kind: str, seed: int) -> Model:
    """With those of the faults that can happen together."""
    chosen: list[str] = []
    duration = f"{QUIET_S + SOON_S + (EUREKA_STARTS_S if kind == 'eureka' else 0.0):.0f}s"
    model = None
    for fault in faults_of(kind, seed):
        try:
            model = model_of(KINDS[kind], *chosen, fault, duration=duration, seed=seed)
        except ScenarioErrors:
            continue
        chosen.append(fault)
    assert model is not None
    assert len(model.faults) > 3, f"{kind}, seed {seed}: hardly anything breaks"
    return model


def check(kind: str, seed: int) -> None:
    story = Story(broken(kind, seed))
    alive = tuple(f"api-{n}" for n in range(1, 10))
    for client in ("web-1", "web-2", "web-3"):
        known = story.cluster.view(client, "api")
        assert tuple(sorted(known)) == alive, f"{kind}, seed {seed}: {client} knows {', '.join(known)}"


@pytest.mark.parametrize("kind", KINDS)
def test_views_converge(kind: str) -> None:
    for seed in range(1, 3):
        check(kind, seed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_views_converge_whatever_breaks(kind: str) -> None:
    for seed in range(100, 200):
        check(kind, seed)
