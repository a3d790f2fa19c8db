"""What an explanation says in words, and how it prints."""

from __future__ import annotations

import pytest

import sim
from sim.analysis import Explanation, explain, words
from sim.scenario import load_text
from tests.analysis.simulate import model_from, model_of

SHOP = """
scenario: shop
title: A shop with [brackets]
nodes: {app: {count: 2, cores: 4, zones: [a, b]}}
network: {same_zone: {latency: 0.25ms}, across_zones: {latency: 1ms}}
services:
  web: {nodes: app, instances: 2, endpoints: {page: [{cpu: 2ms}, {call: store, timeout: 20ms}]}}
  store: {concurrency: {threads: {workers: 8, queue: 4}}, io: 40ms, fail: 1%}
traffic: {users: {to: web.page, from: {zone: a}, arrivals: poisson(100/s), slo: {latency: 40ms}}}
failures: {web dies: {at: 10s, crash: web-1, for: 5s}}
variants: {one: {}, more: {traffic: {users: {arrivals: poisson(500/s)}}}}
"""


@pytest.fixture
def shop() -> Explanation:
    return explain(model_from(SHOP))


def said(found: Explanation) -> str:
    return " ".join((*found.verdict, *found.limits))


def test_who_is_full_first_and_when(shop: Explanation) -> None:
    assert shop.verdict[0] == "The 8 workers of store-1 are full first: 50 % busy at the declared load."
    assert shop.verdict[1] == "Throughput flattens at 200/s, 2 times the declared 100/s."


def test_an_overload_is_one() -> None:
    scenario = load_text(SHOP, "shop.yaml")
    found = sim.explain(scenario, "more")
    assert found.variant == "more"
    assert "The 8 workers of store-1 are overloaded: the declared load asks for 250 % of them." in found.verdict
    assert "Throughput flattens at 200/s, 0.4 times the declared 500/s." in found.verdict


def test_times_that_no_load_would_mend(shop: Explanation) -> None:
    assert any("longer than its timeout of 20 ms" in text and "web.page → store.main" in text for text in shop.verdict)
    assert any("above the objective of 40 ms" in text for text in shop.verdict)


def test_what_is_not_counted(shop: Explanation) -> None:
    assert "Queueing, timeouts, full queues and crashes" in said(shop)
    assert "Failures that the scenario declares (fail) are counted" in said(shop)
    assert "they may be full at a lower load than this" in said(shop)
    assert "closed users" not in said(shop)
    assert "Steering" not in said(shop)
    assert "Steering is taken as perfect" in said(explain(model_of("two_choices")))


def test_python_is_not_looked_into() -> None:
    scenario = sim.load("tests/contracts/everything/everything.yaml", plugins=["tests/contracts/everything/shop.py"])
    text = said(sim.explain(scenario))
    assert "orders.place is Python (shop:handle): its work and how often it calls store.write are unknown" in text
    assert "How shortest_true_queue spreads requests is not known here" in text


def test_closed_users_in_words() -> None:
    text = "scenario: s\nservices: {a: {cpu: 10ms}}\n"
    text += "traffic: {users: {to: a, arrivals: {closed: {users: N, think: 90ms}}}}"
    few, many = (explain(model_from(text.replace("N", count))) for count in ("5", "30"))
    assert few.verdict[0] == "The cores of a-host-1 are full first: 50 % busy at the declared load."
    assert many.verdict[0] == "The cores of a-host-1 are full: the declared users ask for more."
    assert few.verdict[1] == (
        "users: 5 users ask for at most 50/s; 100/s is the most that can be served. "
        "Beyond 10 users, more of them only wait longer."
    )


def test_several_sources_grow_alike() -> None:
    traffic = "{b: {to: a, arrivals: poisson(100/s)}, c: {to: a, arrivals: poisson(300/s)}}"
    text = f"scenario: s\nservices: {{a: {{cpu: 1ms}}}}\ntraffic: {traffic}"
    assert explain(model_from(text)).verdict[1] == (
        "With all sources growing alike, throughput flattens at 2.5 times the load: b at 250/s and c at 750/s."
    )


def test_the_text_has_every_part(shop: Explanation) -> None:
    text = str(shop)
    assert "A shop with [brackets]" in text
    for part in ("Traffic", "Stations", "Endpoints", "Calls", "Placement", "Network", "web dies", "any two zones"):
        assert part in text, part
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_long_tables_are_cut_and_say_so() -> None:
    text = "scenario: s\nnodes: {app: {count: 40, cores: 2}}\nservices: {a: {nodes: app, instances: 40, cpu: 1ms}}\n"
    printed = str(explain(model_from(text + "traffic: {users: {to: a, arrivals: poisson(1/s)}}")))
    assert "and 24 more nodes" in printed
    assert "app-1 … app-40 (40)" in printed


@pytest.mark.parametrize(
    "given, text",
    [
        (words.rate(2664.4), "2,664/s"),
        (words.rate(12.3456), "12.3/s"),
        (words.rate(0.0), "0/s"),
        (words.rate(float("inf")), "∞/s"),
        (words.time(0.01523), "15.2 ms"),
        (words.time(90.0), "90 s"),
        (words.time(float("nan")), "–"),
        (words.percentage(0.15), "15 %"),
        (words.percentage(0.9876), "98.8 %"),
        (words.percentage(1e-12), "< 0.0001 %"),
        (words.several(["a", "b", "c"]), "a, b and c"),
        (words.several(["a-1", "a-2", "a-3", "a-4"]), "a-1 … a-4 (4)"),
        (words.several(["old-1", "old-2", "new-1", "new-2"]), "old-1 … old-2 and new-1 … new-2"),
        (words.several(["a-1", "b-1", "c-1", "d-1"]), "a-1 … d-1 (4)"),
        (words.first_few(list("abcdefg")), "a, b, c, d and 3 more"),
    ],
)
def test_numbers_and_names(given: str, text: str) -> None:
    assert given == text


def test_locks_are_waited_for_uncounted() -> None:
    text = """
scenario: s
services:
  job: {steps: [{lock: {store: locks, key: orders, steps: [{io: 300ms}, {call: ledger}]}}]}
  ledger: {cpu: 5ms}
stores: {locks: etcd}
traffic: {users: {to: job, arrivals: poisson(1/s)}}
"""
    found = explain(load_text(text, "s.yaml").resolve("baseline"))
    assert "job.main waits for the lock orders, which one at a time has" in said(found)
    assert [load.rate_per_s for load in found.endpoints if load.name == "ledger.main"] == [1.0]
    assert found.sources[0].latency_s == pytest.approx(0.305)
