"""`etcd`: who is known when. Expectations are worked out here from the timers of its sources."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sim.engine import Simulation
from sim.engine.mail import Letter
from sim.model import Model
from sim.registries.etcd.client import Client
from sim.registries.etcd.lessor import Lessor
from sim.registries.etcd.messages import Watch
from sim.registries.etcd.server import Server
from sim.registries.etcd.sessions import Session
from tests.registries.story import Story, model_of, stories

AT_S = 30.0
TTL_S = 10.0
EVERY_S = 3.5
"""The first look, every half second, after a third of 10 s."""
THREE = "{etcd: {nodes: control}}"
FIVE = "{etcd: {nodes: control, members: 5}}"
RAFT_S = 0.02
"""More than a commit and the way of an event take on the network of the story."""


def removal_s(runs: int = 40_000) -> np.ndarray:
    """Seconds from a kill to a client's view, drawn from phases that are uniform in their periods."""
    rng = np.random.default_rng(5)
    return np.asarray(TTL_S - rng.uniform(0.0, EVERY_S, runs) + rng.uniform(0.0, 0.5, runs))


@pytest.mark.parametrize("place", ["api", "app"], ids=["process", "host"])
def test_who_dies_is_known_until_the_lease_ends_and_the_leader_looks(place: str) -> None:
    everybody = ", ".join(f"{place}-{number}" for number in range(1, 11))
    model = model_of(THREE, f"{{at: {AT_S}s, crash: [{everybody}]}}", duration="42s")
    told = [story.without(f"api-{n}", AT_S) for story in stories(model, 12) for n in range(1, 11)]
    assert all(len(clients) == 3 for clients in told)
    seen, expected = np.concatenate([list(clients.values()) for clients in told]) - AT_S, removal_s()
    half = 2.576 * expected.std() / np.sqrt(120)
    assert abs(seen.mean() - expected.mean()) < half, (seen.mean(), expected.mean(), half)
    assert TTL_S - EVERY_S < seen.min() < seen.max() < TTL_S + 0.5 + RAFT_S


def test_clients_hear_within_a_round_trip_of_each_other() -> None:
    story = Story(model_of(THREE, f"{{at: {AT_S}s, crash: api-3}}", duration="42s", clients=6))
    [expired_s] = story.times("expired", "api-3")
    heard = story.without("api-3", AT_S).values()
    assert len(heard) == 6
    assert all(0.0 < at_s - expired_s < 0.001 for at_s in heard)


def test_an_instance_that_stops_in_order_is_forgotten_at_once() -> None:
    story = Story(model_of(THREE, f"{{at: {AT_S}s, restart: api-3, for: 5s, graceful: true}}", duration="60s"))
    [gone_s] = story.times("deregistered", "api-3")
    assert AT_S < gone_s < AT_S + RAFT_S
    assert story.times("expired") == []
    [back_s] = story.times("registered", "api-3")
    up_s = story.times("up", "api-3")[0]
    assert up_s < back_s < up_s + RAFT_S


def test_an_instance_that_is_back_before_its_lease_ends_is_never_missed() -> None:
    """Its key has moved to a new lease when the old one ends."""
    story = Story(model_of(THREE, f"{{at: {AT_S}s, restart: api-3, for: 2s}}", duration="60s"))
    assert story.times("expired") == [] and story.times("registered") == []
    assert list(story.views()) == []


def test_a_pause_longer_than_the_lease_takes_an_instance_out_until_it_registers_anew() -> None:
    story = Story(model_of(THREE, f"{{at: {AT_S}s, pause: api-3, for: 20s}}", duration="60s"))
    [expired_s], [back_s] = story.times("expired", "api-3"), story.times("registered", "api-3")
    assert TTL_S - EVERY_S < expired_s - AT_S < TTL_S + 0.5 + RAFT_S
    assert 0.0 <= back_s - AT_S - 20.0 < 1.0 + RAFT_S, "it hears that the lease is gone, and tries again after 1 s"
    assert all(AT_S + 20.0 < at_s < AT_S + 22.0 for at_s in story.knowing("api-3", AT_S + 15.0).values())


def test_a_pause_shorter_than_the_lease_goes_unnoticed() -> None:
    story = Story(model_of(THREE, f"{{at: {AT_S}s, pause: api-3, for: 5s}}", duration="60s"))
    assert story.times("expired") == []


def test_a_new_leader_extends_all_leases() -> None:
    """The instance dies before the leader: by its own clock the new leader waits a whole time to live, and an election
    timeout, from the first entry of its term on."""
    model = model_of(
        THREE, f"{{at: {AT_S}s, crash: api-3}}", f"{{at: {AT_S + 1}s, crash: {{leader: etcd}}}}", duration="60s"
    )
    for story in stories(model, 5):
        elected_s = next(at_s for at_s in story.times("elected") if at_s > AT_S)
        [expired_s] = story.times("expired", "api-3")
        assert TTL_S + 1.0 < expired_s - elected_s < TTL_S + 1.0 + 0.5 + RAFT_S


def unwritable_s(story: Story) -> float:
    """From when on nothing could be committed, until something was again; once."""
    ([from_s], [to_s]) = story.times("unwritable"), story.times("writable")
    return float(to_s - from_s)


@pytest.mark.parametrize("dead", ["", "etcd-2"], ids=["all", "one is dead"])
def test_a_leader_that_stops_in_order_hands_over_first(dead: str) -> None:
    """Within the last heartbeat, and a few ways of 0.1 ms; who is left without a leader waits for 1 s and more."""
    before = (f"{{at: {AT_S - 20.0}s, crash: {dead}}}",) if dead else ()
    for fault, hands_over in ((f"restart: etcd-1, for: 5s, graceful: {str(g).lower()}", g) for g in (True, False)):
        story = Story(model_of(FIVE, *before, f"{{at: {AT_S}s, {fault}}}", duration="50s"))
        old, new = (subject for event, subject in story.events("etcd") if event == "elected")
        assert old == "etcd-1" and new != dead and not story.times("expired")
        at_s = story.times("elected")[1] - AT_S
        assert (at_s < 0.01 and unwritable_s(story) < 0.12) if hands_over else unwritable_s(story) > 0.9


@pytest.mark.parametrize("version, pre_votes", [("3.4", False), ("3.5", True)])
def test_the_versions_differ_in_pre_vote(version: str, pre_votes: bool) -> None:
    [etcd] = model_of(f"{{etcd@{version}: {{nodes: control}}}}").components
    assert etcd.settings.pre_vote is pre_votes  # type: ignore[attr-defined]


def test_without_a_quorum_nothing_changes_and_clients_keep_what_they_have() -> None:
    story = Story(
        model_of(
            THREE,
            f"{{at: {AT_S}s, crash: [etcd-1, etcd-2], for: 40s}}",
            f"{{at: {AT_S + 5}s, crash: api-3}}",
            f"{{at: {AT_S + 5}s, restart: api-4, for: 1s}}",
            duration="100s",
        )
    )
    back_s = AT_S + 40.0
    assert all(at_s > back_s for event in ("expired", "registered") for at_s in story.times(event))
    assert all(at_s > back_s for at_s, _, _ in story.views())
    [expired_s] = story.times("expired")
    elected_s = next(at_s for at_s in story.times("elected") if at_s > back_s)
    assert expired_s > elected_s + TTL_S


def test_a_client_at_a_member_that_is_cut_off_goes_on_with_an_old_view() -> None:
    """Its watch is silent; what happened meanwhile comes after the partition, by retransmission, and once."""
    rest = "[{node: control-1}, {node: control-2}, {nodes: app}]"
    model = model_of(
        THREE,
        f"{{at: {AT_S}s, partition: [[{{node: control-3}}, {{nodes: front}}], {rest}], for: 40s}}",
        f"{{at: {AT_S + 1}s, crash: api-3}}",
        duration="100s",
    )
    story = Story(model)
    [expired_s] = story.times("expired", "api-3")
    assert expired_s < AT_S + 1.0 + TTL_S + 1.0 + 2.0 + 0.5 + 1.0
    heard = story.without("api-3", AT_S)
    assert set(heard) == {"web-1", "web-2", "web-3"}
    assert all(AT_S + 40.0 < at_s < AT_S + 40.0 + 40.0 for at_s in heard.values())


def watch_letters(model: Model) -> list[Letter]:
    """All requests for watches, in order of time."""
    simulation = Simulation(model)
    simulation.cluster.mail.trace = trace = []
    simulation.run()
    return [letter for letter in trace if isinstance(letter.message, Watch)]


def test_a_watch_moves_to_another_member_when_its_own_dies() -> None:
    """The process dies: the connection is reset, and the next watch misses nothing."""
    model = model_of(
        THREE, f"{{at: {AT_S}s, crash: etcd-1}}", f"{{at: {AT_S + 5}s, crash: api-3}}", duration="60s", clients=6
    )
    letters = watch_letters(model)
    first, later = letters[:6], letters[6:]
    stranded = {letter.sender for letter in first if letter.receiver == "etcd-1/etcd"}
    assert stranded and {letter.sender for letter in later} == stranded
    assert all(0.0 < letter.sent_s - AT_S < 0.11 for letter in later)
    assert {letter.receiver for letter in later} <= {"etcd-2/etcd", "etcd-3/etcd"}
    assert len(Story(model).without("api-3", AT_S)) == 6


@pytest.mark.parametrize(
    "keep_alive, silent_s", [("none", (15.0 * 9, 15.0 * 10)), ("2s", (6.0, 8.0))], ids=["default", "as etcdctl"]
)
def test_a_member_whose_host_is_dead_is_noticed_by_keep_alives(keep_alive: str, silent_s: tuple[float, float]) -> None:
    """The kernel's, 15 s apart, nine unanswered; or gRPC's where the client sets them (etcdctl: 2 s and 6 s)."""
    text = f"{{etcd: {{nodes: control, keep_alive: {keep_alive}}}}}"
    letters = watch_letters(model_of(text, f"{{at: {AT_S}s, crash: control-3}}", duration="190s", clients=6))
    first, later = letters[:6], letters[6:]
    stranded = {letter.sender for letter in first if letter.receiver == "etcd-3/etcd"}
    assert stranded, "some client had its watch at the member that died"
    assert {letter.sender for letter in later} == stranded
    assert all(silent_s[0] <= letter.sent_s - AT_S - 0.1 <= silent_s[1] for letter in later)


def test_a_restarted_caller_knows_nobody_until_it_has_read() -> None:
    """And while nobody can answer a linearizable read, it has nobody to call."""
    crashed = f"{{at: {AT_S}s, crash: [etcd-1, etcd-2], for: 30s}}"
    model = model_of(THREE, crashed, f"{{at: {AT_S + 5}s, restart: web-1, for: 1s}}", duration="90s")
    views = [(at_s, known) for at_s, client, known in Story(model).views() if client == "web-1"]
    assert [known for _, known in views] == [set(), {f"api-{n}" for n in range(1, 11)}]
    assert views[0][0] == AT_S + 6.0
    assert views[1][0] > AT_S + 30.0


def test_serializable_reads_need_no_quorum() -> None:
    """Any member answers from what it has applied."""
    text = "{etcd: {nodes: control, reads: serializable}}"
    crashed = f"{{at: {AT_S}s, crash: [etcd-1, etcd-2], for: 30s}}"
    model = model_of(text, crashed, f"{{at: {AT_S + 5}s, restart: web-1, for: 1s}}", duration="90s")
    views = [(at_s, known) for at_s, client, known in Story(model).views() if client == "web-1"]
    assert len(views) == 2
    assert views[1][0] < AT_S + 6.0 + 2.0


def never_extends(self: Lessor, extend_s: float, now_s: float) -> None:
    self.is_primary = True
    for lease in self._ttl_s:
        self.ends_s[lease] = now_s


MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], Callable[..., None]]] = {
    "leases end without the leader's look": (
        lambda patch: patch.setattr("sim.registries.etcd.server.CHECK_EVERY_S", 5.0),
        test_who_dies_is_known_until_the_lease_ends_and_the_leader_looks,
    ),
    "keep-alives as often as clients look": (
        lambda patch: patch.setattr(Client, "keep_alive", lambda self, lease, ttl_s, lost, ago_s=0.0: None),
        test_a_pause_shorter_than_the_lease_goes_unnoticed,
    ),
    "a new leader ends what the old one kept": (
        lambda patch: patch.setattr(Lessor, "promote", never_extends),
        test_a_new_leader_extends_all_leases,
    ),
    "who stops says nothing": (
        lambda patch: patch.setattr(Client, "stopping", lambda self: None),
        test_an_instance_that_stops_in_order_is_forgotten_at_once,
    ),
    "a leader stops as if it were killed": (
        lambda patch: patch.setattr(Server, "stopping", lambda self: None),
        test_a_leader_that_stops_in_order_hands_over_first,
    ),
    "a lost lease is never granted again": (
        lambda patch: patch.setattr(Session, "_end", lambda self: None),
        test_a_pause_longer_than_the_lease_takes_an_instance_out_until_it_registers_anew,
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_found_out(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, law = MUTANTS[mutant]
    break_it(monkeypatch)
    arguments = ("api",) if "place" in law.__code__.co_varnames else ("",) * law.__code__.co_argcount
    with pytest.raises((AssertionError, ValueError)):
        law(*arguments)
