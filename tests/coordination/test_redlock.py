"""Redlock, sentence by sentence of redis.io's "Distributed Locks with Redis", and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from sim.registries.redlock.locks import Redlocks
from sim.registries.redlock.settings import Settings
from tests.coordination.system import REDLOCK, Turns, model_of

GC = "{at: 2.1s, pause: worker-1, for: 10s}"


def turns_of(*failures: str, **settings: str) -> Turns:
    return Turns(model_of(*failures, store=REDLOCK, **settings))


def test_one_at_a_time() -> None:
    turns = turns_of(arrivals="constant(3/s)", duration="3s", lease="10s")
    held = list(zip(turns.times("acquired"), turns.times("released"), strict=False))
    assert len(held) >= 9
    assert all(until_s <= next_s for (_, until_s), (next_s, _) in pairwise(held))
    assert turns.run.violations == []


@pytest.mark.parametrize("dead, acquired", [(2, 20), (3, 0)])
def test_it_takes_a_majority_of_the_servers(dead: int, acquired: int) -> None:
    names = ", ".join(f"locks-{number}" for number in range(1, dead + 1))
    turns = turns_of(f"{{at: 100ms, crash: [{names}]}}", wait="1s")
    assert len(turns.times("acquired")) == acquired


def test_silent_servers_cost_a_short_timeout_each() -> None:
    """Two of five hosts are dead: 50 ms each, and the lock is had all the same."""
    turns = turns_of("{at: 100ms, crash: [control-1, control-2]}", duration="3s")
    assert turns.times("acquired")[0] == pytest.approx(2.0 + 2 * 0.05 + 3 * 0.001, abs=0.001)


def test_the_validity_is_what_is_left_of_the_lease_less_the_drift() -> None:
    settings = Settings(0.05, 0.01, 0.2, 0.05)
    assert settings.validity_s(10.0, 1.0) == pytest.approx(10.0 - 1.0 - 0.1 - 0.002)


def test_a_lock_that_took_its_lease_to_get_is_not_had() -> None:
    turns = turns_of("{at: 100ms, crash: [control-1, control-2]}", lease="80ms", wait="1s", duration="3s")
    assert turns.times("acquired") == []


def test_who_fails_gives_back_what_it_got_and_tries_again() -> None:
    """After 200 ms and up to 50 ms more."""
    turns = turns_of("{at: 100ms, crash: [locks-1, locks-2, locks-3], for: 2500ms}", duration="3s")
    [taken_s] = turns.times("acquired")
    assert 2.6 < taken_s < 2.6 + 0.3


def test_nothing_keeps_it_alive() -> None:
    """A job longer than the lease is overtaken, without any fault."""
    turns = turns_of(lease="1500ms", steps="[{io: 3s}, {call: ledger.write}]", arrivals="constant(1/s)", duration="9s")
    assert turns.times("expired")
    acquired, released = turns.times("acquired"), turns.times("released")
    assert any(next_s < taken_s + 3.0 for taken_s, next_s in pairwise(acquired))
    assert len(released) < len(acquired)


def test_a_holder_that_stood_still_writes_after_the_next_and_no_token_tells() -> None:
    for fencing in ("false", "true"):
        turns = turns_of(GC, fencing=fencing)
        assert len(turns.times("stale")) == 1
        assert turns.times("fenced") == []
        assert len(turns.run.violations) == 1


@pytest.mark.parametrize("leap, holders", [("5.5s", 2), ("1500ms", 1), ("-10s", 1)])
def test_clocks_that_are_set_forward_by_the_lease_hand_it_on(leap: str, holders: int) -> None:
    """Three of the five servers: a majority for somebody else, while the first still has its lock."""
    jump = f"{{at: 1.5s, clock_jump: [control-1, control-2, control-3], by: {leap}}}"
    turns = turns_of(jump, arrivals="constant(1/s)", steps="[{io: 2500ms}]", duration="2s")
    first_s = turns.times("acquired")[0]
    assert sum(at_s < first_s + 2.5 for at_s in turns.times("acquired")) == holders


def test_two_servers_are_not_enough_for_that() -> None:
    jump = "{at: 1.5s, clock_jump: [control-1, control-2], by: 6s}"
    turns = turns_of(jump, arrivals="constant(1/s)", steps="[{io: 2500ms}]", duration="2s")
    first_s = turns.times("acquired")[0]
    assert sum(at_s < first_s + 2.5 for at_s in turns.times("acquired")) == 1


def test_servers_that_come_back_empty_hand_it_on() -> None:
    """Without persistence and without a delayed restart, a crash of one voter is enough, where two others said no."""
    crashes = "{at: 1.5s, crash: [locks-1, locks-2, locks-3], for: 100ms}"
    turns = turns_of(crashes, arrivals="constant(1/s)", steps="[{io: 2500ms}]", duration="2s")
    first_s = turns.times("acquired")[0]
    assert sum(at_s < first_s + 2.5 for at_s in turns.times("acquired")) == 2


MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], object], Callable[[], object]]] = {
    "one server is enough": (
        lambda patch: patch.setattr(Redlocks, "majority", 1),
        lambda: test_it_takes_a_majority_of_the_servers(3, 0),
    ),
    "the time that it took does not count": (
        lambda patch: patch.setattr(Settings, "validity_s", lambda self, lease_s, elapsed_s: lease_s),
        test_a_lock_that_took_its_lease_to_get_is_not_had,
    ),
    "nothing is given back": (
        lambda patch: (
            patch.setattr(Redlocks, "give_back", lambda *_: None)
            or patch.setattr("sim.registries.redlock.locks.DeleteIfEqual", lambda key, value: _nothing(key))
        ),
        test_one_at_a_time,
    ),
}


def _nothing(key: str) -> object:
    from sim.registries.redlock.locks import SetIfAbsent

    return SetIfAbsent(key, "nobody", 0.0)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_found_out(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, law = MUTANTS[mutant]
    break_it(monkeypatch)
    with pytest.raises((AssertionError, ValueError)):
        law()
