"""Faults in sentences: one an episode, one for all where there are many."""

from __future__ import annotations

import re

from sim.experiment import run_scenario
from sim.report.faults import fault_sentences
from sim.scenario import load_text

TEXT = """
scenario: s
run: {duration: 20s, replications: 1}
services: {api: {cpu: 1ms}, db: {cpu: 1ms}}
traffic: {users: {to: api, arrivals: poisson(5/s)}, others: {to: db, arrivals: poisson(5/s)}}
failures:
  collects: {pause: api-1, mtbf: 800ms, mttr: 200ms}
  dies: {crash: {instance: db-1}, at: 5s, for: 2s}
"""


def test_a_fault_that_strikes_often_has_one_sentence() -> None:
    often, once = fault_sentences(run_scenario(load_text(TEXT, "f.yaml")))
    assert once == "Fault “dies”: from 5 s to 7 s."
    told = re.fullmatch(
        r"Fault “collects”: (\d+) episodes in the first replication, (.*) s in all, the first at 0.8 s\.", often
    )
    assert told is not None
    assert int(told[1]) in range(20, 40)
    assert 3.8 < float(told[2]) < 6.1
