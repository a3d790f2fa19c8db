"""`consul`: who is known when. Expectations are worked out here from the timers of its sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log10

import numpy as np
import pytest

from sim.distributions import Constant
from sim.model import Disk, Model
from sim.registries.consul.agent import Agent
from sim.registries.consul.catalog import Entry
from sim.registries.consul.server import Server
from tests.registries.story import Story, model_of, stories

AT_S = 60.0
INTERVAL_S = 10.0
SOON_S = 0.02
"""More than a commit, a blocked query's answer and the ways take on the network of the story."""
THREE = "{consul: {nodes: control}}"
MEMBERS = 16
"""Ten nodes of instances, three of clients, three servers."""


def checked(registry: str, *failures: str, **changes: object) -> Model:
    return replace(model_of(registry, *failures, **changes), checks=("raft", "swim", "views"))  # type: ignore[arg-type]


def story_of(registry: str, *failures: str, **changes: object) -> Story:
    story = Story(checked(registry, *failures, **changes))
    assert not story.cluster.violations()
    return story


# A process that dies on a live host: the check of its agent


def removals_of_processes(registry: str, period_s: float, runs: int = 6) -> np.ndarray:
    """Seconds from kills to the clients' views, one kill a `period_s`, each of another instance."""
    kills = [(f"api-{k}", AT_S + period_s * (k - 1)) for k in range(1, 11)]
    model = model_of(
        registry, *(f"{{at: {at_s}s, crash: {name}}}" for name, at_s in kills), duration=f"{AT_S + 10 * period_s}s"
    )
    found = []
    for story in stories(model, runs):
        for name, at_s in kills:
            views = story.without(name, at_s)
            assert len(views) == 3
            found += [seen_s - at_s for seen_s in views.values()]
    return np.array(found)


def check_finds_the_dead(registry: str = THREE, runs: int = 3) -> None:
    """The next check finds nobody listening: uniform in the interval."""
    seen = removals_of_processes(registry, 12.0, runs)
    half = 2.576 * INTERVAL_S / np.sqrt(12 * 10 * runs)
    assert abs(seen.mean() - INTERVAL_S / 2) < half, (seen.mean(), half)
    assert seen.min() > 0.0 and seen.max() < INTERVAL_S + SOON_S


def test_a_killed_process_is_found_by_the_next_check() -> None:
    check_finds_the_dead()


def test_so_many_failures_in_a_row_take_so_many_intervals_more() -> None:
    seen = removals_of_processes("{consul: {nodes: control, failures_before_critical: 3, interval: 5s}}", 20.0, runs=3)
    assert abs(seen.mean() - (2.5 + 10.0)) < 2.576 * 5 / np.sqrt(12 * 30)
    assert seen.min() > 10.0 and seen.max() < 15.0 + SOON_S


def test_one_that_is_silent_fails_its_check_after_the_timeout() -> None:
    """The process stands still: the check waits for its whole timeout."""
    story = story_of(
        "{consul: {nodes: control, timeout: 4s}}", f"{{at: {AT_S}s, pause: api-3, for: 40s}}", duration="2min"
    )
    [unhealthy_s] = story.times("unhealthy", "api-3")
    assert 4.0 < unhealthy_s - AT_S < 4.0 + INTERVAL_S + SOON_S
    [healthy_s] = story.times("healthy", "api-3")
    assert AT_S + 40.0 <= healthy_s < AT_S + 40.0 + INTERVAL_S + 4.0


def test_one_that_comes_back_is_listed_after_a_check_that_passes() -> None:
    story = story_of(THREE, f"{{at: {AT_S}s, crash: api-3, for: 30s}}", duration="3min")
    [healthy_s] = story.times("healthy", "api-3")
    assert AT_S + 30.0 < healthy_s < AT_S + 40.0 + SOON_S
    back = story.knowing("api-3", AT_S + 30.0).values()
    assert len(back) == 3 and all(0.0 < at_s - healthy_s < SOON_S for at_s in back)


def test_an_instance_that_stops_in_order_is_gone_at_once_and_comes_back_critical() -> None:
    story = story_of(THREE, f"{{at: {AT_S}s, restart: api-3, for: 5s, graceful: true}}", duration="3min")
    [gone_s], [back_s] = story.times("deregistered", "api-3"), story.times("registered", "api-3")
    up_s = story.times("up", "api-3")[0]
    assert AT_S < gone_s < AT_S + SOON_S and up_s < back_s < up_s + SOON_S
    [healthy_s] = story.times("healthy", "api-3")
    assert up_s < healthy_s < up_s + INTERVAL_S + SOON_S
    assert all(0.0 <= at_s - healthy_s < SOON_S for at_s in story.knowing("api-3", up_s).values())


@pytest.mark.parametrize("dies_s, is_kept", [(2.5, False), (3.5, True)])
def test_an_agent_keeps_what_its_disk_has_had_time_to_take(dies_s: float, is_kept: bool) -> None:
    """Each write takes a second. api-3 is withdrawn, and registers again 2 s later."""
    stop = f"{{at: {AT_S}s, restart: api-3, for: 2s, graceful: true}}"
    model = model_of(THREE, stop, f"{{at: {AT_S + dies_s}s, crash: consul-agent-app-3}}", duration="70s")
    disk = Disk(fsync=Constant(1.0))
    model = replace(
        model, nodes=tuple(replace(node, disk=disk if node.name == "app-3" else None) for node in model.nodes)
    )
    agent = Story(model).cluster.components["consul"].agents["app-3"]
    assert ("api-3" in agent.kept["services"]) == is_kept


def keeps_at_once(self: Agent, change: Callable[[dict[str, Entry]], object], then: Callable[[], None]) -> None:
    change(self.kept["services"])
    then()


def test_an_agent_that_does_not_wait_for_its_disk_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Agent, "_keep", keeps_at_once)
    with pytest.raises(AssertionError):
        test_an_agent_keeps_what_its_disk_has_had_time_to_take(2.5, False)


def test_who_is_critical_for_too_long_is_deregistered() -> None:
    """At the first look, every 30 s, at which it has been critical for more than a minute."""
    registry = "{consul: {nodes: control, deregister_critical_after: 1min}}"
    story = story_of(registry, f"{{at: {AT_S}s, crash: api-3}}", duration="4min")
    [unhealthy_s], [gone_s] = story.times("unhealthy", "api-3"), story.times("deregistered", "api-3")
    assert 60.0 < gone_s - unhealthy_s < 90.0 + SOON_S


# A host that dies: gossip, and the leader's verdict


def hosts_death_s(rng: np.random.Generator) -> float:
    """From a host's death to the leader's belief, from SWIM's and Lifeguard's timers.

    Each of the other members probes it once in a pass of 15 probes, one a second, in an order that is shuffled for each
    pass; the verdict comes a second after the probe. The first suspicion starts a timer of 4 · log₁₀ 16 s, if two
    others confirm it within that time; else it ends when the second does.
    """
    others = MEMBERS - 1
    place, passed = rng.integers(0, others, others), rng.integers(0, others, others)
    next_place = rng.integers(0, others, others)
    turns = np.where(place >= passed, place - passed, others - passed + next_place)
    suspected = np.sort(rng.uniform(0, 1, others) + turns + 1.0)
    least_s = 4 * np.floor(1000 * log10(MEMBERS)) / 1000
    return float(max(suspected[0] + least_s, suspected[2]))


def spread(knows_s: np.ndarray, phases: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """When each member knows, if everyone who knows tells three random members every 0.2 s."""
    knows_s = knows_s.copy()
    for tick in range(15):
        for member in np.argsort(phases):
            at_s = phases[member] + 0.2 * tick
            if knows_s[member] <= at_s:
                told = rng.choice(MEMBERS, 3, replace=False)
                knows_s[told] = np.minimum(knows_s[told], at_s)
    return knows_s


def gossip_s(rng: np.random.Generator) -> float:
    """From the first member's verdict to a given other's. Each one's timer began when it heard of the suspicion, and
    whose has ended spreads the verdict too: so the news has two ways to come."""
    phases = rng.uniform(0, 0.2, MEMBERS)
    suspected_s = np.full(MEMBERS, 10.0)
    suspected_s[0] = 0.0
    suspected_s = spread(suspected_s, phases, rng)
    return float(spread(suspected_s, rng.uniform(0, 0.2, MEMBERS), rng)[1])


def hosts_deaths(victims: int = 5, runs: int = 8) -> np.ndarray:
    kills = [(f"app-{2 * k}", f"api-{2 * k}", AT_S + 80.0 * (k - 1)) for k in range(1, victims + 1)]
    faults = [f"{{at: {at_s}s, crash: {node}, for: 30s}}" for node, _, at_s in kills]
    found = []
    for story in stories(model_of(THREE, *faults, duration=f"{AT_S + 80 * victims}s"), runs):
        for _, name, at_s in kills:
            views = story.without(name, at_s)
            assert len(views) == 3
            found.append(np.mean([seen_s - at_s for seen_s in views.values()]))
    return np.array(found)


def gossip_finds_dead_hosts(runs: int = 8) -> None:
    rng = np.random.default_rng(4)
    expected = np.mean([hosts_death_s(rng) for _ in range(8000)]) + np.mean([gossip_s(rng) for _ in range(100)])
    seen = hosts_deaths(runs=runs)
    assert seen.mean() == pytest.approx(expected, rel=0.05), (seen.mean(), expected, seen.std() / np.sqrt(len(seen)))


@pytest.mark.slow
def test_a_dead_host_is_critical_after_swims_suspicion() -> None:
    gossip_finds_dead_hosts()


def test_a_dead_host_is_gone_from_all_views_at_nearly_the_same_time() -> None:
    story = story_of(THREE, f"{{at: {AT_S}s, crash: app-3}}", duration="2min")
    [unhealthy_s] = story.times("unhealthy", "api-3")
    assert AT_S + 1.0 + 4.816 < unhealthy_s < AT_S + 20.0
    assert all(0.0 < at_s - unhealthy_s < SOON_S for at_s in story.without("api-3", AT_S).values())


def test_an_agent_that_dies_takes_what_runs_on_its_node_with_it() -> None:
    """A false verdict, as the real system's: the instances are well. They are back once the agent has joined."""
    story = story_of(THREE, f"{{at: {AT_S}s, crash: consul-agent-app-3, for: 60s}}", duration="4min")
    [unhealthy_s] = story.times("unhealthy", "api-3")
    assert AT_S + 5.0 < unhealthy_s < AT_S + 20.0 and "api-3" not in story.log.query("event == 'down'").subject.values
    back = story.knowing("api-3", AT_S + 60.0).values()
    assert len(back) == 3 and all(0.0 < at_s - AT_S - 60.0 < INTERVAL_S + 2.0 for at_s in back)


# Servers


def test_without_a_quorum_views_stand_still_and_changes_come_when_it_is_back() -> None:
    """The agent tries to tell of its check's failure for 7 s, then again after 15 to 30 s."""
    story = story_of(
        THREE,
        f"{{at: {AT_S}s, crash: [consul-1, consul-2], for: 60s}}",
        f"{{at: {AT_S + 10}s, crash: api-3}}",
        duration="5min",
    )
    [unhealthy_s] = story.times("unhealthy", "api-3")
    assert AT_S + 10.0 < unhealthy_s < AT_S + 20.0 + SOON_S
    elected_s = next(at_s for at_s in story.times("elected") if at_s > AT_S)
    assert all(at_s > elected_s > AT_S + 60.0 for at_s, _, _ in story.views())
    assert all(at_s < elected_s + 7.0 + 30.0 + 5.0 for at_s in story.without("api-3", AT_S).values())
    assert len(story.without("api-3", AT_S)) == 3


@pytest.mark.parametrize("consistency", ["default", "stale", "consistent"])
def test_a_dead_leader_is_replaced_and_clients_go_on(consistency: str) -> None:
    story = story_of(
        f"{{consul: {{nodes: control, consistency: {consistency}}}}}",
        f"{{at: {AT_S}s, crash: {{leader: consul}}}}",
        f"{{at: {AT_S + 60}s, crash: api-3}}",
        duration="4min",
    )
    elected_s = next(at_s for at_s in story.times("elected") if at_s > AT_S)
    assert 3.0 < elected_s - AT_S < 30.0, "HeartbeatTimeout is 5 s"
    gone = story.without("api-3", AT_S + 60.0)
    assert len(gone) == 3 and all(at_s - AT_S - 60.0 < INTERVAL_S + SOON_S for at_s in gone.values())


def test_raft_is_faster_with_a_smaller_multiplier() -> None:
    registry = "{consul: {nodes: control, raft_multiplier: 1}}"
    story = story_of(registry, f"{{at: {AT_S}s, crash: {{leader: consul}}}}", duration="2min")
    assert next(at_s for at_s in story.times("elected") if at_s > AT_S) - AT_S < 6.0


def test_calm_runs_change_nothing_and_queries_are_renewed() -> None:
    story = story_of(THREE, duration="15min")
    assert not list(story.views()) and not story.times("unhealthy") and not story.times("registered")


# Mutants


def test_agents_that_tell_nobody_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Agent, "_turned", lambda self, local: None)
    with pytest.raises(AssertionError):
        check_finds_the_dead(runs=1)


@pytest.mark.slow
def test_a_leader_that_does_not_listen_to_gossip_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "_see", lambda self, agent, status: None)
    with pytest.raises(AssertionError):
        gossip_finds_dead_hosts(runs=1)


def test_checks_that_run_half_as_often_are_caught() -> None:
    with pytest.raises(AssertionError):
        check_finds_the_dead("{consul: {nodes: control, interval: 20s}}", runs=1)


def test_a_process_that_is_dead_is_not_healthy_because_its_node_is() -> None:
    """Its node is cut off, it dies, the node is back: its check still fails."""
    others = [f"app-{number}" for number in range(1, 11) if number != 3]
    all_others = f"[{{nodes: [control, front]}}, {{node: [{', '.join(others)}]}}]"
    cut = f"{{at: {AT_S}s, partition: [{{node: app-3}}, {all_others}], for: 40s}}"
    story = story_of(THREE, cut, f"{{at: {AT_S + 5.0}s, crash: api-3}}", duration="160s")
    assert story.times("unhealthy", "api-3")
    assert story.times("healthy", "api-3") == []
