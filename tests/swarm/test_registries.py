"""Registries and locks under random faults keep what they promise, and broken ones are found out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim.protocols.raft import Raft
from sim.registries.etcd.lessor import Lessor
from tests.swarm import registries, registries_locks
from tests.swarm.registries import KINDS
from tests.swarm.registries_locks import STORES

SEEDS = 40
QUICK_KINDS = [kind for kind in KINDS if kind != "etcd_5"]
QUICK_STORES = ("etcd", "consul")


@pytest.mark.parametrize("kind", QUICK_KINDS)
def test_a_random_scenario_keeps_every_promise(kind: str) -> None:
    found, _ = registries.failures(kind, 0)
    assert not found, registries.told(kind, 0, found)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_random_scenarios_keep_every_promise(kind: str) -> None:
    for seed in range(1000, 1000 + SEEDS):
        found, _ = registries.failures(kind, seed)
        assert not found, registries.told(kind, seed, found)


def test_the_same_seed_gives_the_same_bits() -> None:
    assert registries.failures("redis", 1) == registries.failures("redis", 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bits_under_any_registry(kind: str) -> None:
    assert registries.failures(kind, 2) == registries.failures(kind, 2)


@pytest.mark.parametrize("store", QUICK_STORES)
def test_a_lock_keeps_its_promise(store: str) -> None:
    outcome = registries_locks.run(store, 1)
    assert not outcome.violations, registries_locks.told(store, 1, outcome)
    assert outcome.acquired > 10 and outcome.stale == 0


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES)
def test_locks_keep_their_promise(store: str) -> None:
    for seed in range(1000, 1000 + SEEDS):
        outcome = registries_locks.run(store, seed)
        assert not outcome.violations, registries_locks.told(store, seed, outcome)
        assert outcome.stale == 0


# Broken ones -------------------------------------------------------------------------------------------------------


def lock_stories(seeds: int, fencing: bool = True) -> Iterator[str]:
    for seed in range(seeds):
        yield from registries_locks.run("etcd", seed, fencing).violations


def test_a_resource_that_does_not_look_at_tokens_is_found_out() -> None:
    """Kleppmann's example: a holder stands still for longer than its lease."""
    assert any("a stale write of" in sentence for sentence in lock_stories(12, fencing=False))


def test_leases_that_end_too_early_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    granted = Lessor.granted
    monkeypatch.setattr(Lessor, "granted", lambda self, lease, ttl_s, now_s: granted(self, lease, 0.3 * ttl_s, now_s))
    assert any("is not linearizable: acquire" in sentence for sentence in lock_stories(8))


def test_leases_that_never_end_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead instance then stays in every view."""
    monkeypatch.setattr(Lessor, "expired", lambda self, now_s: [])
    found, _ = registries.failures("etcd", 0)
    assert any(f"{registries.DEAD}" in sentence and "at the end" in sentence for sentence in found)


@pytest.mark.slow
def test_commits_without_a_quorum_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that is alone goes on granting leases. The machine may notice by itself: then it stops."""
    monkeypatch.setattr(Raft, "quorum_index", lambda self: self.own_index)
    try:
        found = any(sentence.startswith("raft: ") for sentence in lock_stories(8))
    except AssertionError:
        return
    assert found
