"""Same file, seed and versions: the same bits, however the run is carried out (contract 2)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sim.balancing import POLICIES
from sim.distributions import DISTRIBUTIONS
from sim.engine import Simulation
from sim.experiment import run_scenario
from sim.kernel.hooks import INTERPRETED
from sim.steps import KINDS
from sim.steps.guard import Guard
from sim.steps.leads import Leads
from sim.steps.lock import Lock
from sim.steps.replicate import Replicate
from sim.traffic import ARRIVALS
from tests.contracts.fingerprint import (
    Fingerprint,
    differences,
    everything,
    fingerprint,
    in_new_process,
    run_of,
)

RANDOM = ("random:36", "random:37", "random:57", "random:116", "random:136")
NAMES = ("everything:as_it_is", *RANDOM)


@cache
def whole(name: str) -> Fingerprint:
    """The run to which the others are held: compiled, in this process, in one piece."""
    return run_of(name)


def events_of(name: str) -> int:
    return int(whole(name)["events"])


def all_in(thing: Any) -> Iterator[Any]:
    """Every object of a model."""
    yield thing
    inner = [getattr(thing, name) for name in getattr(thing, "__dataclass_fields__", ())]
    for part in inner or (
        thing if isinstance(thing, tuple | list) else thing.values() if isinstance(thing, dict) else ()
    ):
        yield from all_in(part)


def test_everything_is_everything() -> None:
    """The scenario uses each step, policy, arrival process and distribution that is registered, but for those that
    need a store: its daemons cut runs into slices of their own. `tests/engine` compares replicated writes."""
    found = list(all_in(everything().resolve("as_it_is")))
    classes = {type(thing) for thing in found}
    balances = {thing.policy for thing in found if type(thing).__name__ == "Balance"}
    written = [kind for kind in KINDS if kind not in (Guard, Leads, Lock, Replicate)]
    unused = [cls.__name__ for cls in (*written, *ARRIVALS.values(), *DISTRIBUTIONS.values()) if cls not in classes]
    built_in = {name for name, policy in POLICIES.items() if policy.__module__.startswith("sim.")}
    assert not unused
    assert built_in | {"shortest_true_queue"} <= balances


@pytest.mark.skipif(INTERPRETED, reason="compares with compiled runs")
def test_compiled_or_interpreted() -> None:
    interpreted = in_new_process(NAMES, NUMBA_DISABLE_JIT="1")
    assert not {name: differences(whole(name), interpreted[name]) for name in NAMES if whole(name) != interpreted[name]}


def test_in_another_process() -> None:
    """Where sets, and dictionaries by hash, have another order."""
    again = in_new_process(NAMES, PYTHONHASHSEED="12345")
    assert not {name: differences(whole(name), again[name]) for name in NAMES if whole(name) != again[name]}


@pytest.mark.parametrize("name", NAMES)
def test_whole_or_in_a_thousand_slices(name: str) -> None:
    slices = 0

    def count(simulation: Simulation) -> None:
        def another() -> None:
            nonlocal slices
            slices += 1

        simulation.env.on_look = another

    sliced = run_of(name, max(events_of(name) // 2000, 1), count)
    assert slices >= min(1000, 0.9 * events_of(name))
    assert not differences(whole(name), sliced)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_else_the_control_plane_looks_at(name: str) -> None:
    """A process that wakes up a thousand times to do nothing splits the kernel's run at times of its own."""
    wakes = 0

    def watch(simulation: Simulation) -> Iterator[Any]:
        nonlocal wakes
        while True:
            yield simulation.env.timeout(0.00137)
            wakes += 1

    disturbed = run_of(name, disturb=lambda simulation: simulation.env.process(watch(simulation)))
    assert wakes >= 500
    assert not differences(whole(name), disturbed)


def test_one_worker_or_two(tmp_path: Path) -> None:
    runs = [run_scenario(everything(), workers=workers, directory=tmp_path / str(workers)).runs for workers in (1, 2)]
    assert len(runs[0]) == 4
    for one, two in zip(*runs, strict=True):
        assert not differences(fingerprint(one), fingerprint(two))
        assert one.requests is not None
    assert not differences(fingerprint(runs[0][0]), whole("everything:as_it_is"))


@pytest.mark.parametrize("replication, seed", [(1, None), (0, 12)], ids=["replication", "seed"])
def test_the_fingerprint_is_not_blind(replication: int, seed: int | None, tmp_path: Path) -> None:
    """Another replication and another seed change each part of it."""
    results = run_scenario(everything(), variants=["as_it_is"], seed=seed, replications=2, directory=tmp_path / "out")
    other = fingerprint(results.runs[replication])
    same = set(whole("everything:as_it_is").items()) & set(other.items())
    parts = ("moments", "histogram", "averages", "series offered", "requests latency_s", "requests intended_s")
    assert not [what for what, _ in same if what.endswith(parts)]
