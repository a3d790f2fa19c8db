"""`eureka`: who is known when, by the rules of its sources. Expectations are worked out here from the timers."""

from __future__ import annotations

import numpy as np
import pytest

from sim.registries.eureka.lease import Lease, Renewals, eviction_limit
from sim.registries.eureka.server import Server
from tests.registries.story import Story, model_of, stories

TWO = "{eureka: {servers: 2, nodes: control}}"
AT_S = 100.0


def removal_s(runs: int = 40_000) -> np.ndarray:
    """Seconds from a kill to a client's view, drawn from phases that are uniform in their periods."""
    rng = np.random.default_rng(5)
    renewed_ago, cache, fetch, balancer = rng.uniform(0, 30, (4, runs))
    expired = 2 * 90.0 - renewed_ago
    evicted = expired + rng.uniform(0, 60, runs)
    return np.asarray(evicted + cache + fetch + balancer)


@pytest.mark.parametrize("victim, runs", [("api-3", 24), ("app-3", 1)], ids=("process", "host"))
def test_who_dies_stays_for_two_lease_times_and_all_the_caches(victim: str, runs: int) -> None:
    model = model_of(TWO, f"{{at: {AT_S}s, crash: {victim}}}", duration="450s")
    waits = [list(story.without("api-3", AT_S).values()) for story in stories(model, runs)]
    assert all(len(clients) == 3 for clients in waits)
    seen, expected = np.concatenate(waits) - AT_S, removal_s()
    if runs > 1:
        assert abs(seen.mean() / expected.mean() - 1.0) < 0.05, (seen.mean(), expected.mean())
    assert seen.min() > 150.0
    assert seen.max() < 180.0 + 60.0 + 3 * 30.0 + 0.1


def test_servers_evict_between_the_end_of_the_lease_and_the_next_round() -> None:
    model = model_of(TWO, f"{{at: {AT_S}s, crash: api-3}}", duration="350s")
    evicted = np.array([story.times("expired", "api-3") for story in stories(model, 16)]) - AT_S
    assert evicted.shape == (16, 2), "each server by itself"
    assert abs(evicted.mean() / 195.0 - 1.0) < 0.05
    assert 150.0 < evicted.min() < evicted.max() < 240.0 + 0.6, "the other server hears of renewals half a second later"


def documented(lease: Lease, now_s: float) -> None:
    lease.updated_s = now_s


def test_the_documented_arithmetic_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant: leases that last 90 s, as the documentation has it."""
    monkeypatch.setattr(Lease, "renew", documented)
    story = Story(model_of(TWO, f"{{at: {AT_S}s, crash: api-3}}", duration="350s"))
    assert max(story.times("expired")) - AT_S < 150.1


def test_a_lease_that_was_never_renewed_lasts_once() -> None:
    lease = Lease(90.0, 1000.0)
    assert [lease.is_expired(at) for at in (1090.0, 1090.1)] == [False, True]
    lease.renew(1030.0)
    assert [lease.is_expired(at) for at in (1210.0, 1210.1)] == [False, True]
    assert not lease.is_expired(1210.1, compensation_s=1.0)


def test_how_many_renewals_are_enough() -> None:
    renewals = Renewals(30.0, 0.85, last=17, clients=10)
    assert (renewals.threshold, renewals.are_enough) == (17, False)
    renewals.left()
    assert (renewals.threshold, renewals.are_enough) == (15, True)
    renewals.recount(7, preserves=True)
    assert renewals.clients == 9, "seven of nine are too few to be believed"
    renewals.recount(8, preserves=True)
    assert renewals.clients == 8
    empty = Renewals(30.0, 0.85)
    empty.joined()
    assert (empty.clients, empty.are_enough) == (0, False)
    assert [eviction_limit(known, 0.85) for known in (1, 10, 100)] == [1, 2, 15]


def three_die(keys: str = "", duration: str = "500s") -> Story:
    registry = f"{{eureka: {{servers: 2, nodes: control{keys}}}}}"
    return Story(model_of(registry, f"{{at: {AT_S}s, crash: [api-1, api-2, api-3]}}", duration=duration))


def test_three_of_ten_are_kept_for_ever() -> None:
    """14 renewals a minute of the 20 that are expected are not more than int(0.85 · 20) = 17."""
    story = three_die()
    assert story.times("expired") == []
    assert len(story.times("preserving")) == 2
    assert story.without("api-1", AT_S) == {}


def test_without_self_preservation_they_go_two_at_a_time() -> None:
    assert at_once() == [2, 2]


def at_once() -> list[int]:
    """How many of three each server evicts in a round that is late enough for all of them."""
    story = three_die(", self_preservation: false, evict: 4min", "700s")
    expired = story.log[story.log["event"] == "expired"]
    return [int(group.value_counts().max()) for _, group in expired.groupby("detail")["time_s"]]


def no_limit(known: int, share: float) -> int:
    return known


def test_mutant_without_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.registries.eureka.server.eviction_limit", no_limit)
    assert max(at_once()) == 3


def test_who_stops_gracefully_is_gone_when_the_caches_are_through() -> None:
    model = model_of(TWO, f"{{at: {AT_S}s, restart: api-3, graceful: true, for: 100s}}", duration="360s")
    away, back = [], []
    for story in stories(model, 16):
        assert story.times("expired") == []
        away += [at - AT_S for at in story.without("api-3", AT_S).values()]
        back += [at - AT_S - 100.0 for at in story.knowing("api-3", AT_S + 100.0).values()]
    assert len(away) == len(back) == 48
    assert abs(np.mean(away) / (0.25 + 45.0) - 1.0) < 0.1, "half of the clients wait 0.5 s for the other server"
    assert max(away) < 90.6
    assert abs(np.mean(back) / (30.0 + 0.25 + 45.0) - 1.0) < 0.05, "its first renewal, at 30 s, finds no lease"


def test_spring_registers_at_once() -> None:
    registry = "{eureka@spring-4.1: {servers: 2, nodes: control}}"
    story = Story(model_of(registry, f"{{at: {AT_S}s, restart: api-3, graceful: true, for: 100s}}", duration="300s"))
    assert min(story.times("registered", "api-3")) == pytest.approx(AT_S + 100.0, abs=0.01)


def test_who_is_back_before_its_lease_is_over_was_never_missed() -> None:
    story = Story(model_of(TWO, f"{{at: {AT_S}s, crash: api-3, for: 60s}}"))
    assert story.without("api-3", AT_S) == {}
    assert story.times("expired") + story.times("registered") == []


def test_who_is_paused_for_long_is_evicted_and_comes_back() -> None:
    story = Story(model_of(TWO, f"{{at: {AT_S}s, pause: api-3, for: 250s}}", duration="500s"))
    assert len(story.times("expired", "api-3")) == 2
    assert min(story.times("registered", "api-3")) == pytest.approx(AT_S + 250.0, abs=0.01), "a renewal was due"
    assert len(story.knowing("api-3", AT_S + 250.0)) == 3


def test_clients_move_to_the_next_server() -> None:
    story = Story(model_of(TWO, "{at: 50s, crash: eureka-1}", f"{{at: {AT_S}s, crash: api-3}}", duration="500s"))
    assert set(story.log[story.log["event"] == "expired"]["detail"]) == {"eureka-2"}
    assert len(story.without("api-3", AT_S)) == 3


def test_without_servers_clients_keep_what_they_have() -> None:
    down = ["{at: 50s, crash: [eureka-1, eureka-2]}", f"{{at: {AT_S}s, crash: api-3}}"]
    story = Story(model_of(TWO, *down, duration="600s"))
    assert story.without("api-3", AT_S) == {}


def test_a_client_that_starts_without_servers_knows_nobody() -> None:
    down = ["{at: 50s, crash: [eureka-1, eureka-2]}", "{at: 100s, crash: web-1, for: 5s}"]
    story = Story(model_of(TWO, *down, duration="300s"))
    assert list(story.without("api-3", AT_S)) == ["web-1"]


def test_a_server_that_starts_copies_its_peer() -> None:
    story = Story(model_of(TWO, f"{{at: {AT_S}s, crash: eureka-1, for: 30s}}", duration="250s"))
    assert {len(server.leases) for server in story.cluster.components["eureka"]} == {10}
    assert story.without("api-3", AT_S) == {}


@pytest.mark.parametrize("version, kept", [("1.10", True), ("spring-4.1", False)])
def test_a_lone_server_that_starts_empty(version: str, kept: bool) -> None:
    """Netflix's gives no registry away for five minutes, so that clients keep theirs. Spring's does, at once: who
    fetches before all have registered loses instances for a while."""
    registry = f"{{eureka@{version}: {{servers: 1, nodes: control, response_cache: none}}}}"
    lost = [
        story.without("api-3", AT_S)
        for story in stories(model_of(registry, "{at: 100s, crash: eureka-1, for: 10s}", duration="200s"), 5)
    ]
    assert kept == (not any(lost))


def test_partitioned_servers_tell_each_other_afterwards() -> None:
    faults = (
        "{at: 50s, partition: [{node: control-1}, {node: control-2}], for: 100s}",
        f"{{at: {AT_S}s, restart: api-3, graceful: true, for: 200s}}",
    )
    story = Story(model_of(TWO, *faults, duration="290s"))
    gone = story.times("deregistered", "api-3")
    assert gone[0] == pytest.approx(AT_S, abs=0.1)
    assert len(gone) == 1, "the task was dropped after 30 s"
    assert story.times("expired") == [] or min(story.times("expired")) > 250.0


def without_replication(self: Server, act: object) -> None:
    return None


def test_mutant_without_replication(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "_replicate", without_replication)
    story = Story(model_of(TWO, f"{{at: {AT_S}s, restart: api-3, graceful: true, for: 60s}}", duration="150s"))
    assert len(story.times("deregistered")) == 1
