"""The kernel's replicated log and the Python Raft, on the same histories: the same answers at the same times.

Both are told the same writes and reads, crashes and restarts, with constant latencies and flushes that differ from
member to member. The Python Raft elects; what its members come to believe is what the kernel's are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from sim.distributions import Constant
from tests.engine.groups import Act, group_of, requests, told
from tests.engine.raft_host import World
from tests.reference.build import crash, story

UNTIL_S = 12.0
Request = tuple[str, int]
"""(source, number): `put2` and `get2` ask member 2."""


@dataclass(frozen=True)
class History:
    flush_s: tuple[float, ...]
    latency_s: dict[tuple[int, int], float]
    asked: dict[str, list[float]]
    """Times by source."""
    elections: tuple[tuple[float, int], ...]
    """At these times these members stand."""
    crashes: tuple[tuple[float, float, int], ...] = ()
    """From, to, member."""


def drawn(seed: int, members: int, crashes: Sequence[tuple[float, float, int]], rate: float = 60.0) -> History:
    """Flushes of 1–3 ms, latencies of 5–20 ms, writes and reads at every member; none around elections and just after
    restarts, where the machine flushes terms and votes: those are the control plane's, and not in the kernel's loop."""
    rng = np.random.default_rng(seed)
    pairs = [(a, b) for a in range(members) for b in range(members) if a != b]
    elections = ((0.5, 0), (5.0, 1), (8.0, 2))
    busy = [(at - 0.3, at + 0.3) for at, _ in elections] + [(at - 0.1, at + 0.3) for _, at, _ in crashes]
    asked: dict[str, list[float]] = {}
    for member in range(members):
        for kind in ("put", "get"):
            times = np.sort(rng.uniform(1.0, 9.5, int(rate)))
            asked[f"{kind}{member}"] = [float(time) for time in times if not any(a < time < b for a, b in busy)]
    latency = {pair: float(time) for pair, time in zip(pairs, rng.uniform(0.005, 0.02, len(pairs)), strict=True)}
    return History(
        tuple(float(x) for x in rng.uniform(0.001, 0.003, members)), latency, asked, elections, tuple(crashes)
    )


def by_raft(history: History) -> tuple[dict[Request, float], list[Act]]:
    world = World(history.flush_s, history.latency_s, seed=1)
    for number in range(len(history.flush_s)):
        world.start(number)
    for from_s, to_s, member in history.crashes:
        world.at(from_s, lambda member=member: world.crash(member))
        world.at(to_s, lambda member=member: world.start(member))
    for at_s, member in history.elections:
        world.at(at_s, lambda member=member: world.stand(member))
    for source, times in history.asked.items():
        ask = world.put if source.startswith("put") else world.get
        for number, at_s in enumerate(times):
            world.at(at_s, lambda ask=ask, source=source, number=number: ask(int(source[-1]), (source, number)))
    world.run(UNTIL_S)
    return world.done, [Act(at_s, member, term, leader) for at_s, member, term, leader in world.beliefs]


def by_kernel(history: History, acts: Sequence[Act]) -> tuple[dict[Request, float], int]:
    parts = group_of(
        len(history.flush_s),
        [Constant(flush) for flush in history.flush_s],
        {pair: Constant(time) for pair, time in history.latency_s.items()},
    )
    sources = [requests(source, times, source[:3]) for source, times in history.asked.items()]
    faults = [replace(crash(f"etcd-{member}", a, b - a)) for a, b, member in history.crashes]
    run, rows, simulation = told(story(*parts, *sources, *faults, until_s=UNTIL_S), acts)
    assert run.stopped is None
    fine = rows[rows["outcome"] == "ok"]
    ended = {(s, int(n)): float(t) for s, n, t in zip(fine["source"], fine["index"], fine["end_s"], strict=True)}
    return ended, simulation.cluster.groups.lost("etcd")


CRASHES = {
    "none": (),
    "a follower": ((2.0, 4.0, 2),),
    "the leader, writing": ((4.3, 6.0, 0),),
    "the leader, and followers in turn": ((2.0, 3.0, 1), (4.3, 5.5, 0), (6.0, 7.0, 0), (8.5, 9.0, 2)),
}


@pytest.mark.parametrize("crashes", CRASHES)
@pytest.mark.parametrize("members", [1, 3, 5])
def test_the_same_answers_at_the_same_times(members: int, crashes: str) -> None:
    if members == 1 and crashes != "none":
        return
    history = drawn(members, members, CRASHES[crashes])
    if members == 1:
        history = replace(history, elections=((0.5, 0),))
    expected, acts = by_raft(history)
    found, lost = by_kernel(history, acts)
    assert lost == 0
    assert len(expected) > 40 * members
    assert sum(act.member == act.leader for act in acts) == len(history.elections)
    assert found.keys() == expected.keys()
    assert max(abs(found[request] - expected[request]) for request in expected) < 1e-9
