"""Consul under random faults: the checks hold, and when all is quiet every client knows every instance again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.errors import DsimError
from tests.registries.story import Story, model_of

QUIET_FROM_S = 250.0
LEFT = ["app-1", "app-2", "app-3", "control-1", "front-1"]
RIGHT = [*(f"app-{k}" for k in range(4, 11)), "control-2", "control-3", "front-2", "front-3"]


def places(nodes: list[str]) -> str:
    return "[" + ", ".join(f"{{node: {name}}}" for name in nodes) + "]"


def fault(random: np.random.Generator) -> str:
    instance, server = random.integers(1, 11), random.integers(1, 4)
    what = random.choice(
        [
            f"crash: api-{instance}",
            f"crash: app-{instance}",
            f"crash: consul-agent-app-{instance}",
            f"crash: consul-{server}",
            f"crash: control-{server}",
            "crash: {leader: consul}",
            f"pause: api-{instance}",
            f"pause: consul-{server}",
            f"pause: control-{server}",
            f"restart: api-{instance}, graceful: true",
            f"partition: [{places(LEFT)}, {places(RIGHT)}]",
        ]
    )
    return f"{{at: {random.uniform(20, 200):.3f}s, {what}, for: {random.choice([2, 8, 20, 45])}s}}"


def run(seed: int) -> bool:
    """Whether the faults of a seed go together."""
    random = np.random.default_rng(seed)
    keys = f"consistency: {random.choice(['default', 'stale', 'consistent'])}, interval: 5s"
    registry = f"{{consul: {{nodes: control, raft_multiplier: {random.choice([1, 5])}, {keys}}}}}"
    faults = [fault(random) for _ in range(random.integers(2, 7))]
    try:
        model = model_of(registry, *faults, duration="9min", seed=seed + 1)
    except DsimError:
        return False
    story = Story(replace(model, checks=("raft", "swim", "views")))
    assert not story.cluster.violations(), f"seed {seed}: {faults}"
    everyone = {f"api-{k}" for k in range(1, 11)}
    for client in ("web-1", "web-2", "web-3"):
        known = set(story.cluster.view(client, "api"))
        assert known == everyone, f"seed {seed}: {client} does not know {everyone - known} after {faults}"
    return True


def test_a_few_seeds():
    assert sum(run(seed) for seed in range(2)) >= 1


@pytest.mark.slow
def test_many_seeds():
    assert sum(run(seed) for seed in range(2, 80)) >= 50
