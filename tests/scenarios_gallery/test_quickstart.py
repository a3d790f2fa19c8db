"""The cut costs some milliseconds on a good day, and multiplies what a dead node costs."""

from __future__ import annotations

import pytest

from sim.statistics import mean_estimate
from tests.scenarios_gallery.gallery import longer_s, mean_of, results

SHORTER = ("run.duration=80s", "run.warmup=10s", "run.record=all")
BALANCED = ("traffic.shoppers.balance=power_of_two", "defaults.calls.balance=power_of_two")
DEAD_S = (60.5, 69.0)
"""Requests of this time met the node dead, and had no time to see it return."""


@pytest.mark.parametrize("variant, tries", [("monolith", 1), ("microservices", 4)])
def test_a_quarter_of_the_first_tries_is_delayed(variant: str, tries: int) -> None:
    rows = results("quickstart", 4, *SHORTER).requests()
    rows = rows[(rows["variant"] == variant) & rows["intended_s"].between(*DEAD_S)]
    delayed = ~((rows["outcome"] == "ok") & (rows["latency_s"] < 0.2))
    estimate = mean_estimate(list(delayed.groupby(rows["replication"]).mean()))
    assert estimate.value == pytest.approx(1 - 0.75**tries, abs=0.02)


def test_the_calls_cost_some_milliseconds() -> None:
    longer = longer_s(results("quickstart", 4, *SHORTER), "microservices", "monolith", "shoppers", 0.5)
    assert longer.low > 2e-3
    assert longer.high < 6e-3


def test_the_crash_costs_the_microservices_more() -> None:
    ran = results("quickstart", 4, *SHORTER)
    p99 = {variant: ran.estimates(variant, "shoppers")["latency_p99_s"] for variant in ran.variants}
    assert p99["microservices"].low > 1.5 * p99["monolith"].high
    lost = {variant: 1 - ran.estimates(variant, "shoppers")["availability"].value for variant in ran.variants}
    assert lost["microservices"] > 2 * lost["monolith"] > 0


def test_without_a_crash_only_the_calls_remain() -> None:
    ran = results("quickstart", 2, "failures=null", "run.duration=30s", "run.warmup=5s")
    assert all(ran.estimates(variant, "shoppers")["availability"].value > 0.9999 for variant in ran.variants)
    longer = longer_s(ran, "microservices", "monolith", "shoppers", 0.99)
    assert 0 < longer.value < 10e-3


def test_callers_that_count_what_they_wait_for_hardly_lose_a_request() -> None:
    ran = results("quickstart", 4, *SHORTER[:2], *BALANCED)
    assert all(ran.estimates(variant, "shoppers")["availability"].value > 0.999 for variant in ran.variants)
    assert mean_of(ran, "monolith", "shoppers", 0.99) < 0.1
    assert 0.2 < mean_of(ran, "microservices", "shoppers", 0.99) < 0.5
