"""etcd's lessor, rule by rule (`lease/lessor.go` of 3.4 and 3.5)."""

from __future__ import annotations

import pytest

from sim.registries.etcd.keys import Create, Delete, Grant, Put, Revoke, Store
from sim.registries.etcd.lessor import Lessor, minimum_ttl_s


def led(*leases: str, ttl_s: float = 10.0) -> Lessor:
    lessor = Lessor(2.0)
    lessor.promote(0.0, 0.0)
    for lease in leases:
        lessor.granted(lease, ttl_s, 0.0)
    return lessor


@pytest.mark.parametrize(
    "election_ticks, tick_s, ttl_s", [(10, 0.1, 2.0), (10, 0.5, 8.0), (20, 0.1, 3.0), (5, 0.1, 1.0), (50, 1.0, 75.0)]
)
def test_the_shortest_lease_is_one_and_a_half_elections_in_whole_seconds(
    election_ticks: int, tick_s: float, ttl_s: float
) -> None:
    assert minimum_ttl_s(election_ticks, tick_s) == ttl_s


def test_a_shorter_lease_is_granted_the_shortest() -> None:
    lessor = led("short", ttl_s=1.0)
    assert lessor.ttl_s("short") == 2.0
    assert lessor.expired(1.9) == []
    assert lessor.expired(2.0) == ["short"]


def test_a_keep_alive_begins_the_time_anew() -> None:
    lessor = led("a")
    assert lessor.renew("a", 9.0) == "renewed"
    assert lessor.expired(18.9) == []
    assert lessor.expired(19.0) == ["a"]


def test_a_lease_that_is_over_is_not_kept_alive_any_more() -> None:
    """`Renew` of an expired lease waits for its end to be committed."""
    lessor = led("a")
    assert lessor.renew("a", 10.1) == "expired"
    assert lessor.expired(10.2) == ["a"]
    lessor.revoked("a")
    assert lessor.renew("a", 10.3) == "not found"


def test_its_end_is_asked_for_again_after_three_seconds() -> None:
    lessor = led("a")
    assert [lessor.expired(at_s) for at_s in (10.0, 10.5, 12.9, 13.0, 13.5)] == [["a"], [], [], ["a"], []]


def test_a_look_ends_at_most_half_of_a_seconds_worth() -> None:
    lessor = led(*(f"lease-{number}" for number in range(700)))
    assert len(lessor.expired(10.0)) == 500
    assert len(lessor.expired(10.5)) == 200


def test_only_the_primary_counts_time() -> None:
    lessor = led("a")
    lessor.demote()
    assert lessor.renew("a", 1.0) == "not primary"
    assert lessor.expired(1000.0) == []


def test_a_new_leader_extends_every_lease_by_its_whole_time_and_an_election() -> None:
    """`Promote(extend)`: the keep-alives were the old leader's alone."""
    lessor = Lessor(2.0)
    lessor.granted("a", 10.0, 0.0)
    lessor.promote(1.0, 9.0)
    assert lessor.expired(19.9) == []
    assert lessor.expired(20.0) == ["a"]


def test_revisions() -> None:
    """A write has one revision; a key's create revision is that of the write that made it."""
    store = Store()
    store.apply(Grant("l", 10.0))
    assert store.revision == 1, "a lease is no key"
    first = store.apply(Put("k", "1", "l"))
    second = store.apply(Put("k", "2", "l"))
    assert first.key_value is not None and second.key_value is not None
    assert (first.key_value.create_revision, first.key_value.mod_revision, first.key_value.version) == (2, 2, 1)
    assert (second.key_value.create_revision, second.key_value.mod_revision, second.key_value.version) == (2, 3, 2)
    store.apply(Delete("k"))
    third = store.apply(Put("k", "3"))
    assert third.key_value is not None and third.key_value.create_revision == 5 and third.key_value.version == 1
    assert store.apply(Delete("nothing")).revision == 5


def test_create_puts_only_where_there_is_nothing() -> None:
    store = Store()
    store.apply(Grant("a", 10.0))
    store.apply(Grant("b", 10.0))
    mine = store.apply(Create("lock", "me", "a"))
    theirs = store.apply(Create("lock", "you", "b"))
    assert mine.key_value == theirs.key_value
    assert mine.key_value is not None and mine.key_value.value == "me"


def test_a_lease_takes_its_keys_along_at_once() -> None:
    store = Store()
    store.apply(Grant("l", 10.0))
    store.apply(Put("b", "1", "l"))
    store.apply(Put("a", "1", "l"))
    store.apply(Put("c", "1"))
    revision = store.revision
    store.apply(Revoke("l"))
    assert [found.key for found in store.range("")] == ["c"]
    assert [(event.key, event.revision) for event in store.since(revision + 1, "")] == [
        ("a", revision + 1),
        ("b", revision + 1),
    ]
    assert store.apply(Put("a", "1", "l")).error == "lease not found"
    assert store.apply(Revoke("l")).error == "lease not found"
    assert store.apply(Grant("m", 5.0)).error == ""
    assert store.apply(Grant("m", 5.0)).error == "lease exists"


def test_a_key_belongs_to_the_lease_of_its_last_write() -> None:
    """A process that came back puts its key under a new lease; the end of the old one does not take it away."""
    store = Store()
    store.apply(Grant("old", 10.0))
    store.apply(Grant("new", 10.0))
    store.apply(Put("k", "1", "old"))
    store.apply(Put("k", "1", "new"))
    store.apply(Revoke("old"))
    assert [found.key for found in store.range("")] == ["k"]
    store.apply(Revoke("new"))
    assert store.range("") == ()


def test_a_copy_is_apart() -> None:
    store = Store()
    store.apply(Grant("l", 10.0))
    store.apply(Put("k", "1", "l"))
    other = store.copy()
    store.apply(Revoke("l"))
    assert [found.key for found in other.range("")] == ["k"]
    assert other.attached == {"l": {"k"}}
