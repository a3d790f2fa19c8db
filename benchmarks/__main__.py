"""Measures dsim beside bare SimPy, round by round, and prints a table.

Each figure is the best of several interleaved rounds: on a shared machine the best round is the least disturbed one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import etcd, gossip, simpy_mm1
from sim.plugins import load_plugin

HERE = Path(__file__).parent
PLUGIN = HERE.parent / "scenarios" / "plugins" / "join_idle_queue.py"
ROUNDS = 5
SIMPY_REQUESTS = 20_000
POLICIES = 32
SERVERS = (10, 100, 1000)
MEMORY_REQUESTS = (1_000_000, 100_000_000)


def model_of(path: Path, variant: str | None = None):  # type: ignore[no-untyped-def]
    from sim.scenario import load

    scenario = load(path)
    return scenario.resolve(variant or scenario.variants[0])


def mm1(requests: int):  # type: ignore[no-untyped-def]
    """The M/M/1 scenario, cut to about so many requests."""
    model = model_of(HERE / "scenarios" / "mm1.yaml")
    duration_s = requests / 0.9
    plan = replace(model.run, duration_s=duration_s, warmup_s=duration_s / 10, window_s=duration_s / 50)
    return replace(model, run=plan)


def servers(count: int, requests: int, policy: str = "power_of_two"):  # type: ignore[no-untyped-def]
    """The scenario of many servers, at `count` servers and load 0.9, cut to about so many requests."""
    from sim.scenario import load

    rate = 90 * count
    settings = {
        "nodes.host.count": str(count),
        "services.server.instances": str(count),
        "traffic.users.arrivals": f"poisson({rate}/s)",
        "traffic.users.balance": policy,
        "run.duration": f"{requests / rate}s",
        "run.warmup": f"{requests / rate / 10}s",
        "run.window": f"{requests / rate / 50}s",
    }
    scenario = load(HERE / "scenarios" / "servers.yaml", overrides=settings)
    return scenario.resolve(scenario.variants[0])


def wired(count: int, requests: int, transport: str, **link: float):  # type: ignore[no-untyped-def]
    """The same over another transport, and links that lose or are narrow."""
    from sim.forms.transport import PRESETS
    from sim.model import Ideal, Tcp

    model = servers(count, requests)
    how = {"ideal": Ideal(), "tcp": Tcp(), **PRESETS}[transport]
    links = {pair: replace(between, **link) for pair, between in model.network.links.items()}
    sources = tuple(replace(source, policy=replace(source.policy, transport=how)) for source in model.sources)
    return replace(model, network=replace(model.network, links=links), sources=sources)


def speed(model) -> float:  # type: ignore[no-untyped-def]
    """Requests per second of wall time of one replication, from tables to results."""
    from sim.engine import simulate

    started = time.perf_counter()
    run = simulate(model)
    elapsed = time.perf_counter() - started
    return sum(scope.total.offered for scope in run.scopes if scope.kind == "source") / elapsed


def simpy_speed() -> float:
    started = time.perf_counter()
    simpy_mm1.run(SIMPY_REQUESTS, 0.9, seed=1)
    return SIMPY_REQUESTS / (time.perf_counter() - started)


def entry_cost_s() -> float:
    """Seconds that the control plane pays to enter and leave the kernel when nothing is due, with many policies."""
    from sim.balancing.compile import addresses
    from sim.balancing.policy import POLICIES as KNOWN
    from sim.engine import Simulation

    simulation = Simulation(mm1(1000))
    hooks = [address for policy in KNOWN.values() for address in addresses(policy).values()]
    for row in range(POLICIES):
        simulation.tables.state["policy"][row]["pick"] = hooks[row % len(hooks)]
    enter = simulation.env.run_kernel
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(10_000):
            enter(0.0)
        best = min(best, (time.perf_counter() - started) / 10_000)
    return best


def peak_memory_mib(requests: int) -> float:
    """Peak resident memory of a fresh process that simulates so many requests of the M/M/1."""
    command = [sys.executable, "-m", "benchmarks", "--memory", str(requests)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout)


def report_memory(requests: int) -> None:
    from sim.engine import simulate

    simulate(mm1(requests))
    status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent before exec
    print(next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")))


def report_zones(variant: str) -> None:
    """Seconds and MiB of a fresh process that reads, lowers and runs the scenario of ten thousand nodes."""
    from sim.engine import prepare, simulate

    prepare()
    started = time.perf_counter()
    simulate(model_of(HERE / "scenarios" / "zones.yaml", variant))
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    print(f"{time.perf_counter() - started:.1f} s, {peak:.0f} MiB")


def zones(variant: str) -> str:
    command = [sys.executable, "-m", "benchmarks", "--zones", variant]
    subprocess.run(command, check=True, capture_output=True, env=os.environ)  # the wire is compiled on first use
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout.strip()


def main() -> None:
    cases: list[tuple[str, Callable[[], float], float | None]] = [("(a) SimPy, bare M/M/1 at 0.9", simpy_speed, None)]
    mm1_model = mm1(6_000_000)
    cases.append(("(b) the same M/M/1, all metrics on", lambda: speed(mm1_model), 25.0))
    for count in SERVERS:
        model = servers(count, 10_000_000)
        asked = 8.0 if count == 1000 else None
        cases.append((f"(c) {count} servers, power of two, hops, timeouts", partial(speed, model), asked))
    lossy = {"loss": 1e-4, "bandwidth_bps": 1e11}
    for transport, link in (("ideal", lossy), ("tcp", {}), ("tcp", lossy), ("grpc-go@1.60", {})):
        model = wired(100, 3_000_000, transport, **link)
        what = f"{transport}, loss and bandwidth" if link else transport
        cases.append((f"(h) 100 servers, {what}", partial(speed, model), None))
    quickstart = model_of(HERE.parent / "scenarios" / "quickstart.yaml", "microservices")
    cases.append(("(d) quickstart", lambda: speed(quickstart), None))
    load_plugin(PLUGIN)
    for policy in ("least_outstanding", "join_idle_queue"):
        cases.append((f"(f) 10 servers, {policy}", partial(speed, servers(10, 1_000_000, policy)), None))
    for _, measure, _ in cases[1:]:
        measure()
    best = {name: 0.0 for name, _, _ in cases}
    for _ in range(ROUNDS):
        for name, measure, _ in cases:
            best[name] = max(best[name], measure())
    table = Table("what", "requests/s", "ratio to (a)", "asked for")
    simpy = best[cases[0][0]]
    for name, _, asked in cases:
        table.add_row(name, f"{best[name]:,.0f}", f"{best[name] / simpy:.1f}", f"≥ {asked:g}" if asked else "")
    console = Console(width=110)
    console.print(table)
    console.print(
        f"(e) entry from the control plane, {POLICIES} policies: {entry_cost_s() * 1e6:.2f} µs (asked for: ≤ 5)"
    )
    small, large = (peak_memory_mib(requests) for requests in MEMORY_REQUESTS)
    console.print(
        f"peak memory: {small:.0f} MiB at {MEMORY_REQUESTS[0]:.0e} requests, {large:.0f} MiB at "
        f"{MEMORY_REQUESTS[1]:.0e}: ratio {large / small:.3f} (asked for: ≤ 1.2)"
    )
    for variant in ("latencies", "links", "tcp"):
        console.print(
            f"(g) 10,000 nodes in 100 zones, 1e6 requests, {variant}: {zones(variant)} (asked for: ≤ 60 s, 2 GiB)"
        )
    gossip_s = min(gossip.seconds()[0] for _ in range(2))
    console.print(f"(i) 1000 members of a gossip group, 60 s in which one dies: {gossip_s:.1f} s (asked for: ≤ 30 s)")
    for rate_per_s, asked in ((90_000, " (asked for: ≤ 1.15)"), (9_000, "")):
        cost = etcd.ratio(rate_per_s)
        console.print(f"(j) 1e6 requests, {rate_per_s:,}/s, five members of etcd against none: {cost:.2f}{asked}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        report_memory(int(sys.argv[2]))
    elif sys.argv[1:2] == ["--zones"]:
        report_zones(sys.argv[2])
    else:
        main()
