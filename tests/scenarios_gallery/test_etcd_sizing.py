"""What a member more costs a write, and what it saves: majorities by the binomial law, elections by etcd's timers."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from sim.engine.run import Run
from sim.experiment import Results
from tests.scenarios_gallery.gallery import latency_s, results

SIZES = {"one": 1, "three": 3, "five": 5, "seven": 7}
MESSAGE_S, FLUSH_S = 0.0003, 0.002
DOWN = 10.0 / 70.0
MEDIAN_FLUSH_S = FLUSH_S / np.sqrt(1.25)


def ran() -> Results:
    return results("etcd-sizing", 4)


def of(variant: str) -> list[Run]:
    return list(ran().of(variant))


def available(variant: str) -> float:
    counts = [run.scope("source", "writers").cohort for run in of(variant)]
    return sum(c.outcomes["ok"] for c in counts) / sum(c.offered for c in counts)


def without_majority(members: int) -> float:
    return sum(comb(members, k) * DOWN**k * (1 - DOWN) ** (members - k) for k in range(members // 2 + 1, members + 1))


def test_a_write_alone_waits_for_about_the_median_disk() -> None:
    """One way and back from the api; one member: a flush. More: there and back to followers, and most writes come to
    one, which forwards them, and is told of the commit. The median of seven disks is close to that of three."""
    medians = {name: float(np.mean([latency_s(run, "writers", 0.5) for run in of(name)])) for name in SIZES}
    assert medians["one"] == pytest.approx(0.0001 + 2 * MESSAGE_S + MEDIAN_FLUSH_S, rel=0.2)
    for name in ("three", "five", "seven"):
        assert 2 * MESSAGE_S < medians[name] - medians["one"] < 2 * MESSAGE_S + 2 * MESSAGE_S + FLUSH_S
    assert medians["seven"] < 1.15 * medians["three"]


def test_many_writes_share_a_flush() -> None:
    rates = [np.mean([run.scope("source", "bulk").throughput_per_s for run in of(f"{name}_full")]) for name in SIZES]
    assert min(rates) > 10 / FLUSH_S
    assert rates[0] > 2 * rates[1]
    assert rates[1] > rates[2] > rates[3] > 0.8 * rates[1]


def test_more_members_help_less_and_less() -> None:
    """Never more available than there is a majority; what is missing beyond that are elections, of one to two seconds
    in each life of a leader, 70 s, less what callers wait for."""
    for name, members in SIZES.items():
        assert available(name) < 1 - without_majority(members) + 0.05
        assert available(name) > 1 - without_majority(members) - 0.08
    assert available("three") < available("five")
    assert available("seven") - available("five") < available("five") - available("three")
