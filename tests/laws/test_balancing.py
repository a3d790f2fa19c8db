"""Many servers behind one client: turns, the shorter of two queues, the best of d random ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.engine import simulate
from tests.laws import closed_forms as law
from tests.laws.estimate import Comparison, Measured, Replications, batch_mean, judge
from tests.laws.simulate import EFFORTS, FAST, Effort, hold, model_of


@pytest.mark.parametrize("effort", EFFORTS)
def test_round_robin(effort: Effort) -> None:
    """Dealing a Poisson stream in turn makes E_n/M/1 of each server: at load 0.9 and n = 2 not the 5.18 of D/M/1."""
    services = {"two": (2, 2.0), "four": (4, 4.0), "ten": (10, 10.0), "hundred": (100, 20.0)}

    def claims(runs: Replications, table: Comparison) -> None:
        for rho in (0.8, 0.9):
            for size, (n, service_s) in services.items():
                name, sigma = f"{size}_{100 * rho:.0f}", law.round_robin_sigma(rho, n)
                table.hold(f"{name} T", runs.mean(name), service_s / (1.0 - sigma))
                for q in (0.5, 0.99):
                    true = service_s * law.mm1_time_quantile(sigma, q)
                    table.hold(f"{name} T p{100 * q:g}", runs.quantile(name, q), true, tail=True)

    hold(model_of("round_robin"), effort, claims).close()


@pytest.mark.parametrize("effort", EFFORTS)
def test_shortest_queue_of_two(effort: Effort) -> None:
    """One client that knows its outstanding requests joins the shortest queue; one queue for both would be better."""

    def claims(runs: Replications, table: Comparison) -> None:
        for rho in (0.5, 0.7, 0.8, 0.9):
            name = f"load_{100 * rho:.0f}"
            table.hold(f"{name} T", runs.mean(name), law.shortest_queue_of_two(rho))
        assert runs.mean("load_50").value > 1.04 * (1.0 + law.mmc_wait(2, 0.5))

    hold(model_of("shortest_queue"), effort, claims).close()


SERVERS = 1000
WARMUP_S = 200.0
BATCHES = [pytest.param(12, 1, FAST.widest, id="fast"), pytest.param(40, 7, 0.02, id="slow", marks=pytest.mark.slow)]
"""How many, how much longer than in the fast variant, and how wide three standard errors may be."""


@pytest.mark.parametrize("rho, choices", [(0.5, 2), (0.7, 2), (0.8, 2), (0.9, 2), (0.95, 2), (0.9, 3), (0.95, 3)])
@pytest.mark.parametrize("batches, longer, widest", BATCHES)
def test_supermarket(rho: float, choices: int, batches: int, longer: int, widest: float) -> None:
    """The best of d random queues at n = 1000, by the means of batches that last five times the slowest mode.

    The run starts empty; 200 s later the fluid limit lacks at most 0.03 % (`test_closed_forms`). The closed form is the
    limit of infinitely many servers; at n = 1000 and load 0.95 T must be longer by 0.22 % for d = 2 and by 0.31 % for
    d = 3 (`supermarket_time_finite`), less at lower loads: within the tolerance of 1 %.
    """
    window_s = longer * max(5.0 * law.supermarket_slowest_mode_s(rho, choices), 30.0)
    overrides = {
        "traffic.users.arrivals": f"poisson({SERVERS * rho}/s)",
        "traffic.users.balance": f"{{power_of_two: {{choices: {choices}}}}}",
    }
    model = model_of("supermarket", overrides)

    def measure(look: int) -> Measured:
        duration_s = WARMUP_S + (1 + 2 * look) * batches * window_s
        plan = replace(model.run, warmup_s=WARMUP_S, duration_s=duration_s, window_s=window_s)
        return batch_mean(simulate(replace(model, run=plan), look), "users")

    def claims(measured: Measured, table: Comparison) -> None:
        for size, true in (
            ("infinite", law.supermarket_time(rho, choices)),
            (str(SERVERS), law.supermarket_time_finite(rho, choices, SERVERS)),
        ):
            table.hold(f"T at {rho}, d = {choices}, n = {size}", measured, true)

    judge(measure, claims, widest).close()


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("servers", [20, 100])
def test_supermarket_bias(effort: Effort, servers: int) -> None:
    """With fewer servers the bias shows: the corrected form holds, and at n = 20 the limit does not."""
    overrides = {
        "services.shop.instances": servers,
        "traffic.users.arrivals": f"poisson({0.9 * servers}/s)",
        "run.duration": f"{60_000 / servers + 200}s",
    }

    def claims(runs: Replications, table: Comparison) -> None:
        measured = runs.mean("users")
        table.hold("T", measured, law.supermarket_time_finite(0.9, 2, servers))
        assert servers > 20 or measured.value - 3.0 * measured.error > law.supermarket_time(0.9, 2)

    hold(model_of("supermarket", overrides), effort, claims).close()
