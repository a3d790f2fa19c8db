"""Work whose answer nobody takes is told; links stand where nodes do."""

from __future__ import annotations

import re

import pytest

from sim.experiment import Results, run_scenario
from sim.report.summary import place_rows
from sim.report.unheard import unheard_sentences
from sim.scenario import load_text

SLOW = """
scenario: s
run: {duration: 20s, warmup: 0s, drain: 20s, replications: 3}
services:
  api: {steps: [{call: db}], calls: {db: {timeout: 100ms}}}
  db: {steps: [{choose: [{weight: 75%, steps: [{io: 10ms}]}, {weight: 25%, steps: [{io: 150ms}, {fail: 50%}]}]}]}
traffic: {users: {to: api, arrivals: poisson(100/s)}}
variants: {impatient: {}, patient: {services: {api: {calls: {db: {timeout: 1s}}}}}}
"""
WIRED = """
scenario: s
run: {duration: 20s, warmup: 0s, replications: 2}
network: {between: [{zones: [a, b], latency: 1ms, bandwidth: 8Mbps}]}
services: {api: {zone: b, io: 1ms, request: 1kB, response: 4kB}}
traffic: {users: {to: api, from: {zone: a}, arrivals: constant(100/s)}}
"""


def results(text: str) -> Results:
    return run_scenario(load_text(text, "s.yaml"))


def test_answers_that_come_after_the_timeout_are_nobodys() -> None:
    [sentence] = unheard_sentences(results(SLOW))
    found = re.fullmatch(
        r"Work for nobody: of what db finished, ([\d.]+) ±[\d.]+ % in impatient had no caller that took the answer\.",
        sentence,
    )
    assert found is not None, sentence
    assert float(found[1]) == pytest.approx(25.0, abs=2.0)


def test_a_link_with_a_bandwidth_stands_among_the_places() -> None:
    found = {row.name: row.estimates["utilization"].value for row in place_rows(results(WIRED), "baseline")}
    assert found["a → b"] == pytest.approx(0.1, rel=0.01)
    assert found["b → a"] == pytest.approx(0.4, rel=0.01)
