"""Locks of etcd's concurrency package: who has them, when they are handed on, what a holder that stood still does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.registries.etcd.keys import Create, Result, Store
from sim.registries.etcd.locks import EtcdAttempt
from sim.registries.session_locks import SessionHolding
from sim.steps.guard import Seen
from tests.coordination.system import Turns, model_of

TRIP_S = 0.02
"""More than the messages of one step of the protocol take here."""
GC = "{at: 2.1s, pause: worker-1, for: 10s}"
"""worker-1 has had the lock for 0.1 s, of 1 s."""


def test_one_after_the_other() -> None:
    """All want it at once: it is held by one at a time, in the order in which their keys were created."""
    turns = Turns(model_of(arrivals="constant(6/s)", duration="1s"))
    acquired, released = turns.times("acquired"), turns.times("released")
    assert len(acquired) == 6
    assert turns.tokens("acquired") == sorted(turns.tokens("acquired"))
    for free_s, taken_s in zip(released, acquired[1:], strict=False):
        assert 0.0 < taken_s - free_s < TRIP_S, "the next hears of the end by its watch"
    assert turns.run.violations == []
    assert turns.outcomes == {"ok": 6}


def test_who_does_not_get_it_in_time_fails() -> None:
    turns = Turns(model_of(arrivals="constant(6/s)", duration="1s", wait="2s"))
    assert turns.outcomes == {"ok": 3, "error": 3}


def test_steps_that_fail_give_it_back() -> None:
    turns = Turns(model_of(steps="[{io: 100ms}, {fail: 100%}]", duration="10s"))
    assert turns.outcomes == {"error": 5}
    assert len(turns.times("released")) == 5


def test_a_handler_that_is_cancelled_releases_what_it_held() -> None:
    """The race is over after 500 ms; who lost it unlocks on its way out."""
    race = "[{parallel: {of: [{io: 500ms}, LOCK], need: 1, rest: cancel}}]"
    turns = Turns(model_of(handler=race, duration="9s"))
    assert turns.outcomes == {"ok": 4}
    assert len(turns.times("acquired")) == 4
    for taken_s, free_s in zip(turns.times("acquired"), turns.times("released"), strict=True):
        assert 0.4 < free_s - taken_s < 0.5 + TRIP_S


def test_a_holder_that_dies_keeps_it_for_the_rest_of_its_lease() -> None:
    """Its process is killed 0.1 s after it got the lock; its lease was granted a little before that."""
    turns = Turns(model_of("{at: 2.1s, crash: worker-1, for: 2s}"))
    [expired_s] = turns.times("expired", "worker-1")
    taken_s = turns.times("acquired", "worker-1")[0]
    assert 5.0 - TRIP_S < expired_s - taken_s < 5.0 + 0.5 + TRIP_S
    after_s = next(at_s for at_s in turns.times("acquired") if at_s > taken_s)
    assert 0.0 < after_s - expired_s < TRIP_S
    assert turns.run.violations == []


def test_a_holder_that_lives_keeps_it_for_longer_than_its_lease() -> None:
    turns = Turns(model_of(steps="[{io: 12s}]", duration="3s", wait="1min"))
    [held] = [b - a for a, b in zip(turns.times("acquired"), turns.times("released"), strict=True)]
    assert held == pytest.approx(12.0, abs=TRIP_S)
    assert turns.times("expired") == turns.times("lost") == []


def test_a_holder_that_stood_still_writes_after_the_next() -> None:
    turns = Turns(model_of(GC))
    [expired_s] = turns.times("expired")
    assert 5.0 - TRIP_S < expired_s - 2.0 < 5.0 + 0.5 + TRIP_S
    assert turns.times("lost") == [12.1], "it learns when it goes on, too late"
    [stale_s] = turns.times("stale")
    assert 12.1 < stale_s < 13.1
    [sentence] = turns.run.violations
    assert "a stale write of worker-1" in sentence


def test_its_token_gives_it_away() -> None:
    turns = Turns(model_of(GC, fencing="true"))
    assert turns.times("stale") == []
    [token] = turns.tokens("fenced")
    assert token == turns.tokens("acquired")[0]
    assert turns.run.violations == []
    assert turns.outcomes["error"] == 1


def test_a_pause_shorter_than_the_lease_harms_nobody() -> None:
    turns = Turns(model_of("{at: 2.1s, pause: worker-1, for: 4s}"))
    assert turns.times("expired") == turns.times("stale") == []
    assert turns.run.violations == []


def test_without_a_quorum_nobody_gets_it_and_the_holder_loses_it_unknown_to_all() -> None:
    """What the holder does meanwhile is done under a lock that nobody else can have."""
    turns = Turns(model_of("{at: 2.1s, crash: [locks-1, locks-2], for: 20s}", wait="5s"))
    assert not [at_s for at_s in turns.times("acquired") if 2.1 < at_s < 22.0]
    assert turns.run.violations == []
    assert [at_s for at_s in turns.times("acquired") if at_s > 22.0]


def test_a_leader_that_dies_takes_nothing_along() -> None:
    """The group still knows who has the lock; the lease is extended. A release that a follower had passed on to the
    dead leader is lost, and the session is ended 5 s later, when the request has timed out."""
    turns = Turns(model_of("{at: 2.1s, crash: {leader: locks}, for: 20s}"))
    taken, released = turns.times("acquired"), turns.times("released")
    assert taken[0] + 1.0 < released[0] < taken[0] + 1.0 + 5.0 + TRIP_S
    assert turns.run.violations == []
    assert turns.outcomes == {"ok": 20}


def test_the_token_goes_with_what_is_called() -> None:
    """Through a branch, and a turn of a loop, within the steps of the lock."""
    nested = "[{repeat: {times: 2, steps: [{parallel: [[{io: 200ms}, {call: ledger.write}], {io: 10ms}]}]}}]"
    turns = Turns(model_of(GC, fencing="true", steps=nested))
    assert turns.times("unlocked") == []
    assert len(turns.times("fenced")) == 1, "its handler ends with the first refusal"


def test_a_write_on_its_way_when_its_sender_dies_has_its_token() -> None:
    """The worker dies 20 ms before its write arrives at a ledger that is far away."""
    model = model_of("{at: 3.02s, crash: worker-1, for: 1s}", "{at: 1s, latency: 100ms, to: {node: books-1}}")
    turns = Turns(model)
    assert turns.times("unlocked") == []
    assert len(turns.times("accepted", "worker-1")) >= 1
    assert turns.times("accepted", "worker-1")[0] == pytest.approx(3.1, abs=TRIP_S)


def test_a_write_without_a_lock_is_refused() -> None:
    turns = Turns(
        model_of(steps="[{io: 1ms}]", duration="3s", source="}\n  others: {to: ledger, arrivals: constant(1/s)")
    )
    assert turns.times("unlocked") == [1.0, 2.0, 3.0]


# Broken locks


create_of_store = Store._create


def always_mine(self: Store, command: Create) -> Result:
    result = create_of_store(self, command)
    return Result(result.revision, result.error, result.key_value, result.key_value)


def never_released(self: SessionHolding) -> object:
    self.is_over = True
    return iter(())


def never_watches(self: EtcdAttempt, before: object, revision: int) -> None:
    self._acquire()


class Forgetful(Seen):
    """A resource that never saw anything."""

    @property  # type: ignore[override]
    def order(self) -> int:
        return 0

    @order.setter
    def order(self, value: int) -> None:
        pass


MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], object], Callable[[], None]]] = {
    "whoever creates a key has the lock": (
        lambda patch: patch.setattr(Store, "_create", always_mine),
        test_one_after_the_other,
    ),
    "who waits does not": (
        lambda patch: patch.setattr(EtcdAttempt, "_wait_for", never_watches),
        test_one_after_the_other,
    ),
    "nothing is given back": (
        lambda patch: patch.setattr(SessionHolding, "released", never_released),
        test_steps_that_fail_give_it_back,
    ),
    "nothing is given back on the way out": (
        lambda patch: patch.setattr(SessionHolding, "abandon", lambda self: None),
        test_a_handler_that_is_cancelled_releases_what_it_held,
    ),
    "the fencing check is skipped": (
        lambda patch: patch.setattr("sim.steps.guard.Seen", Forgetful),
        test_its_token_gives_it_away,
    ),
    "tokens stay at home": (
        lambda patch: patch.setattr("sim.engine.holdings.Holdings.of", lambda self, task: None),
        test_the_token_goes_with_what_is_called,
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_found_out(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, law = MUTANTS[mutant]
    break_it(monkeypatch)
    with pytest.raises((AssertionError, ValueError)):
        law()
