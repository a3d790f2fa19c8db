"""`go_micro`: lists in clients that are a minute old. Expectations are worked out here from the timers."""

from __future__ import annotations

import numpy as np
import pytest

from sim.registries.go_micro.client import Cached, Client
from tests.registries.story import Story, model_of, stories

AT_S = 100.0
FIVE = [f"api-{number}" for number in range(1, 6)]
KILLED = f"{{at: {AT_S}s, crash: [api-1, api-2, api-3, api-4, api-5]}}"


def registry(keys: str = "", version: str = "5") -> str:
    return f"{{go_micro@{version}: {{nodes: control{keys}}}}}"


def waits(keys: str = "", fault: str = KILLED, duration: str = "260s", runs: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """From a fault to the end of registrations, and to clients' lists without the instances."""
    expired: list[float] = []
    seen: list[float] = []
    for story in stories(model_of(registry(keys), fault, duration=duration), runs):
        for name in FIVE:
            expired += [at - AT_S for at in story.times("expired", name)]
            seen += [at - AT_S for at in story.without(name, AT_S).values()]
    assert len(seen) == 15 * runs
    return np.array(expired), np.array(seen)


def test_who_dies_stays_until_registration_and_cache_are_over() -> None:
    """A registration was up to 30 s old, lasts 90 s, and is pruned within a second; nobody tells the clients."""
    expired, seen = waits()
    assert abs(expired.mean() / (90.0 - 15.0 + 0.5) - 1.0) < 0.05
    assert 60.0 < expired.min() < expired.max() < 91.01
    assert abs(seen.mean() / (75.5 + 30.0) - 1.0) < 0.05
    assert 60.0 < seen.min() < seen.max() < 151.01


def test_a_registry_that_tells_its_watchers() -> None:
    expired, seen = waits(", expiry_events: true", runs=6)
    assert seen.mean() == pytest.approx(expired.mean(), abs=0.01)
    assert abs(seen.mean() / 75.5 - 1.0) < 0.05


def test_who_stops_gracefully_is_gone_at_once_and_back_at_once() -> None:
    story = Story(
        model_of(registry(), f"{{at: {AT_S}s, restart: api-3, graceful: true, for: 20s}}", duration="130s", clients=4)
    )
    assert len(story.without("api-3", AT_S)) == len(story.knowing("api-3", AT_S + 20.0)) == 4
    assert max(story.without("api-3", AT_S).values()) - AT_S < 0.01
    assert max(story.knowing("api-3", AT_S).values()) - AT_S - 20.0 < 0.01


def test_without_a_registry_lists_stay() -> None:
    faults = "{at: 50s, crash: go_micro-1}", f"{{at: {AT_S}s, crash: api-1}}"
    assert Story(model_of(registry(), *faults, duration="400s")).without("api-1", 50.0) == {}


def test_a_registry_that_forgot_all_gives_away_parts() -> None:
    """It does not know the service until one instance registers again, and then that one alone, for up to 30 s."""
    story = Story(model_of(registry(), f"{{at: {AT_S}s, crash: go_micro-1, for: 1s}}", duration="240s", clients=6))
    sizes = [len(known) for at, _, known in story.views() if at > AT_S]
    assert 0 < min(sizes) < 10
    assert len(story.cluster.components["go_micro"].seen["api"]) == 10
    last: dict[str, int] = {client: len(known) for _, client, known in story.views()}
    assert set(last.values()) == {10}, "its events put the lists right"


def test_a_client_that_starts_knows_nobody_until_it_has_asked() -> None:
    story = Story(model_of(registry(), f"{{at: {AT_S}s, crash: web-1, for: 5s}}", duration="110s"))
    mine = [(at, len(known)) for at, client, known in story.views() if client == "web-1" and at > AT_S]
    assert [size for _, size in mine] == [0, 10]
    assert mine[1][0] - mine[0][0] < 0.01


def test_versions_differ_in_what_an_event_renews() -> None:
    """In v2 whoever comes and goes keeps a list from ever being over; since v5 its other nodes are."""
    cache = Cached(["a", "b"])
    cache.fetched(["a", "b"], until_s=60.0)
    cache.changed("b", True, until_s=110.0)
    assert (cache.due_s(node_times=False), cache.due_s(node_times=True)) == (110.0, 60.0)
    cache.changed("a", False, until_s=120.0)
    assert (cache.nodes, cache.due_s(node_times=False), cache.due_s(node_times=True)) == (["b"], 120.0, 110.0)


@pytest.mark.parametrize("version, missed", [("5", False), ("2", True)])
def test_churn_hides_the_dead_in_v2(version: str, missed: bool) -> None:
    churn = [f"{{at: {40 + 50 * n}s, restart: api-{n + 2}, graceful: true, for: 5s}}" for n in range(8)]
    model = model_of(registry(version=version), f"{{at: {AT_S}s, crash: api-1}}", *churn, duration="400s", clients=1)
    seen = Story(model).without("api-1", AT_S)
    assert (seen == {}) is missed


def test_mutant_that_drops_its_list_with_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    get = Client._get

    def forgetful(self: Client, service: str) -> None:
        self.caches[service].fetched((), self.clock_s)
        self._show(service)
        get(self, service)

    monkeypatch.setattr(Client, "_get", forgetful)
    faults = "{at: 50s, crash: go_micro-1}", f"{{at: {AT_S}s, crash: api-1}}"
    assert Story(model_of(registry(), *faults, duration="400s")).without("api-1", 50.0) != {}
