"""What a reader has to be told stands under the tables and in the documents."""

from __future__ import annotations

import re
from pathlib import Path

import sim
from sim.report import document
from sim.report.faults import at_random, fault_sentences
from sim.report.summary import remarks

SCENARIO = """
scenario: told
run: {duration: 60s, replications: 3}
nodes: {n: {count: 2}}
services: {api: {nodes: n, instances: 2, cpu: 2ms}}
traffic: {u: {to: api, arrivals: poisson(20/s), timeout: 1s}}
failures:
  gc: {pause: n-1, mtbf: exponential(20s), mttr: 1s}
  rare: {crash: n-1, mtbf: 10h, mttr: 10s}
  planned: {crash: n-2, at: 10s, for: 5s}
expect: [availability >= 99%]
"""


def test_expectations_that_nobody_judges_are_told(tmp_path: Path) -> None:
    results = sim.run(sim.load_text(SCENARIO, "told.yaml"), directory=tmp_path / "out")
    for of in (results, sim.load_results(tmp_path / "out")):
        assert "this version does not judge them yet" in remarks(of)[-1]
        assert len(document(of)["notes"]) == 1


def test_faults_at_random_are_told_as_such() -> None:
    results = sim.run(sim.load_text(SCENARIO, "told.yaml"))
    assert at_random(results)
    told = fault_sentences(results)
    assert any(re.match(r"Fault “gc”: \d+ episodes? in the first replication", sentence) for sentence in told)
    assert "Fault “rare”: struck in no replication." in told
    assert "Fault “planned”: from 10 s to 15 s." in told
