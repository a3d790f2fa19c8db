"""`dns`: times from the rules of resolvers and clients (RFC 1034, RFC 2308; the clients' documents)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim.engine import Run, simulate
from sim.scenario import load_text

FILE = """
scenario: s
run: {duration: 250s, warmup: 0s, drain: 1s, window: 50s}
nodes: {app: {count: 8}, infra: {count: 3}}
network: {same_zone: {latency: 1ms}}
services:
  web: {nodes: app, instances: 8, steps: [{call: api}]}
  api: {instances: 4, io: 1ms}
registry: {dns: {nodes: infra, ttl: 20s, health: {haproxy@2.6: {interval: 1s, fall: 2, rise: 2}}}}
traffic: {users: {to: web, arrivals: constant(8/s)}}
"""
DNS = "registry.dns"
DIES = "{dies: {at: 100s, crash: api-1}}"


def run_with(faults: str, overrides: dict[str, str] | None = None, seed: int = 1) -> Run:
    changes = {"run.seed": str(seed), **(overrides or {})}
    return simulate(load_text(FILE + f"failures: {faults}\n", "s.yaml", changes).resolve("baseline"))


def zone_s(run: Run, event: str = "evicted") -> float:
    """When the zone changed."""
    return float(run.control.query(f"component == 'dns' and event == '{event}'")["time_s"].iloc[0])


def views(run: Run) -> pd.DataFrame:
    """Changes of what the instances of web know."""
    return run.control[(run.control["event"] == "view") & run.control["subject"].str.startswith("web")]


def lags_s(overrides: dict[str, str] | None = None, replications: int = 4) -> np.ndarray:
    """How long after the zone's change each client's view followed."""
    found: list[float] = []
    for seed in range(replications):
        run = run_with(DIES, overrides, seed)
        found += (views(run)["time_s"] - zone_s(run)).tolist()
    assert len(found) == 8 * replications
    return np.array(found)


def test_a_view_follows_within_the_time_to_live() -> None:
    """The resolver's answer is of any age: 32 clients on resolvers of their own wait for 0 to 20 s, 10 on average."""
    lags = lags_s()
    assert 0.0 < lags.min() < 5.0 and 15.0 < lags.max() < 20.1
    assert abs(lags.mean() - 10.0) < 3.0 * 20.0 / np.sqrt(12 * 32)


def test_clients_of_one_resolver_follow_together() -> None:
    run = run_with(DIES, {f"{DNS}.cache": "shared"})
    times = views(run)["time_s"]
    assert len(times) == 8 and np.ptp(times) < 0.02


def test_a_resolver_may_keep_it_longer() -> None:
    assert 25.0 < lags_s({f"{DNS}.minimum_ttl": "30s"}).max() < 30.1


def test_java_asks_every_30_s_whatever_the_time_to_live() -> None:
    """Alone on its resolver it hears fresh answers; what others have asked for may be 20 s old as well."""
    java = "{dns@java-21: {nodes: infra, ttl: 20s, cache: CACHE, health: {haproxy@2.6: {interval: 1s, fall: 2}}}}"
    assert 20.1 < lags_s({"registry": java.replace("CACHE", "node")}).max() < 30.1
    assert 30.1 < lags_s({"registry": java.replace("CACHE", "shared")}).max() < 50.1


def test_who_never_asks_again_never_knows() -> None:
    run = run_with(DIES, {f"{DNS}.keep": "forever"})
    assert zone_s(run) > 100.0
    assert views(run).empty
    assert run.scope("call", "web.main → api.main").cohort.outcomes["refused"] == pytest.approx(150 * 8 / 4, abs=8)


def test_but_asks_when_it_is_started() -> None:
    run = run_with(
        "{dies: {at: 100s, crash: api-1}, client: {at: 200s, crash: web-1, for: 1s}}", {f"{DNS}.keep": "forever"}
    )
    assert views(run)["detail"].tolist() == ["api: ", "api: api-2 api-3 api-4"]
    assert views(run)["time_s"].iloc[-1] == pytest.approx(201.0, abs=0.1)


def test_the_operator_takes_time() -> None:
    run = run_with(DIES, {f"{DNS}.operator": "90s"})
    told = run.control.query("component == 'dns' and event == 'unhealthy'")["time_s"].iloc[0]
    assert zone_s(run) - told == pytest.approx(90.0)


def test_without_health_checks_the_zone_stays() -> None:
    run = run_with(DIES, {f"{DNS}.health": "none"})
    assert not (run.control["component"] == "dns").any()
    assert views(run).empty


def test_nothing_is_an_answer_too() -> None:
    """All dead for a minute: the answer that there is nothing is kept for its own time (RFC 2308, section 5): a client
    asks again 47 s after it, and perhaps once more."""
    all_die = "{die: {at: 100s, crash: [api-1, api-2, api-3, api-4], for: 60s}}"
    run = run_with(all_die, {f"{DNS}.negative_ttl": "47s"})
    empty = views(run).query("detail == 'api: '").groupby("subject")["time_s"].last()
    later = views(run).query("time_s > 160.0 and detail != 'api: '").groupby("subject")["time_s"].first()
    assert len(empty) == len(later) == 8
    waits_s = later - empty
    assert (waits_s.between(46.9, 47.1) | waits_s.between(93.9, 94.1)).all()


def test_route53_gives_all_where_none_is_healthy() -> None:
    all_die = "{die: {at: 100s, crash: [api-1, api-2, api-3, api-4], for: 60s}}"
    run = run_with(all_die, {f"{DNS}.health": "{route53@2024: {interval: 1s, timeout: 1s}}"})
    assert "api: " not in set(views(run)["detail"])


def test_an_outage_is_felt_when_caches_run_out() -> None:
    """Nobody answers from 100 s on: within a time to live each client asks in vain, tells after its tries, and is well
    a second or a try after the end."""
    run = run_with("{silent: {at: 100s, dns_outage: api, for: 60s}}")
    first = views(run).groupby("subject")["time_s"].first()
    last = views(run).groupby("subject")["time_s"].last()
    assert len(first) == 8
    assert first.between(100.0, 100.0 + 20.0 + 10.1).all()
    assert last.between(160.0, 160.0 + 10.1).all()
    short = run_with("{silent: {at: 100s, dns_outage: api, for: 100ms}}")
    assert views(short).empty


def test_a_second_server_answers_for_the_first() -> None:
    """Resolvers ask the next after 2 s of silence; changes of the zone reach it at once."""
    faults = "{host: {at: 150s, crash: infra-1}, dies: {at: 100s, crash: api-1}}"
    alone, two = (run_with(faults, {f"{DNS}.members": members}) for members in ("1", "2"))
    assert "api: " in set(views(alone)["detail"])
    assert set(views(two)["detail"]) == {"api: api-2 api-3 api-4"}


def test_a_source_asks_the_servers_itself() -> None:
    run = run_with("{dies: {at: 100s, crash: web-1}}")
    told = run.control[(run.control["event"] == "view") & (run.control["subject"] == "source:users")]
    assert told["detail"].tolist() == ["web: " + " ".join(f"web-{n}" for n in range(2, 9))]
    assert 0.0 < told["time_s"].iloc[0] - zone_s(run) < 20.1
