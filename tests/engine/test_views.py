"""What clients know, and requests that the control plane sends by itself."""

from __future__ import annotations

from typing import Any

import pytest

from sim.checks import Registration
from sim.engine.cluster import Cluster
from sim.engine.views import Views
from sim.errors import DsimError
from sim.kernel import tables
from sim.model import Balance, CallPolicy, Probe
from tests.engine.small import Ears, Made, run_with

PROBES = (
    Probe("check", "web", "api", "main", CallPolicy(Balance("random"), timeout_s=0.5)),
    Probe("outside", "source:users", "api", "main", CallPolicy(Balance("random"), timeout_s=0.5)),
)


def at(cluster: Cluster, time_s: float, act: Any, *arguments: Any) -> None:
    cluster.env.timeout(time_s).callbacks.append(lambda _: act(*arguments))  # type: ignore[union-attr]


def calls(run: Any) -> dict[str, int]:
    """Requests that each instance of api was offered, and calls that found none."""
    offered = {name: run.scope("instance", name).total.offered for name in ("api-1", "api-2")}
    return offered | {"none": run.scope("call", "web.main → api.main").total.outcomes["unavailable"]}


def test_a_client_balances_over_what_it_knows() -> None:
    """Requests come at 1, 2 … 30 s, and take a moment to reach the second service."""

    def begin(cluster: Cluster) -> None:
        at(cluster, 10.5, cluster.publish, "web-1", "api", ["api-2"])
        at(cluster, 20.5, cluster.publish, "web-1", "api", [])

    _, run = run_with(begin)
    assert calls(run) == {"api-1": 5, "api-2": 15, "none": 10}
    assert run.control[run.control["event"] == "view"]["detail"].tolist() == ["api: api-2", "api: "]


def test_what_is_known_already_is_no_news() -> None:
    def begin(cluster: Cluster) -> None:
        at(cluster, 5.0, cluster.publish, "web-1", "api", ["api-1", "api-2"])

    assert not len(run_with(begin)[1].control)


def test_who_knows_whom() -> None:
    def begin(cluster: Cluster) -> tuple[Any, ...]:
        cluster.publish("web-1", "api", ["api-2"])
        with pytest.raises(DsimError, match="source:users does not call api"):
            cluster.publish("source:users", "api", [])
        with pytest.raises(DsimError, match="service api has no instance 'api-3'; there are: api-1, api-2"):
            cluster.publish("web-1", "api", ["api-3"])
        return (
            cluster.clients_of("api"),
            cluster.clients_of("web"),
            cluster.instances_of("api"),
            cluster.view("web-1", "api"),
            cluster.node_of("api-2"),
        )

    found, _ = run_with(begin)
    assert found == (["web-1"], ["source:users"], ["api-1", "api-2"], ("api-2",), "c-1")


def test_lists_that_nobody_has_any_more_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tables.CAPACITY, "member", 7)

    def begin(cluster: Cluster) -> None:
        views = Views(cluster.env)
        for turn in range(10):
            views.publish("web-1", "api", [["api-2", "api-1"], ["api-2"], ["api-1"], []][turn % 4])
        assert views.known("web-1", "api") == ("api-2",)

    _, run = run_with(begin)
    assert calls(run) == {"api-1": 0, "api-2": 30, "none": 0}


@pytest.mark.parametrize(
    "host, name, back_s", [("web-1", "check", 0.01), ("source:users", "outside", 0.0)], ids=("instance", "source")
)
def test_probes_meet_the_queue_refusal_and_silence(host: str, name: str, back_s: float) -> None:
    def begin(cluster: Cluster) -> Ears:
        ears = Ears(cluster, host)
        for time_s in (2.5, 3.5, 4.5, 5.5):
            at(
                cluster,
                time_s,
                ears.probe,
                name,
                "api-1",
                lambda outcome, taken_s: ears.note((outcome, round(taken_s, 6))),
            )
        at(cluster, 3.0, cluster.crash_instance, "api-1")
        at(cluster, 4.0, cluster.crash_node, "b-1")
        at(cluster, 5.0, cluster.restore_instance, "api-1")
        at(cluster, 5.0, cluster.restore_node, "b-1")
        return ears

    ears, run = run_with(begin, probes=PROBES)
    outcomes = [what for _, what in ears.heard[1:]]
    assert [outcome for outcome, _ in outcomes] == ["ok", "refused", "timeout", "ok"]
    assert outcomes[1][1] == pytest.approx(back_s)
    assert outcomes[2][1] == pytest.approx(0.5)
    scope = next(s for s in run.scopes if s.kind == "call" and f"({name})" in s.name)
    assert (scope.total.offered, scope.cohort.offered, scope.total.unfinished) == (4, 0, 0)
    assert run.scope("source", "users").total.offered == 30


def test_a_paused_prober_hears_of_it_later() -> None:
    def begin(cluster: Cluster) -> Ears:
        ears = Ears(cluster, "web-1")
        at(cluster, 2.5, ears.probe, "check", "api-1", lambda outcome, taken_s: ears.note(outcome))
        at(cluster, 2.501, cluster.pause_instance, "web-1")
        at(cluster, 2.502, cluster.pause_instance, "api-2")
        at(cluster, 2.6, cluster.resume_instance, "api-2")
        at(cluster, 2.7, cluster.resume_instance, "web-1")
        return ears

    ears, _ = run_with(begin, probes=PROBES)
    assert ears.heard[1:] == [(2.7, "ok")]


def test_components_have_names() -> None:
    def begin(cluster: Cluster) -> None:
        with pytest.raises(DsimError, match="component 'etcd' does not exist"):
            cluster.component("etcd")

    assert Made(begin).name == "made"
    run_with(begin)


def test_checks_watch_the_run() -> None:
    def begin(cluster: Cluster) -> None:
        cluster.observe(Registration(0.0, "api", "api-1"))
        cluster.publish("web-1", "api", ["api-2"])

    _, run = run_with(begin, checks=("views",))
    assert len(run.violations) == 1
    assert run.violations[0].startswith("views: ")
    assert "api-2" in run.violations[0]
