"""Gossip, fencing and views: good histories pass, violations made by hand are told."""

from __future__ import annotations

import pytest

from sim.checks import (
    FencingCheck,
    GuardedWrite,
    MembershipState,
    ObserverRestarted,
    Registration,
    SwimCheck,
    View,
    ViewsCheck,
)


class Gossip:
    def __init__(self) -> None:
        self.check = SwimCheck()
        self.now_s = 0.0

    def tell(self, observer: str, member: str, state: str, incarnation: int) -> None:
        self.now_s += 1.0
        self.check.observe(MembershipState(self.now_s, "lan", observer, member, state, incarnation))


@pytest.fixture
def gossip() -> Gossip:
    """a has b dead at incarnation 2, and c suspected at 1."""
    told = Gossip()
    for member, incarnation in (("b", 2), ("c", 1)):
        told.tell(member, member, "alive", incarnation)
        told.tell("a", member, "alive", incarnation)
        told.tell("a", member, "suspect", incarnation)
    told.tell("a", "b", "dead", 2)
    assert not told.check.violations()
    return told


@pytest.mark.parametrize("over", ["dead", "left"])
def test_no_resurrection(gossip: Gossip, over: str) -> None:
    gossip.tell("a", "b", over, 2)
    gossip.tell("a", "b", "alive", 2)
    (sentence,) = gossip.check.violations()
    assert sentence == f"lan at 9 s: a has b alive again at incarnation 2, and had it {over} at 2 since 8 s"


def test_a_refutation_is_no_resurrection(gossip: Gossip) -> None:
    gossip.tell("b", "b", "alive", 3)
    gossip.tell("a", "b", "alive", 3)
    assert not gossip.check.violations()


def test_another_observer_may_still_have_it_alive(gossip: Gossip) -> None:
    gossip.tell("d", "b", "alive", 2)
    assert not gossip.check.violations()


def test_who_begins_anew_or_reaps_forgets(gossip: Gossip) -> None:
    gossip.tell("a", "b", "forgotten", 2)
    gossip.tell("a", "b", "alive", 1)
    gossip.check.observe(ObserverRestarted(9.0, "lan", "a"))
    gossip.tell("a", "c", "alive", 0)
    assert not gossip.check.violations()


@pytest.mark.parametrize(
    "member, state, incarnation, told",
    [
        ("b", "suspect", 2, "suspects b at incarnation 2, and had it dead at 2"),
        ("c", "alive", 1, "clears c of a suspicion at incarnation 1 with 1: not newer"),
        ("c", "suspect", 0, "goes back from incarnation 1 of c to 0"),
        ("c", "alive", 7, "has c at incarnation 7; the member itself never went beyond 1"),
    ],
)
def test_what_an_observer_may_not_believe(gossip: Gossip, member: str, state: str, incarnation: int, told: str) -> None:
    gossip.tell("a", member, state, incarnation)
    (sentence,) = gossip.check.violations()
    assert told in sentence


def guarded(*writes: tuple[str, int, bool]) -> list[str]:
    check = FencingCheck()
    for time_s, (holder, token, accepted) in enumerate(writes):
        check.observe(GuardedWrite(float(time_s), "ledger", holder, token, accepted))
    return check.violations()


def test_writes_in_the_order_of_their_tokens() -> None:
    assert not guarded(("a", 1, True), ("a", 1, True), ("b", 3, True), ("a", 1, False), ("c", 4, True))


def test_a_stale_write() -> None:
    (sentence,) = guarded(("a", 1, True), ("b", 2, True), ("a", 1, True))
    assert sentence == "ledger at 2 s: a stale write of a with token 1 is accepted after token 2 of b at 1 s"


def test_two_holders_of_one_token() -> None:
    (sentence,) = guarded(("a", 1, True), ("b", 1, False))
    assert sentence == "ledger at 1 s: b writes with token 1, which is a's"


def test_resources_are_apart() -> None:
    check = FencingCheck()
    check.observe(GuardedWrite(0.0, "ledger", "a", 2, True))
    check.observe(GuardedWrite(1.0, "stock", "b", 1, True))
    assert not check.violations()


def test_views_hold_what_was_registered() -> None:
    check = ViewsCheck()
    check.observe(Registration(0.0, "cart", "cart-1"))
    check.observe(View(1.0, "web-1", "cart", ("cart-1",)))
    check.observe(View(1.0, "web-2", "cart", ()))
    assert not check.violations()
    check.observe(View(2.0, "web-1", "cart", ("cart-1", "cart-2", "cart-1")))
    stranger, twice = check.violations()
    assert stranger == "at 2 s: the view that web-1 has of cart holds cart-2, which the registry has never known"
    assert "holds cart-1 more than once" in twice
