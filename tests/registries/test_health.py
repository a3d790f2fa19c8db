"""Health checks: HAProxy's counter rule by rule (check.c of 2.6), and what they do to a client's view."""

from __future__ import annotations

import pandas as pd
import pytest

from sim.engine import Run, Simulation, simulate
from sim.registries import health, probing
from sim.scenario import load_text

FILE = """
scenario: s
run: {duration: 60s, warmup: 0s, drain: 1s}
network: {same_zone: {latency: 1ms}}
services:
  proxy: {instances: 2, steps: [{call: api.main}], calls: {api: {health: {haproxy@2.6: {endpoint: live}}}}}
  api: {instances: 3, endpoints: {main: [{io: 1ms}], live: []}}
traffic: {users: {to: proxy, arrivals: constant(60/s)}}
"""
RULES = "services.proxy.calls.api.health.haproxy@2.6"


def checker(**rules: object) -> probing.Checker:
    """One client's, not yet started."""
    overrides = {f"{RULES}.{key}": value for key, value in rules.items()}
    simulation = Simulation(load_text(FILE, "s.yaml", overrides).resolve("baseline"))
    simulation.cluster.start_components()
    found: probing.Checker = simulation.cluster.component(health.NAME)[0]
    return found


def run_with(faults: str, overrides: dict[str, str] | None = None) -> Run:
    return simulate(load_text(FILE + f"failures: {faults}\n", "s.yaml", overrides or {}).resolve("baseline"))


def changes(run: Run, client: str) -> pd.DataFrame:
    """What one client found out."""
    log = run.control
    return log[(log["component"] == health.NAME) & (log["detail"] == client)]


def test_the_counter() -> None:
    """rise 2, fall 3: from 4, failures lead to 3, 2 and, below rise, 0; successes from 0 to 1 and then 4."""
    prober = checker()
    assert prober.health["api-1"] == prober.top == 4
    down, up = [4], [0]
    for _ in range(4):
        down.append(prober._counted(down[-1], False))
        up.append(prober._counted(up[-1], True))
    assert down == [4, 3, 2, 0, 0]
    assert up == [0, 1, 4, 4, 4]
    assert prober._counted(1, False) == 0
    assert prober._counted(2, True) == 4


def test_intervals() -> None:
    """`srv_getinter`: inter at full health, downinter at 0, fastinter between."""
    prober = checker(interval="2s", fast_interval="500ms", down_interval="7s")
    seen = {}
    for counter in range(5):
        prober.health["api-1"] = counter
        seen[counter] = prober._gap_s("api-1")
    assert seen == {0: 7.0, 1: 0.5, 2: 0.5, 3: 0.5, 4: 2.0}


def test_each_client_finds_out_by_itself() -> None:
    """At its own phase; others' views are theirs."""
    run = run_with("{dies: {at: 20s, crash: api-1, for: 20s}}")
    found = {client: changes(run, client)["time_s"].tolist() for client in ("proxy-1", "proxy-2")}
    for out_s, back_s in found.values():
        assert 24.0 < out_s < 26.1
        assert 42.0 < back_s < 44.1
    assert abs(found["proxy-1"][0] - found["proxy-2"][0]) > 0.01
    views = run.control[run.control["event"] == "view"].groupby("subject")["detail"].apply(list)
    assert views["proxy-1"] == views["proxy-2"] == ["api: api-2 api-3", "api: api-1 api-2 api-3"]


def test_probes_are_spread_over_the_interval() -> None:
    """`start_checks`: server k of n at k / n of it."""
    run = run_with(", ".join(f"a{n}: {{at: 20s, crash: api-{n}, for: 20s}}" for n in (1, 2, 3)).join("{}"))
    phases = (changes(run, "proxy-1").query("event == 'unhealthy'").set_index("subject")["time_s"]) % 2.0
    gaps = [(phases[f"api-{n}"] - phases["api-1"]) % 2.0 for n in (2, 3)]
    assert gaps == pytest.approx([2 / 3, 4 / 3], abs=0.01)


def test_with_none_left_calls_are_unavailable() -> None:
    run = run_with("{all: {at: 20s, crash: [api-1, api-2, api-3], for: 20s}}")
    outcomes = run.scope("call", "proxy.main → api.main").cohort.outcomes
    assert outcomes["unavailable"] > 14 * 60
    assert set(run.control[run.control["event"] == "view"]["detail"]) >= {"api: "}


def test_a_balancer_that_starts_trusts_its_servers_until_the_first_failure() -> None:
    """`health = rise`: one failure takes a server out, within one interval instead of three."""
    run = run_with("{dies: {at: 10s, crash: api-1, for: 40s}, client: {at: 20s, crash: proxy-1, for: 1s}}")
    again = changes(run, "proxy-1").query("time_s > 21.0 and event == 'unhealthy'")["time_s"].iloc[0]
    assert 21.0 < again < 23.01


def test_a_bad_answer_is_a_failure_and_waits_in_the_queue() -> None:
    """A check that always fails takes all out, though the service answers its clients well until then."""
    run = run_with("{}", {"services.api.endpoints.live": "[{fail: 100%}]"})
    assert run.control.query("event == 'unhealthy'")["subject"].nunique() == 3
    assert run.scope("endpoint", "api.live").total.outcomes["error"] > 0


def test_probes_are_requests_of_the_kernel() -> None:
    """Two clients, three servers, one probe each in 2 s: they are counted where they were served."""
    run = run_with("{}")
    served = run.scope("endpoint", "api.live").total.outcomes["ok"]
    assert served == pytest.approx(2 * 3 * 60 / 2.0, abs=6)


def test_nothing_is_known_without_probes() -> None:
    """The mutant: where probes say nothing, a dead server stays in."""
    run = run_with("{dies: {at: 20s, crash: api-1, for: 20s}}", {"services.proxy.calls": "null"})
    assert not (run.control["event"] == "view").any()


def test_checks_and_a_registry_decide_together() -> None:
    """Out by three probes after some 5 s, long before the lease ends; a server that is listed anew is in at once."""
    run = run_with("{dies: {at: 20s, crash: api-1, for: 20s}}", {"registry": "{etcd: {members: 3}}"})
    log = run.control.query("time_s > 0.0")
    view = log[(log["event"] == "view") & (log["subject"] == "proxy-1")]
    assert [len(listed.split()) - 1 for listed in view["detail"]] == [2, 3]
    expired_s = log.query("event == 'expired' and subject == 'api-1'")["time_s"].iloc[0]
    registered_s = log.query("event == 'registered' and subject == 'api-1'")["time_s"].iloc[0]
    assert 24.0 < view["time_s"].iloc[0] < 26.1 < expired_s
    assert 40.0 < registered_s < view["time_s"].iloc[1] < registered_s + 0.1
