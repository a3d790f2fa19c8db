"""`kubernetes`: who is ready when, by the rules of its sources. Expectations are worked out here from the timers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.engine import simulate
from sim.registries.kubernetes.kubelet import Kubelet, Worker
from sim.registries.kubernetes.messages import Endpoints
from sim.registries.kubernetes.settings import Settings
from sim.registries.kubernetes.store import Lead, Lose, Publish, Store
from sim.registries.raft_group import Done, Then
from sim.registries.raft_member import RaftMember
from tests.registries.story import Story, model_of, stories

AT_S = 30.0
FIVE = [f"api-{number}" for number in range(1, 6)]


def registry(keys: str = "", version: str = "1.32") -> str:
    return f"{{kubernetes@{version}: {{servers: 3, nodes: control{keys}}}}}"


def waits(fault: str, keys: str = "", version: str = "1.32", runs: int = 10, duration: str = "100s") -> np.ndarray:
    """From a fault of five instances (or their hosts) to each client's view without them."""
    found: list[float] = []
    for story in stories(model_of(registry(keys, version), fault, duration=duration), runs):
        for name in FIVE:
            clients = story.without(name, AT_S)
            assert len(clients) == 3
            found.append(max(clients.values()) - AT_S)
    return np.array(found)


def check(seen: np.ndarray, least_s: float, mean_s: float, most_s: float) -> None:
    assert abs(seen.mean() / mean_s - 1.0) < 0.05, (seen.mean(), mean_s)
    assert least_s - 0.01 < seen.min() < seen.max() < most_s + 1.02, "a proxy may have to wait for a second"


def killed(victims: str = "[api-1, api-2, api-3, api-4, api-5]") -> str:
    return f"{{at: {AT_S}s, crash: {victims}}}"


def test_a_process_that_died_fails_three_probes() -> None:
    """The first comes within a period of 10 s, and two more follow."""
    check(waits(killed()), 20.0, 25.0, 30.0)


def test_a_process_that_stands_still_is_given_a_second_each_time() -> None:
    check(waits(f"{{at: {AT_S}s, pause: [api-1, api-2, api-3, api-4, api-5]}}"), 21.0, 26.0, 31.0)


HOSTS = "[app-1, app-2, app-3, app-4, app-5]"


@pytest.mark.parametrize("version, grace_s", [("1.31", 40.0), ("1.32", 50.0)])
def test_a_host_that_died_is_found_out_by_its_lease(version: str, grace_s: float) -> None:
    """Its lease was renewed up to 10 s before, which the monitor saw up to 5 s after that."""
    rng = np.random.default_rng(1)
    ago, seen_after = rng.uniform(0, 10, 50_000), rng.uniform(0, 5, 50_000)
    expected = grace_s - ago + seen_after
    check(waits(killed(HOSTS), version=version, runs=20), grace_s - 10.0, float(expected.mean()), grace_s + 5.0)


def test_a_container_that_died_is_seen_by_the_runtime() -> None:
    seen = waits(killed(), ", relist: 1s", duration="40s")
    assert seen.max() < 1.0 + 1.02
    assert seen.mean() < 1.0


def test_who_is_told_to_stop_leaves_at_once_and_returns_with_its_first_probe() -> None:
    fault = f"{{at: {AT_S}s, restart: [api-1, api-2, api-3, api-4, api-5], graceful: true, for: 20s}}"
    back = []
    for story in stories(model_of(registry(", proxy_sync: 0s"), fault, duration="80s"), 10):
        for name in FIVE:
            assert max(story.without(name, AT_S).values()) - AT_S < 0.01
            back += [at - AT_S - 20.0 for at in story.knowing(name, AT_S + 20.0).values()]
    assert len(back) == 150
    assert abs(np.mean(back) / 5.0 - 1.0) < 0.1
    assert 0.0 < min(back) < max(back) < 10.01


def test_after_a_crash_one_success_is_enough() -> None:
    story = Story(model_of(registry(), f"{{at: {AT_S}s, crash: api-1, for: 60s}}", duration="105s"))
    assert 0.0 < max(story.knowing("api-1", AT_S + 60.0).values()) - AT_S - 60.0 < 10.01
    two = Story(model_of(registry(", successes: 2"), f"{{at: {AT_S}s, crash: api-1, for: 60s}}", duration="115s"))
    assert max(two.knowing("api-1", AT_S).values()) == pytest.approx(
        max(story.knowing("api-1", AT_S).values()) + 10.0, abs=0.01
    )


SETTINGS = Settings(10.0, 1.0, 3, 2, None, 10.0, 10.0, 5.0, 40.0, 0.0, 1.0)


def test_results_in_a_row() -> None:
    worker = Worker("probe", ready=True, last=True, run=9)
    assert [worker.saw(result, SETTINGS) for result in (False, False, True, False, False, False, False)] == [
        False, False, False, False, False, True, False,
    ]  # fmt: skip
    assert [worker.saw(True, SETTINGS) for _ in range(3)] == [False, True, False]


def test_mutant_whose_failures_need_not_be_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def saw(self: Worker, success: bool, settings: Settings) -> bool:
        self.run += not success
        return self.run >= settings.failures and self.ready

    worker = Worker("probe", ready=True, last=True)
    monkeypatch.setattr(Worker, "saw", saw)
    assert [worker.saw(result, SETTINGS) for result in (False, False, True, False)] == [False, False, False, True]


def test_a_short_pause_is_not_noticed() -> None:
    story = Story(model_of(registry(), f"{{at: {AT_S}s, pause: api-1, for: 19s}}", duration="80s"))
    assert story.times("unhealthy") == []


def test_while_api_servers_are_down_lists_stand_still() -> None:
    """The kubelet finds out and cannot report. Afterwards somebody has to lead: 15 s without a renewal."""
    faults = "{at: 20s, crash: [kubernetes-1, kubernetes-2, kubernetes-3], for: 100s}", f"{{at: {AT_S}s, crash: api-1}}"
    for story in stories(model_of(registry(), *faults, duration="160s"), 4):
        assert 50.0 < story.times("unhealthy", "api-1")[0] < 60.1
        gone = story.without("api-1", AT_S)
        assert len(gone) == 3
        assert all(120.0 + 15.0 < at < 120.0 + 15.0 + 2 * 2.0 + 30.0 for at in gone.values())


def test_the_other_controllers_take_over() -> None:
    """They saw the last renewal, up to 2 s old, within 2 s, and take its lease at their eighth try after that."""
    for story in stories(model_of(registry(), "{at: 30s, crash: kubernetes-1}", duration="55s"), 6):
        [taken] = story.times("controls")
        assert 44.0 < taken < 48.0
        assert 30.8 < story.times("elected")[1] < 35.0, "the store has a leader long before"
        assert story.times("unhealthy") == []


def test_a_partition_of_a_node_costs_it_its_pods_until_it_is_over() -> None:
    cut = f"{{at: {AT_S}s, partition: [{{node: app-1}}, {{nodes: control}}], for: 100s}}"
    for story in stories(model_of(registry(), cut, duration="165s"), 4):
        gone, back = story.without("api-1", AT_S), story.knowing("api-1", AT_S + 100.0)
        assert all(40.0 < at - AT_S < 55.1 for at in gone.values())
        assert all(0.0 < at - AT_S - 100.0 < 20.2 for at in back.values()), "a report is due within 10 s"
        assert len(back) == 3


def test_clients_cut_off_keep_their_lists() -> None:
    cut = "{at: 20s, partition: [{nodes: front}, {nodes: control}]}"
    story = Story(model_of(registry(), cut, f"{{at: {AT_S}s, crash: api-1}}", duration="150s"))
    assert story.without("api-1", AT_S) == {}


def test_proxies_write_twice_and_then_once_a_second() -> None:
    stops = [f"{{at: {AT_S + 0.1 * n:.1f}s, restart: api-{n}, graceful: true, for: 50s}}" for n in range(1, 5)]
    story = Story(model_of(registry(), *stops, duration="40s", clients=1))
    times = [at - AT_S for at, _, _ in story.views()]
    assert times == pytest.approx([0.1, 0.2, 1.1], abs=0.02), "the last two at once, when there is a token again"


def test_mutant_that_never_reports_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kubelet, "_sync", lambda self: None)
    faults = "{at: 20s, crash: [kubernetes-1, kubernetes-2, kubernetes-3], for: 100s}", f"{{at: {AT_S}s, crash: api-1}}"
    assert Story(model_of(registry(), *faults, duration="160s")).without("api-1", AT_S) == {}


def test_kubelets_find_the_servers_that_are_left() -> None:
    """Each tries the next when one has not answered for 10 s, whatever else it was asked meanwhile."""
    registry_of_five = "{kubernetes: {servers: 5, nodes: control}}"
    for story in stories(
        model_of(registry_of_five, f"{{at: {AT_S}s, crash: [control-1, control-2]}}", duration="130s"), 3
    ):
        assert story.times("unhealthy") == []


INSIDE = "[{node: control-3}, {node: front-1}, {node: app-1}]"
OUTSIDE = f"[{', '.join(f'{{node: {n}}}' for n in ['control-1', 'control-2', *(f'app-{i}' for i in range(2, 11))])}, "
OUTSIDE += "{node: front-2}, {node: front-3}]"
ZONE_CUT_OFF = (
    f"{{at: 20s, partition: [{INSIDE}, {OUTSIDE}], for: 250s}}",
    f"{{at: {AT_S}s, crash: api-1}}",
    f"{{at: {AT_S}s, crash: api-2}}",
    "{at: 90s, restart: kubernetes-node-front-1, for: 1s}",
)


def test_in_a_zone_that_is_cut_off_the_api_server_tells_what_it_knew() -> None:
    """Outside, the node's lease ends and the other instance fails its probes. Inside, a proxy that begins anew, and
    comes to the API server there, is given the list of before. When all is over it hears of what has happened."""
    for story in stories(model_of(registry(), *ZONE_CUT_OFF, duration="265s"), 2):
        gone, also_gone = story.without("api-1", 20.0), story.without("api-2", 20.0)
        assert set(gone) == set(also_gone) == {"web-2", "web-3"}
        assert all(20.0 + 40.0 < at < 20.0 + 55.0 + 1.1 for at in gone.values())
        assert all(AT_S + 20.0 < at < AT_S + 30.0 + 1.1 for at in also_gone.values())
        proxy = story.cluster.daemons["kubernetes-node-front-1/proxy"]
        assert proxy.server == "kubernetes-3/api"
        assert proxy._known == Endpoints(0, (("api", tuple(f"api-{n}" for n in range(1, 11))),))
    story = Story(model_of(registry(), *ZONE_CUT_OFF, duration="290s"))
    assert 270.0 < story.without("api-2", 20.0)["web-1"] < 275.0


def test_mutant_whose_api_servers_share_their_store(monkeypatch: pytest.MonkeyPatch) -> None:
    def propose(self: RaftMember, data: Any, then: Then, timeout_s: float) -> None:
        results = {host: member.state_machine.apply(0, data) for host, member in self.group.members.items()}
        then(Done("ok", results[self.host]))

    monkeypatch.setattr(RaftMember, "propose", propose)
    story = Story(model_of(registry(), *ZONE_CUT_OFF, duration="100s"))
    assert story.without("api-2", 20.0)["web-1"] < 62.0


def test_one_of_three_api_servers_can_write_nothing() -> None:
    """It is up, and probes go on; but no pod and no node is found unready before there is a quorum again."""
    lonely = "{at: 20s, crash: [kubernetes-1, kubernetes-2], for: 80s}"
    faults = lonely, f"{{at: {AT_S}s, crash: [api-1, app-2]}}"
    for story in stories(model_of(registry(), *faults, duration="190s"), 3):
        assert story.times("unhealthy", "api-1")[0] < AT_S + 30.1
        assert story.times("unwritable")[0] == pytest.approx(20.0, abs=0.2)
        assert 100.0 < story.times("writable")[0] < 103.0
        for name in ("api-1", "api-2"):
            gone = story.without(name, AT_S)
            assert len(gone) == 3 and min(gone.values()) > 100.0


def test_an_api_server_without_its_peers_sends_kubelets_away_and_keeps_its_watchers() -> None:
    """It had led. Kubelets reach all three, and write at the others; proxies that watch it hear nothing wrong."""
    cut = f"{{at: {AT_S}s, partition: [{{node: control-1}}, [{{node: control-2}}, {{node: control-3}}]], for: 160s}}"
    left = 0
    for story in stories(model_of(registry(), cut, "{at: 60s, crash: api-1}", duration="120s"), 4):
        [taken] = story.times("controls")
        assert 44.0 < taken < 48.0
        assert set(story.log.loc[story.log["event"] == "unhealthy", "subject"]) == {"api-1"}, "no node is lost"
        gone = story.without("api-1", AT_S)
        for number in (1, 2, 3):
            proxy = story.cluster.daemons[f"kubernetes-node-front-{number}/proxy"]
            is_behind = proxy.server == "kubernetes-1/api"
            assert (f"web-{number}" not in gone) == is_behind
            left += is_behind
    assert 0 < left < 12


def test_a_write_made_from_what_is_not_so_any_more_is_refused() -> None:
    store = Store.founding({"api": ("api-1", "api-2")}, {"api-1": "app-1", "api-2": "app-2"}, "control-1")
    assert store.apply(Lead("control-2", 1)) == (True, [])
    assert store.apply(Lead("control-3", 1)) == (False, [])
    assert store.leader.holder == "control-2"
    assert store.apply(Lose("app-1")) == (True, [("unhealthy", "api-1", "app-1 is not ready")])
    known = Endpoints(1, store.selected())
    assert known.ready == (("api", ("api-2",)),)
    assert store.apply(Publish(known)) == (True, [])
    assert store.apply(Publish(Endpoints(1, ()))) == (False, [])
    assert store.endpoints == known


def test_one_api_server_is_a_cluster_of_one() -> None:
    alone = "{kubernetes: {servers: 1, nodes: control}}"
    story = Story(model_of(alone, f"{{at: {AT_S}s, crash: api-1}}", duration="70s"))
    assert all(20.0 < at - AT_S < 31.1 for at in story.without("api-1", AT_S).values())
    assert len(story.without("api-1", AT_S)) == 3


def test_faults_strike_whoever_leads() -> None:
    story = Story(model_of(registry(), "{at: 50s, crash: {leader: registry}}", duration="70s"))
    assert ("down", "kubernetes-1") in story.events("truth")
    assert len(story.times("elected")) == 2, "the first one before the beginning"


def test_its_raft_group_can_be_checked() -> None:
    model = replace(model_of(registry(), *ZONE_CUT_OFF, duration="290s"), checks=("raft",))
    assert simulate(model).violations == []
