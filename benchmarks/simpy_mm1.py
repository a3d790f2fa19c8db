"""The yardstick: M/M/1 in bare SimPy — a `Store`, one source, one server process — with only the mean measured."""

from __future__ import annotations

import random
from collections.abc import Generator

import simpy


def run(requests: int, load: float, seed: int) -> float:
    """Serve `requests` requests at offered load `load` (mean service 1 s); returns the mean sojourn in seconds."""
    env = simpy.Environment()
    queue: simpy.Store = simpy.Store(env)
    draws = random.Random(seed)
    total = 0.0

    def source() -> Generator[simpy.Event, None, None]:
        for _ in range(requests):
            yield env.timeout(draws.expovariate(load))
            queue.put(env.now)

    def server() -> Generator[simpy.Event, float, None]:
        nonlocal total
        for _ in range(requests):
            arrived = yield queue.get()
            yield env.timeout(draws.expovariate(1.0))
            total += env.now - arrived

    env.process(source())
    env.process(server())
    env.run()
    return total / requests
