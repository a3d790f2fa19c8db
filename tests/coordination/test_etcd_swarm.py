"""Locks and registrations in one etcd under faults at random: whatever happens, the checks find nothing.

The seed draws the faults, and all else. Replay: `swarm(SEED).run.violations`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from sim.engine import Simulation
from sim.engine.run import Run
from sim.registries.etcd.lessor import Lessor
from sim.registries.etcd.locks import EtcdAttempt
from sim.scenario import load_text
from sim.steps.guard import Seen

SYSTEM = """
scenario: swarm
run: {{duration: 60s, warmup: 0s, drain: 20s, window: 60s, seed: {seed}}}
nodes:
  work: {{count: 3, zones: [a, b]}}
  books: {{}}
  control: {{count: 3, zones: [a, b, c], disk: {{fsync: exponential(2ms)}}}}
network: {{same_zone: {{latency: 0.5ms, loss: 0.5%}}, across_zones: {{latency: 2ms}}}}
registry: {{etcd@{version}: {{nodes: control, lease: 4s}}}}
checks: [raft, linearizable, fencing, views]
services:
  worker:
    nodes: work
    instances: 3
    steps:
      - lock: {{store: etcd, key: orders, lease: 3s, wait: 10s, steps: [{{io: exponential(300ms)}}, {{call: ledger}}]}}
  ledger: {{nodes: books, instances: 2, steps: [{{guard: {{resource: ledger, fencing: true}}}}]}}
traffic: {{jobs: {{to: worker, from: {{zone: a}}, arrivals: poisson(3/s), timeout: 15s}}}}
{faults}
"""
CHAOS = "chaos: {{mix: {mix}, every: exponential(3s), lasting: exponential(4s), seed: {seed}}}"
MIXES = ("everything", "fail_stop", "network")
FAST, SLOW = (0, 1, 16), range(2, 120)


def swarm(seed: int, faults: str | None = None) -> Run:
    chaos = CHAOS.format(mix=MIXES[seed % 3], seed=seed)
    text = SYSTEM.format(seed=seed, version=("3.4", "3.5")[seed % 2], faults=chaos if faults is None else faults)
    return Simulation(load_text(text, "swarm.yaml").resolve("baseline")).run()


def check(seeds: Sequence[int]) -> None:
    seen = dict.fromkeys(("elected", "acquired", "expired", "registered", "down"), 0)
    for seed in seeds:
        run = swarm(seed)
        assert run.violations == [], f"seed {seed}"
        for event in seen:
            seen[event] += int((run.control["event"] == event).sum())
    assert seen["elected"] > 2 * len(seeds)
    assert seen["acquired"] > 20 * len(seeds)
    assert seen["expired"] > len(seeds) and seen["registered"] and seen["down"]


def test_nothing_goes_wrong() -> None:
    check(FAST)


@pytest.mark.slow
def test_nothing_goes_wrong_for_long() -> None:
    check(SLOW)


def early(self: Lessor, now_s: float) -> list[str]:
    return ends(self, now_s + 2.0)


ends = Lessor.expired


class Forgetful(Seen):
    """A resource that never saw anything."""

    @property  # type: ignore[override]
    def order(self) -> int:
        return 0

    @order.setter
    def order(self, value: int) -> None:
        pass


PAUSES = "failures: {gc: {pause: [work-1, work-2, work-3], mtbf: exponential(10s), mttr: 6s}}"
MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], object], str]] = {
    "leases end early": (lambda patch: patch.setattr(Lessor, "expired", early), "linearizable"),
    "who waits does not": (
        lambda patch: patch.setattr(EtcdAttempt, "_wait_for", lambda self, before, revision: self._acquire()),
        "linearizable",
    ),
    "the fencing check is skipped": (lambda patch: patch.setattr("sim.steps.guard.Seen", Forgetful), "fencing"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_found_out(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, check_name = MUTANTS[mutant]
    assert swarm(1, PAUSES).violations == []
    break_it(monkeypatch)
    assert any(sentence.startswith(check_name) for seed in range(1, 5) for sentence in swarm(seed, PAUSES).violations)
