"""What a member keeps of the others: the order of its probes, and the claims that it passes on."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest

from sim.protocols.swim import everyone
from sim.protocols.swim.broadcasts import Broadcasts
from sim.protocols.swim.messages import Alive, Dead, Record, Suspect
from sim.protocols.swim.roster import Roster
from tests.protocols.swim.group import numbers

NAMES = ("a", "b", "c", "d")


def a_pass(roster: Roster) -> tuple[str, ...]:
    found = []
    while (name := roster.next_name()) is not None:
        found.append(name)
    roster.new_pass()
    return tuple(found)


def test_every_order_of_a_pass_is_equally_likely():
    roster = Roster(everyone(NAMES), NAMES, numbers(1))
    counts = Counter(a_pass(roster) for _ in range(24_000))
    assert set(counts) == set(permutations(NAMES))
    assert all(count == pytest.approx(1000, abs=150) for count in counts.values())


def test_a_newcomer_is_as_likely_to_be_probed_in_this_pass_as_its_place_says():
    """memberlist puts it at a random place: after two of four probes, three times in five into what is left."""
    uniform, still = numbers(2), 0
    for _ in range(5000):
        roster = Roster(everyone(NAMES), NAMES, uniform)
        roster.next_name(), roster.next_name()
        roster.put(Record("e", 1, "alive", 0.0))
        rest = a_pass(roster)
        still += "e" in rest
        assert len(rest) == 3 and sorted(a_pass(roster)) == ["a", "b", "c", "d", "e"]
    assert still / 5000 == pytest.approx(3 / 5, abs=0.03)


def test_the_forgotten_are_not_probed_and_may_come_back():
    roster = Roster(everyone(NAMES), NAMES, numbers(3))
    roster.put(Record("b", 1, "dead", 5.0))
    roster.forget(["b"])
    assert sorted(a_pass(roster)) == ["a", "c", "d"] and len(roster) == 3 and roster.get("b") is None
    assert {record.name for record in roster.records()} == {"a", "c", "d"}
    roster.put(Record("b", 2, "alive", 9.0))
    assert sorted(a_pass(roster)) == ["a", "b", "c", "d"] and not roster.departed


def test_rosters_that_share_a_beginning_do_not_share_changes():
    shared = everyone(NAMES)
    one, other = Roster(shared, NAMES, numbers(4)), Roster(shared, NAMES, numbers(5))
    one.put(Record("a", 2, "suspect", 1.0))
    assert other.get("a").status == "alive" and shared["a"].status == "alive"


def test_the_least_often_sent_goes_first_and_a_newer_claim_replaces_an_older():
    queue = Broadcasts(retransmit_mult=1)
    queue.put(Suspect("a", 1, "x"))
    queue.put(Dead("a", 1, "x"))
    queue.put(Alive("b", 2))
    assert queue.take(140, 50)[0] == (Alive("b", 2),), "the longest first, and only what fits"
    assert queue.take(140, 50)[0] == (Dead("a", 1, "x"),)
    assert set(queue.take(1400, 50)[0]) == {Alive("b", 2), Dead("a", 1, "x")}
    assert not queue, "1 · ⌈log₁₀ 51⌉ = 2 times each"
