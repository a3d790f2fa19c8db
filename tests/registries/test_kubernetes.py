"""`kubernetes`: who is ready when, by the rules of its sources. Expectations are worked out here from the timers."""

from __future__ import annotations

import numpy as np
import pytest

from sim.registries.kubernetes.kubelet import Kubelet, Worker
from sim.registries.kubernetes.settings import Settings
from tests.registries.story import Story, model_of, stories

AT_S = 100.0
FIVE = [f"api-{number}" for number in range(1, 6)]


def registry(keys: str = "", version: str = "1.32") -> str:
    return f"{{kubernetes@{version}: {{servers: 2, nodes: control{keys}}}}}"


def waits(fault: str, keys: str = "", version: str = "1.32", runs: int = 10, duration: str = "170s") -> np.ndarray:
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
    seen = waits(killed(), ", relist: 1s", duration="110s")
    assert seen.max() < 1.0 + 1.02
    assert seen.mean() < 1.0


def test_who_is_told_to_stop_leaves_at_once_and_returns_with_its_first_probe() -> None:
    fault = f"{{at: {AT_S}s, restart: [api-1, api-2, api-3, api-4, api-5], graceful: true, for: 20s}}"
    back = []
    for story in stories(model_of(registry(", proxy_sync: 0s"), fault, duration="150s"), 10):
        for name in FIVE:
            assert max(story.without(name, AT_S).values()) - AT_S < 0.01
            back += [at - AT_S - 20.0 for at in story.knowing(name, AT_S + 20.0).values()]
    assert len(back) == 150
    assert abs(np.mean(back) / 5.0 - 1.0) < 0.1
    assert 0.0 < min(back) < max(back) < 10.01


def test_after_a_crash_one_success_is_enough() -> None:
    story = Story(model_of(registry(), f"{{at: {AT_S}s, crash: api-1, for: 60s}}", duration="175s"))
    assert 0.0 < max(story.knowing("api-1", AT_S + 60.0).values()) - AT_S - 60.0 < 10.01
    two = Story(model_of(registry(", successes: 2"), f"{{at: {AT_S}s, crash: api-1, for: 60s}}", duration="185s"))
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
    story = Story(model_of(registry(), f"{{at: {AT_S}s, pause: api-1, for: 19s}}", duration="150s"))
    assert story.times("unhealthy") == []


def test_while_api_servers_are_down_lists_stand_still() -> None:
    """The kubelet finds out and cannot report. Afterwards somebody has to lead: 15 s without a renewal."""
    faults = "{at: 90s, crash: [kubernetes-1, kubernetes-2], for: 100s}", f"{{at: {AT_S}s, crash: api-1}}"
    for story in stories(model_of(registry(), *faults, duration="230s"), 4):
        assert 120.0 < story.times("unhealthy", "api-1")[0] < 130.1
        gone = story.without("api-1", AT_S)
        assert len(gone) == 3
        assert all(190.0 + 15.0 < at < 190.0 + 15.0 + 2 * 2.0 + 30.0 for at in gone.values())


def test_the_other_controllers_take_over() -> None:
    """They saw the last renewal, up to 2 s old, within 2 s, and take its lease at their eighth try after that."""
    for story in stories(model_of(registry(), "{at: 100s, crash: kubernetes-1}", duration="125s"), 6):
        [elected] = story.times("elected")
        assert 114.0 < elected < 118.0
        assert story.times("unhealthy") == []


def test_a_partition_of_a_node_costs_it_its_pods_until_it_is_over() -> None:
    cut = f"{{at: {AT_S}s, partition: [{{node: app-1}}, {{nodes: control}}], for: 100s}}"
    for story in stories(model_of(registry(), cut, duration="235s"), 6):
        gone, back = story.without("api-1", AT_S), story.knowing("api-1", AT_S + 100.0)
        assert all(40.0 < at - AT_S < 55.1 for at in gone.values())
        assert all(0.0 < at - AT_S - 100.0 < 20.2 for at in back.values()), "a report is due within 10 s"
        assert len(back) == 3


def test_clients_cut_off_keep_their_lists() -> None:
    cut = "{at: 90s, partition: [{nodes: front}, {nodes: control}]}"
    story = Story(model_of(registry(), cut, f"{{at: {AT_S}s, crash: api-1}}", duration="250s"))
    assert story.without("api-1", AT_S) == {}


def test_proxies_write_twice_and_then_once_a_second() -> None:
    stops = [f"{{at: {AT_S + 0.1 * n:.1f}s, restart: api-{n}, graceful: true, for: 50s}}" for n in range(1, 5)]
    story = Story(model_of(registry(), *stops, duration="110s", clients=1))
    times = [at - AT_S for at, _, _ in story.views()]
    assert times == pytest.approx([0.1, 0.2, 1.1], abs=0.02), "the last two at once, when there is a token again"


def test_mutant_that_never_reports_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kubelet, "_sync", lambda self: None)
    faults = "{at: 90s, crash: [kubernetes-1, kubernetes-2], for: 100s}", f"{{at: {AT_S}s, crash: api-1}}"
    assert Story(model_of(registry(), *faults, duration="230s")).without("api-1", AT_S) == {}


def test_kubelets_find_the_one_server_that_is_left() -> None:
    """Each tries the next when one has not answered for 10 s, whatever else it was asked meanwhile."""
    registry_of_three = "{kubernetes: {servers: 3, nodes: control}}"
    for story in stories(model_of(registry_of_three, f"{{at: {AT_S}s, crash: [control-1, control-2]}}"), 10):
        assert story.times("unhealthy") == []
