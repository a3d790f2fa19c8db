"""The gallery's ways to find a service, against the rules of the real systems (their documented timers and what their
sources make of them), worked out here by hand: means within 5 %."""

from __future__ import annotations

import math
from functools import cache

import pandas as pd
import pytest

import sim
from sim.experiment import Results
from tests.scenarios_gallery.gallery import FOLDER

WITHIN = 0.05
VIEWS = 3
"""The instances of the shop, which call the cart."""


@cache
def killed(
    variant: str, replications: int, every_s: float, dead_s: float, rounds: int = 1, step_s: float = 0.0
) -> Results:
    """Each of the ten instances is killed in turn, once a round, dead for `dead_s`; each kill comes `step_s` later in
    its turn than the one before, so that kills meet timers at all phases."""
    begins_s = [60.0 + turn * (every_s + step_s) for turn in range(10 * rounds)]
    faults = ", ".join(
        f"kill {turn}: {{crash: cart-{turn % 10 + 1}, at: {at_s:.3f}s, for: {dead_s}s}}"
        for turn, at_s in enumerate(begins_s)
    )
    run = f"{{duration: {begins_s[-1] + dead_s + 30:.0f}s, warmup: 1s, window: 10s}}"
    return run_with(variant, replications, f"failures={{{faults}}}", f"run={run}")


def run_with(variant: str, replications: int, *overrides: str) -> Results:
    scenario = sim.load(FOLDER / "registries.yaml", overrides)
    return sim.run(scenario, variants=[variant], replications=replications)


def of_one_by_one(variant: str) -> Results:
    """With as many kills as it takes for a mean that is known to a few per cent."""
    match variant:
        case "consul":
            return killed(variant, 2, every_s=5.0, dead_s=20.0, rounds=8, step_s=0.125)
        case "etcd":
            return killed(variant, 6, every_s=5.0, dead_s=20.0)
        case "eureka":
            return killed(variant, 3, every_s=480.0, dead_s=400.0, step_s=6.0)
        case _:
            return killed(variant, 6, every_s=5.0, dead_s=60.0)


def mean(results: Results, measure: str) -> float:
    """Of all, of which none may be missing."""
    row = results.registry().loc[(results.variants[0], measure)]
    assert row["unseen"] == 0 and row["seen"] >= 12
    return float(row["value"])


def test_etcd_by_its_leases() -> None:
    """Keep-alives leave when a third of the lease (10 s) is over, at the next tick of 0.5 s: every 3.5 s. The leader
    looks for leases that are over every 0.5 s. So 10 s, less half of 3.5, plus half of 0.5; watchers hear at once."""
    results = of_one_by_one("etcd")
    expected_s = 10.0 - 3.5 / 2 + 0.5 / 2
    assert mean(results, "detect_s") == pytest.approx(expected_s, rel=WITHIN)
    assert mean(results, "converge_all_s") == pytest.approx(expected_s, rel=WITHIN)
    stale_s = results.registry().loc[("etcd", "stale_view_s"), "value"]
    assert stale_s == pytest.approx(10 * VIEWS * expected_s, rel=WITHIN)


def test_consul_by_its_checks() -> None:
    """The agent on the node looks every 10 s, and one failure, which is refused at once, is enough: what is left of a
    period. Who asked by a blocking query hears at once."""
    results = of_one_by_one("consul")
    assert mean(results, "detect_s") == pytest.approx(10.0 / 2, rel=WITHIN)
    assert mean(results, "converge_all_s") == pytest.approx(10.0 / 2, rel=WITHIN)


def test_kubernetes_by_its_readiness_probes() -> None:
    """Every 10 s, out after the third failure in a row, refused at once: two periods and what is left of one."""
    results = of_one_by_one("kubernetes")
    expected_s = 2 * 10.0 + 10.0 / 2
    assert mean(results, "detect_s") == pytest.approx(expected_s, rel=WITHIN)
    assert mean(results, "converge_all_s") == pytest.approx(expected_s, rel=WITHIN)


def test_eureka_by_its_lease_its_eviction_task_and_its_caches() -> None:
    """A renewal, every 30 s, sets the lease's time to now + 90 s and the lease is over another 90 s after that. Each of
    three servers looks every 60 s. A client hears of it from its server's response cache (30 s), when it fetches (30 s)
    and its balancer refreshes (30 s)."""
    results = of_one_by_one("eureka")
    over_s = 180.0 - 30.0 / 2
    assert mean(results, "detect_s") == pytest.approx(over_s + 60.0 / 4, rel=WITHIN)
    assert mean(results, "converge_s") == pytest.approx(over_s + 60.0 / 2 + 3 * 30.0 / 2, rel=WITHIN)


def test_nobody_notices_where_nobody_looks() -> None:
    for variant in ("static", "dns"):
        results = of_one_by_one(variant)
        assert (results.registry("death")[["detect_s", "converge_all_s"]] == math.inf).all(axis=None)
        assert results.registry().loc[(variant, "stale_view_s"), "value"] == pytest.approx(10 * VIEWS * 60.0)


ORDER = ("consul", "etcd", "kubernetes", "eureka")


def test_the_order_of_registries() -> None:
    found = [mean(of_one_by_one(variant), "converge_all_s") for variant in ORDER]
    assert found == sorted(found)


TOGETHER = "failures={dies: {crash: cart-7, at: 30s}, leads: {crash: {leader: registry}, at: 30s}}"


def test_a_leader_that_dies_too_makes_it_longer_with_etcd() -> None:
    """The least of two patiences of 10 to 19 ticks of 0.1 s after the last heartbeat; then all leases anew, and an
    election timeout on top (`lessor.Promote`), and half of the half second between looks."""
    shares = [((20 - ticks) / 10) ** 2 for ticks in range(10, 20)]  # both have at least so many
    election_s = 0.1 * (9 + sum(shares) - 1 + 1 / 3) - 0.1 / 2
    results = run_with("etcd", 12, TOGETHER, "run={duration: 50s, warmup: 1s, window: 10s}")
    assert mean(results, "detect_s") == pytest.approx(election_s + 10.0 + 1.0 + 0.25, rel=WITHIN)


@cache
def story() -> tuple[Results, pd.DataFrame]:
    """The scenario itself, and the deaths in it by variant and instance."""
    results = sim.run(sim.load(FOLDER / "registries.yaml"), replications=1)
    return results, results.registry("death").set_index(["variant", "instance"])


@pytest.mark.slow
def test_three_deaths_at_once_are_not_believed_by_eureka() -> None:
    """Thirteen instances renew twice a minute: below int(26 · 0.85) = 22 renewals nothing is evicted. 24 are more, 20
    are not."""
    _, deaths = story()
    for instance in ("cart-4", "cart-5", "cart-6"):
        assert deaths.loc[("eureka", instance), "detect_s"] == math.inf
        assert deaths.loc[("etcd", instance), "detect_s"] < 11.0


@pytest.mark.slow
def test_without_a_registry_clients_go_on_with_what_they_know_but_for_dns() -> None:
    """Its servers are down from 1583 to 1823 s. A name's 60 s are over after a minute at most."""
    results, deaths = story()
    for variant in ("consul", "etcd", "kubernetes"):
        assert deaths.loc[(variant, "cart-8"), "converge_all_s"] > 230.0
    series = results.timeseries()
    dark = series[(series["name"] == "users") & series["window_start_s"].between(1650.0, 1810.0)]
    ok = dark.groupby("variant")["ok"].sum()
    assert ok["dns"] == 0
    assert (ok[["static", *ORDER]] > 0.8 * 17 * 10 * 20).all()
