"""Outages of registries, elections, hand-offs and fencing, on logs made by hand."""

from __future__ import annotations

import math

from sim.experiment import coordination
from tests.experiment.control_logs import log


def test_spans_without_writes() -> None:
    found = coordination.outages(
        log("2 etcd unwritable etcd; 3 zk unwritable zk; 4.5 etcd writable etcd; 9 etcd writable etcd")
    )
    assert [(o.component, o.start_s, o.end_s, o.lasts) for o in found] == [
        ("etcd", 2.0, 4.5, False),
        ("zk", 3.0, 12.0, True),
    ]


def test_a_former_primary_that_follows_is_no_outage() -> None:
    text = "2 r unwritable r-1; 5 r writable r-2; 7 r unwritable r-1; 9 r unwritable r-2; 10 r writable r-1"
    found = coordination.outages(log(text))
    assert [(o.start_s, o.end_s) for o in found] == [(2.0, 5.0), (9.0, 10.0)]


def test_elections_at_the_start_are_none() -> None:
    text = """
0 etcd elected etcd-1 term 1
3 etcd elected etcd-2 term 2
4 etcd elected etcd-2 term 3
5 other elected other-1 term 9
"""
    counts = coordination.counts(log(text))
    assert (counts.elections, counts.leader_changes) == (3, 1)


LOCK = """
1 locks acquired a jobs 1
2 locks released a jobs 1
2.5 locks acquired b jobs 2
4 truth down b
7 locks expired b jobs 2
7.25 locks acquired a jobs 3
9 locks expired a jobs 3
9.1 locks acquired c jobs 4
9.5 locks lost a jobs 3
10 locks accepted c jobs 4
10.1 locks fenced a jobs 3
10.2 locks stale a jobs 3
11 locks released c jobs 4
"""


def test_hand_offs() -> None:
    """From release, death or expiry; what a former holder learns late frees nothing."""
    found = coordination.handoffs(log(LOCK))
    assert [(h.holder, h.next_holder, h.how, h.free_s) for h in found] == [
        ("a", "b", "released", 2.0),
        ("b", "a", "death", 4.0),
        ("a", "c", "expired", 9.0),
        ("c", "", "released", 11.0),
    ]
    assert [round(h.takes_s, 6) for h in found[:3]] == [0.5, 3.25, 0.1]
    assert math.isinf(found[3].takes_s)


def test_keys_are_locks_of_their_own() -> None:
    found = coordination.handoffs(log("1 l acquired a x 1; 2 l acquired b y 1; 3 l released a x 1; 5 l acquired b x 2"))
    assert [(h.key, h.holder, h.next_holder, h.takes_s) for h in found] == [("x", "a", "b", 2.0)]


def test_stale_writes() -> None:
    counts = coordination.counts(log(LOCK))
    assert (counts.acquired, counts.accepted, counts.stale, counts.fenced) == (4, 1, 1, 1)
