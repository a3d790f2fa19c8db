"""Replicated logs on the wire: partitions, losses, link times; and that nothing is left behind.

Three members; a note takes 1 ms from any to any, a flush 10 ms; member 0 leads. What is lost is sent again 200 ms
after it left, then 400 ms after that, and so on; after 5 s the connection counts as broken.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.distributions import Constant
from sim.engine import Simulation
from sim.failures.impairment import Way
from sim.failures.loss import Loss
from sim.failures.partition import Partition
from sim.model import Link, Network, Once
from tests.engine.groups import FIRST_LEADS, Act, answers, group_of, name, requests, told
from tests.reference.build import crash, pause, story

TEN = Constant(0.01)
THREE = group_of(3, TEN)


def cut(*ways: tuple[int, int], at_s: float, for_s: float) -> Partition:
    """What the first of each pair sends does not reach the second."""
    directions = tuple(Way((f"m{a}",), (f"m{b}",)) for a, b in ways)
    return Partition("cut", "cut", "traffic", "between members", Once(at_s, for_s), directions)


def both(a: int, b: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (a, b), (b, a)


def test_latencies_are_those_without_a_wire() -> None:
    """A partition of nobody, at the end: messages take the wire."""
    far = cut((1, 2), at_s=19.0, for_s=0.5)
    assert answers((*THREE, requests("put0", [1.0]), requests("put1", [2.0]), requests("get1", [3.0], "get"), far)) == {
        "put0": [("ok", 12.0)],
        "put1": [("ok", 14.0)],
        "get1": [("ok", 4.0)],
    }


def test_a_cut_of_a_minority_is_not_felt() -> None:
    apart = cut(*both(0, 1), *both(1, 2), at_s=0.5, for_s=5.0)
    assert answers((*THREE, requests("put0", [1.0]), apart)) == {"put0": [("ok", 12.0)]}


def test_what_was_lost_is_sent_again() -> None:
    """The leader is alone from 0.5 to 1.5. Its entries of 1.0 leave again at 1.2 and at 1.6."""
    alone = cut(*both(0, 1), *both(0, 2), at_s=0.5, for_s=1.0)
    assert answers((*THREE, requests("put0", [1.0]), alone)) == {"put0": [("ok", 612.0)]}


def test_a_cut_of_one_direction_is_as_bad() -> None:
    """Entries arrive, their answers do not: those leave at 1.011, 1.211 and 1.611."""
    deaf = cut((1, 0), (2, 0), at_s=0.5, for_s=1.0)
    assert answers((*THREE, requests("put0", [1.0]), deaf)) == {"put0": [("ok", 612.0)]}


def test_a_broken_connection_is_made_anew() -> None:
    """Alone from 0.5 to 6.5: the entries of 1.0 are given up at 7.2, when a try would be due (0.2, 0.6, 1.4, 3.0,
    6.2 s after they left); then the leader probes, at the next answer to a heartbeat that got through."""
    alone = cut(*both(0, 1), *both(0, 2), at_s=0.5, for_s=6.0)
    [(outcome, latency_ms)] = answers((*THREE, requests("put0", [1.0]), alone), until_s=30.0)["put0"]
    assert outcome == "ok" and 6200.0 < latency_ms < 6500.0


def test_a_deposed_leader_in_a_minority_commits_nothing() -> None:
    """Members 1 and 2 are cut off from 0 at 0.9, and elect member 1 at 2, in term 2. What 0 takes at 1.5 is not
    committed, what 1 takes at 2.5 is; when the cut ends, at 4, member 0 has it too, and a read there says so."""
    alone = cut(*both(0, 1), *both(0, 2), at_s=0.9, for_s=3.1)
    acts = (*FIRST_LEADS, Act(1.9, 1, 2, None), Act(1.9, 2, 2, None), Act(2.0, 1, 2, 1), Act(2.0, 2, 2, 1))
    sources = (requests("put0", [1.5]), requests("put1", [2.5]), requests("get0", [7.5], "get"))
    found = answers((*THREE, *sources, alone), acts)
    assert found["put0"] == [("error", 7000.0)]
    assert found["put1"] == [("ok", 12.0)]
    assert found["get0"] == [("ok", 4.0)]


def test_bytes_take_links_their_time() -> None:
    """1200 bytes (an entry of 1000, and the message's own) over 1.2 MB/s take 1 ms more, an answer's 200 0.167 ms."""
    ways = {
        (f"z{a}", f"z{b}"): Link(Constant(0.001), bandwidth_bps=9.6e6) for a in range(3) for b in range(3) if a != b
    }
    parts = [Network(ways) if isinstance(part, Network) else part for part in THREE]
    [(outcome, latency_ms)] = answers((*parts, requests("put0", [1.0])))["put0"]
    assert outcome == "ok" and latency_ms == pytest.approx(12.0 + 1.0 + 1.0 / 6.0, abs=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_left_behind(seed: int) -> None:
    """Random losses, cuts, pauses, crashes and elections: in the end all rows are free, no committed entry was lost,
    and each request had one end."""
    rng = np.random.default_rng(seed)
    members = int(rng.choice([3, 5]))
    faults: list[Any] = [Loss("loss", "loss", "traffic", "all", Once(0.5, 12.0), _all_ways(members), 0.05)]
    for _ in range(6):
        member, at_s, for_s = int(rng.integers(members)), float(rng.uniform(1.0, 10.0)), float(rng.uniform(0.1, 2.0))
        kind = rng.integers(3)
        if kind == 2:
            others = [pair for other in range(members) if other != member for pair in both(member, other)]
            faults.append(replace(cut(*others, at_s=at_s, for_s=for_s), name=f"cut {len(faults)}"))
        else:
            fault = (crash if kind else pause)(name(member), at_s, for_s)
            faults.append(replace(fault, name=f"{fault.name} {len(faults)}"))

    def watch(simulation: Simulation) -> None:
        simulation.env.process(_elect(simulation, members, np.sort(rng.uniform(1.0, 12.0, 4)), rng))

    times = [np.sort(rng.uniform(0.5, 12.0, 150)).tolist() for _ in range(2)]
    sources = (requests("writers", times[0], timeout_s=20.0), requests("readers", times[1], "get", timeout_s=20.0))
    run, rows, simulation = told(story(*group_of(members, TEN), *sources, *faults, until_s=60.0), watch=watch)
    assert run.stopped is None and len(rows) == 300
    assert (rows["outcome"] == "ok").mean() > 0.3
    _check_empty(simulation)


def _elect(simulation: Simulation, members: int, times_s: Any, rng: np.random.Generator) -> Any:
    """New terms, of which at least a majority hears, and one of these leads."""
    groups = simulation.cluster.groups
    for term, at_s in enumerate(times_s, start=2):
        yield simulation.env.at(float(at_s))
        voters = [name(member) for member in range(members) if simulation.cluster.is_up(name(member))]
        if 2 * len(voters) > members:
            for voter in voters:
                groups.follows(voter, None, term)
            groups.leads(str(rng.choice(voters)), term)


def _all_ways(members: int) -> tuple[Way, ...]:
    everybody = tuple(f"m{member}" for member in range(members))
    return (Way(everybody, everybody),)


def _check_empty(simulation: Simulation) -> None:
    state = simulation.tables.state
    assert simulation.cluster.groups.lost("etcd") == 0
    for table in ("notes", "proposals", "packets", "tasks", "calls"):
        assert int(state[f"{table}_used"]) == 0, table
