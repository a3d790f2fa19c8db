"""What a registry of five etcd members costs a scenario of 10⁶ requests, as a ratio to the same with fixed lists.

The cost is that of simulated time, not of requests: heartbeats, keep-alives of leases and clients' timers, some ten a
second each member and three each instance. So it depends on how many requests there are to a simulated second.
"""

from __future__ import annotations

import time
from pathlib import Path

REQUESTS = 1_000_000
INSTANCES = 10
MEMBERS = 5
ROUNDS = 5


def model(rate_per_s: float, registry: str | None):  # type: ignore[no-untyped-def]
    """Ten servers at load 0.9, which do their work as fast as so many requests a second ask for."""
    from sim.scenario import load

    duration_s = REQUESTS / rate_per_s
    settings = {
        "services.server.cpu": f"exponential({900.0 * INSTANCES / rate_per_s}ms)",
        "traffic.users.arrivals": f"poisson({rate_per_s}/s)",
        "traffic.users.balance": "power_of_two",
        "run.duration": f"{duration_s}s",
        "run.warmup": f"{duration_s / 10}s",
        "run.window": f"{duration_s / 50}s",
    }
    if registry is not None:
        settings["registry"] = registry
    scenario = load(Path(__file__).parent / "scenarios" / "servers.yaml", overrides=settings)
    return scenario.resolve(scenario.variants[0])


def ratio(rate_per_s: float) -> float:
    """CPU time with the registry over CPU time without, the best of interleaved rounds."""
    from sim.engine import simulate

    models = [model(rate_per_s, None), model(rate_per_s, f"{{etcd: {{members: {MEMBERS}}}}}")]
    best = [float("inf")] * 2
    for _ in range(ROUNDS):
        for which, made in enumerate(models):
            started = time.process_time()
            simulate(made)
            best[which] = min(best[which], time.process_time() - started)
    return best[1] / best[0]
