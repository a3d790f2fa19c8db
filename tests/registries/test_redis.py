"""`redis`: keys that expire, replicas that lag, sentinels that agree. Expectations follow from the timers."""

from __future__ import annotations

import numpy as np
import pytest

from sim.engine.mail import Letter
from sim.registries.redis.messages import Delete, Get, Put, Scan, Value
from sim.registries.redis.sentinel import Sentinel
from sim.registries.redis.server import Server
from tests.registries.story import Story, model_of, stories

AT_S = 60.0
FIVE = [f"api-{number}" for number in range(1, 6)]


ALONE = ", sentinels: 1, quorum: 1"


def registry(keys: str = "") -> str:
    return f"{{redis: {{nodes: control, down_after: 2s, failover_timeout: 20s{keys}}}}}"


def test_who_dies_is_known_until_its_key_expires_and_is_read_again() -> None:
    """The key was set up to 10 s before and lasts for 30 s; clients read every 5 s."""
    fault = f"{{at: {AT_S}s, crash: [api-1, api-2, api-3, api-4, api-5]}}"
    gone, seen = [], []
    for story in stories(model_of(registry(ALONE), fault, duration="100s"), 8):
        for name in FIVE:
            gone += [at - AT_S for at in story.times("expired", name)]
            seen += [at - AT_S for at in story.without(name, AT_S).values()]
    assert (len(gone), len(seen)) == (40, 120)
    assert abs(np.mean(gone) / 25.0 - 1.0) < 0.05
    assert 20.0 < min(gone) < max(gone) < 30.01
    assert abs(np.mean(seen) / 27.5 - 1.0) < 0.05
    assert 20.0 < min(seen) < max(seen) < 35.01


def test_who_stops_gracefully_deletes_its_key_and_comes_back_at_once() -> None:
    fault = f"{{at: {AT_S}s, restart: [api-1, api-2, api-3, api-4, api-5], graceful: true, for: 15s}}"
    away, back = [], []
    for story in stories(model_of(registry(ALONE), fault, duration="85s"), 5):
        for name in FIVE:
            away += [at - AT_S for at in story.without(name, AT_S).values()]
            back += [at - AT_S - 15.0 for at in story.knowing(name, AT_S + 15.0).values()]
            told = [*story.times("deregistered", name), *story.times("registered", name)]
            assert [round(at, 2) for at in told] == [AT_S, AT_S + 15.0]
    assert len(away) == len(back) == 75
    for waits in (away, back):
        assert abs(np.mean(waits) / 2.5 - 1.0) < 0.35, "fifteen phases of clients"
        assert max(waits) < 5.01


def test_a_failover_keeps_the_keys_and_the_clients_find_the_new_primary() -> None:
    story = Story(model_of(registry(), f"{{at: {AT_S}s, crash: control-1}}", duration="130s"))
    assert [subject for event, subject in story.events("redis") if event == "promoted"] == ["redis-2"]
    assert story.without("api-1", AT_S) == {}
    assert story.times("expired") == []
    assert {client._primary for client in clients(story)} == {"redis-2"}


def clients(story: Story) -> list[object]:
    return [daemon for address, daemon in story.cluster.daemons.items() if address.endswith("/redis-client")]


def test_a_primary_that_returns_before_anybody_noticed_is_empty() -> None:
    """And its replicas follow it, until all instances have set their keys again."""
    story = Story(model_of(registry(), f"{{at: {AT_S}s, crash: redis-1, for: 1s}}", duration="90s"))
    assert story.times("promoted") == []
    assert any(not known or len(known) < 10 for at, _, known in story.views() if at > AT_S)
    assert len(story.cluster.components["redis"].servers[1].data) == 10


OTHERS = ", ".join(f"{{node: control-{number}}}" for number in range(2, 6))
CUT = f"{{at: {AT_S}s, partition: [{{node: control-1}}, [{OTHERS}]], for: 30s}}"


def traced(fault: str) -> tuple[Story, list[tuple[float, str]]]:
    """A run, and when each write reached which server."""
    letters: list[Letter] = []
    story = Story(model_of(registry(), fault, duration="105s"), letters)
    return story, [(x.arrived_s, x.receiver) for x in letters if isinstance(x.message, Put) and x.arrived_s is not None]


def test_what_the_old_primary_acknowledged_alone_is_lost() -> None:
    """Clients reach both sides, and know no better than to go on writing to the old one until it is made a replica."""
    story, writes = traced(CUT)
    [promoted] = story.times("promoted")
    [demoted] = story.times("unwritable", "redis-1")
    assert demoted > AT_S + 30.0
    alone = sum(receiver == "redis-1/redis" and AT_S < at < demoted for at, receiver in writes)
    lost = story.log[story.log["event"] == "lost_writes"]["detail"].astype(int).sum()
    assert promoted < AT_S + 5.0
    assert lost == alone > 30


def test_replicas_that_are_cut_off_let_keys_expire_by_themselves() -> None:
    cut = f"{{at: {AT_S}s, partition: [{{node: control-3}}, [{{node: control-1}}, {{node: control-2}}]]}}"
    story = Story(model_of(registry(", servers: 3, read_from: replica"), cut, duration="110s", clients=6))
    emptied = {client for at, client, known in story.views() if at > AT_S and not known}
    assert 0 < len(emptied) < 6, "who reads there believes that all instances are gone"
    assert story.times("expired") == []


def test_a_client_reads_from_any_replica_and_leaves_it_once() -> None:
    """Of three servers two are replicas; two reads that fail at one of them move on by one."""
    drawn = []
    for story in stories(model_of(registry(", servers: 3, read_from: replica"), duration="1s", clients=20), 5):
        drawn += [client._server(Scan("")) for client in clients(story) if client.wanted]
    assert len(drawn) == 100
    assert set(drawn) == {"redis-2", "redis-3"}
    assert abs(drawn.count("redis-2") - 50) < 2.576 * 5.0
    [client, *_] = clients(story)
    left = client._server(Scan(""))
    client._leave(left)
    client._leave(left)
    assert client._server(Scan("")) not in (left, client._primary)


def test_keys_end_when_the_wall_clock_says_so() -> None:
    """Set forward by more than any key has left, it ends them within a cycle; set back, it lets them live."""
    story = Story(model_of(registry(ALONE), f"{{at: {AT_S}s, clock_jump: control-1, by: 40s}}", duration="75s"))
    gone = {name: story.times("expired", name) for name in (f"api-{number}" for number in range(1, 11))}
    assert all(len(at) == 1 and AT_S < at[0] < AT_S + 0.1 for at in gone.values()), gone
    assert sorted(story.log.loc[story.log["event"] == "registered", "subject"]) == sorted(gone)
    crash = f"{{at: {AT_S}s, crash: api-1}}"
    story = Story(
        model_of(registry(ALONE), crash, f"{{at: {AT_S}s, clock_jump: control-1, by: -20s}}", duration="2min")
    )
    [gone_s] = story.times("expired")
    assert 40.0 < gone_s - AT_S < 50.0


def test_a_key_that_is_over_when_it_is_set_again_has_expired() -> None:
    server = Story(model_of(registry(), duration="1s")).cluster.components["redis"].servers[0]
    told: list[str] = []
    server.told = lambda event, key: told.append(event)
    server.execute(Put("a", "1", 5.0))
    server._at.clock.jump(6.0)
    server.execute(Put("a", "2", 5.0))
    assert told == ["registered", "expired", "registered"]


def test_mutant_whose_keys_end_by_the_monotonic_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "_clock_jumped", lambda self: None)
    with pytest.raises(AssertionError):
        test_keys_end_when_the_wall_clock_says_so()


def test_without_a_quorum_nobody_is_promoted() -> None:
    faults = (
        f"{{at: {AT_S}s, crash: [redis-sentinel-2, redis-sentinel-3]}}",
        f"{{at: {AT_S + 5.0}s, crash: redis-1}}",
    )
    story = Story(model_of(registry(), *faults, duration="100s"))
    assert len(story.times("subjectively_down")) == 1
    assert story.times("objectively_down") + story.times("elected") == []


def test_a_quorum_without_a_majority_elects_nobody() -> None:
    """The quorum says who is down; to lead takes most of all sentinels."""
    faults = f"{{at: {AT_S}s, crash: [redis-sentinel-2, redis-sentinel-3]}}", f"{{at: {AT_S + 5.0}s, crash: redis-1}}"
    story = Story(model_of(registry(", quorum: 1"), *faults, duration="135s"))
    assert story.times("objectively_down")
    assert story.times("elected") == []
    aborted = story.times("aborted")
    assert np.diff(aborted).min() > 2 * 20.0, "the next try comes after twice the failover timeout"


def test_a_sentinel_that_stood_still_believes_nothing_for_half_a_minute() -> None:
    faults = f"{{at: {AT_S}s, pause: redis-sentinel-1, for: 3s}}", f"{{at: {AT_S + 10.0}s, crash: redis-1}}"
    story = Story(model_of(registry(), *faults, duration="80s"))
    assert story.times("tilt", "redis-sentinel-1") == pytest.approx([AT_S + 3.0], abs=0.01)
    assert set(story.log[story.log["event"] == "subjectively_down"]["subject"]) == {
        "redis-sentinel-2",
        "redis-sentinel-3",
    }


def epochs(seeds: int) -> list[tuple[str, str]]:
    """Who was elected in which epoch, when sentinels and servers die, and are cut off from each other."""
    found = []
    faults = (
        f"{{at: {AT_S}s, crash: redis-1}}",
        "{at: 50s, partition: [{node: control-4}, {node: control-5}], for: 30s}",
        "{at: 75s, crash: redis-2, for: 20s}",
        "{at: 61500ms, partition: [{node: control-2}, {node: control-3}], for: 5s}",
    )
    model = model_of(registry(", sentinels: 5, quorum: 2"), *faults, duration="90s")
    for number, story in enumerate(stories(model, seeds)):
        rows = story.log[story.log["event"] == "elected"]
        found += [(f"{number}: {detail}", who) for who, detail in zip(rows["subject"], rows["detail"], strict=True)]
    return found


def test_one_leader_an_epoch() -> None:
    elected = epochs(2)
    assert len(elected) >= 2
    assert len({epoch for epoch, _ in elected}) == len(elected)


def votes_for_all(self: Sentinel, epoch: int, candidate: str) -> tuple[str, int]:
    self.epoch = max(epoch, self.epoch)
    return candidate, epoch


def test_a_vote_is_given_once_an_epoch() -> None:
    sentinel = Story(model_of(registry(), duration="2s")).cluster.components["redis"].sentinels[0]
    assert [sentinel._vote(5, one) for one in ("a", "b")] == [("a", 5), ("a", 5)]
    assert sentinel._vote(4, "b") == ("a", 5)
    assert sentinel._vote(6, "b") == ("b", 6)
    assert [votes_for_all(sentinel, 7, one) for one in ("a", "b")] == [("a", 7), ("b", 7)], "a mutant"


def test_mutant_that_forgets_what_it_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "_demote", lambda self: self.cluster.record(self.component, "unwritable", self.host))
    story, _ = traced(CUT)
    assert len(story.times("lost_writes")) == 1, "what was found at the promotion is all"


def test_commands() -> None:
    server = Story(model_of(registry(), duration="1s")).cluster.components["redis"].servers[0]
    assert server.execute(Put("lock", "mine", 5.0, absent=True)).done
    assert not server.execute(Put("lock", "yours", 5.0, absent=True)).done
    assert not server.execute(Delete("lock", "yours")).done
    assert server.execute(Get("lock")) == Value(value="mine")
    assert server.execute(Delete("lock", "mine")).done
    assert server.execute(Get("lock")).value is None
    assert len(server.execute(Scan("api/")).keys) == 10
    replica = Story(model_of(registry(), duration="1s")).cluster.components["redis"].servers[1]
    assert replica.execute(Put("a", "b")) == Value(done=False, read_only=True)


def test_a_leader_that_dies_before_the_end_of_its_failover_comes_back_with_the_new_primary() -> None:
    """Its configuration has the promoted replica from the moment at which that says what it is."""
    killed = f"{{at: {AT_S}s, crash: redis-1}}"
    once = Story(model_of(registry(), killed, duration="70s")).log
    leader = once.loc[once["event"] == "elected", "subject"].iloc[0]
    told_s = once.loc[once["event"] == "switched", "time_s"].min()
    story = Story(model_of(registry(), killed, f"{{at: {told_s + 0.2}s, crash: {leader}, for: 20s}}", duration="95s"))
    assert story.times("switched", leader) == []
    assert {sentinel.primary for sentinel in story.cluster.components["redis"].sentinels} == {"redis-2"}
