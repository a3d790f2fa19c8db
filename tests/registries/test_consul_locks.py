"""Consul's locks: who has them when. Expectations are worked out here from the timers of its sources."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sim.engine import Simulation
from sim.registries.consul.catalog import Acquire, Catalog, CreateSession, DestroySession, NodeHealth, Release
from tests.registries.story import model_of

SOON_S = 0.05
TTL_S = 10.0
DELAY_S, RETRY_S = 15.0, 5.0
THREE = "{consul: {nodes: control}}"


class Contest:
    """Processes that want one lock: (name, from when, for how long)."""

    def __init__(self, *wants: tuple[str, float, float], faults: tuple[str, ...] = (), duration: str = "3min") -> None:
        model = replace(model_of(THREE, *faults, duration=duration), checks=("raft", "linearizable"))
        self.simulation = Simulation(model)
        self.held: list[tuple[str, float, int]] = []
        for name, at_s, for_s in wants:
            self.simulation.env.process(self._play(name, at_s, for_s))
        self.run = self.simulation.run()
        self.log = self.run.control
        assert not self.simulation.cluster.violations()

    def _play(self, name: str, at_s: float, for_s: float) -> Any:
        env, cluster = self.simulation.env, self.simulation.cluster
        yield env.at(at_s)
        holding = yield from cluster.component("consul").locks.acquire(name, "job", TTL_S, None)
        self.held.append((name, env.now, holding.token))
        yield env.timeout(for_s)
        if cluster.is_up(name):
            yield from holding.released()

    def times(self, event: str) -> list[float]:
        found = self.log[(self.log["event"] == event) & self.log["detail"].str.startswith("job")]
        return list(found["time_s"])


def test_one_holds_it_and_the_next_gets_it_when_it_is_released():
    contest = Contest(("api-1", 10.0, 40.0), ("api-2", 11.0, 5.0), ("api-3", 12.0, 5.0))
    (first, first_s, _), (_, second_s, _), (_, third_s, _) = contest.held
    assert first == "api-1" and 10.0 < first_s < 10.0 + SOON_S
    assert [token for _, _, token in contest.held] == [1, 2, 3]
    assert 0.0 < second_s - (first_s + 40.0) < SOON_S and 0.0 < third_s - (second_s + 5.0) < SOON_S
    assert len(contest.times("released")) == 3 and not contest.times("expired")


def freed_after_death(fault: str) -> tuple[float, float]:
    """Seconds from the holder's death at 60 s to the end of its session, and from there to the next holder."""
    contest = Contest(("api-1", 10.0, 500.0), ("api-2", 20.0, 500.0), faults=(f"{{at: 60s, crash: {fault}}}",))
    [expired_s], (_, got_s, token) = contest.times("expired"), contest.held[1]
    assert token == 2
    return expired_s - 60.0, got_s - expired_s


def ends_after_twice_its_time() -> None:
    """Renewed every half TTL, ended after twice the TTL; then the lock-delay, and a retry every 5 s."""
    ended_s, delay_s = freed_after_death("api-1")
    assert 2 * TTL_S - TTL_S / 2 - SOON_S < ended_s < 2 * TTL_S + SOON_S
    assert DELAY_S - SOON_S < delay_s < DELAY_S + RETRY_S + SOON_S


def test_a_dead_process_keeps_the_lock_for_twice_its_time_and_the_delay():
    ends_after_twice_its_time()


def test_a_dead_host_loses_it_with_its_node():
    ended_s, delay_s = freed_after_death("app-1")
    assert 4.8 < ended_s < 15.0, "SWIM's verdict, before the time to live is over"
    assert DELAY_S - SOON_S < delay_s < DELAY_S + RETRY_S + SOON_S


def test_a_holder_that_stood_still_learns_of_it_afterwards():
    contest = Contest(
        ("api-1", 10.0, 500.0), ("api-2", 20.0, 10.0), faults=("{at: 60s, pause: api-1, for: 60s}",), duration="4min"
    )
    [lost_s], [expired_s] = contest.times("lost"), contest.times("expired")
    assert expired_s < contest.held[1][1] < 120.0 <= lost_s < 120.0 + SOON_S


def test_a_new_leader_gives_sessions_their_whole_time_again():
    contest = Contest(
        ("api-1", 10.0, 500.0),
        faults=("{at: 59s, crash: api-1}", "{at: 60s, crash: {leader: consul}}"),
    )
    log = contest.log
    ready_s = next(at_s for at_s in log[log["event"] == "ready"]["time_s"] if at_s > 60.0)
    [expired_s] = contest.times("expired")
    assert 2 * TTL_S - SOON_S < expired_s - ready_s < 2 * TTL_S + 1.0


Step = tuple[Any, Any]


@pytest.mark.parametrize(
    "steps",
    [
        [(CreateSession("s", "n", 10, 15), True), (Acquire("k", "s"), 1), (Acquire("k", "s"), 1)],
        [(Acquire("k", "s"), None), (Release("k", "s"), False), (DestroySession("s"), False)],
        [
            (CreateSession("s", "n", 10, 15), True),
            (CreateSession("t", "n", 10, 15), True),
            (Acquire("k", "s"), 1),
            (Acquire("k", "t"), None),
            (Release("k", "t"), False),
            (Release("k", "s"), True),
            (Acquire("k", "t"), 2),
        ],
        [(NodeHealth("n", "critical"), True), (CreateSession("s", "n", 10, 15), False)],
    ],
)
def test_commands_in_the_order_of_the_log(steps: list[Step]):
    catalog = Catalog()
    for index, (command, result) in enumerate(steps, 1):
        assert catalog.apply(index, command, 0.0) == result, command


def test_a_session_that_ends_delays_its_lock_and_a_release_does_not():
    catalog = Catalog()
    for index, command in enumerate([CreateSession("s", "n", 10, 15), Acquire("k", "s"), Release("k", "s")], 1):
        catalog.apply(index, command, 100.0)
    assert not catalog.is_delayed("k", 100.0)
    catalog.apply(4, Acquire("k", "s"), 100.0)
    catalog.apply(5, NodeHealth("n", "critical"), 100.0)
    assert catalog.is_delayed("k", 114.9) and not catalog.is_delayed("k", 115.0)


@pytest.mark.parametrize(
    "what, broken",
    [
        ("sim.registries.consul.server.SESSION_TTL_MULTIPLIER", 1),
        ("sim.registries.consul.catalog.Catalog.is_delayed", lambda self, key, now_s: False),
        ("sim.registries.consul.locks.LOCK_RETRY_S", 30.0),
    ],
    ids=["sessions end after once their time", "no lock-delay", "waiters that are slow to try again"],
)
def test_broken_servers_and_clients_are_caught(monkeypatch: pytest.MonkeyPatch, what: str, broken: Any):
    monkeypatch.setattr(what, broken)
    with pytest.raises(AssertionError):
        ends_after_twice_its_time()
