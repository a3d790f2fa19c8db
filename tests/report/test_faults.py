"""Faults in sentences: one an episode, one for all where there are many."""

from __future__ import annotations

import re

from sim.experiment import run_scenario
from sim.report.faults import episodes, fault_sentences
from sim.scenario import load_text

TEXT = """
scenario: s
run: {duration: 20s, replications: 1}
services: {api: {cpu: 1ms, instances: 4}, db: {cpu: 1ms}}
traffic: {users: {to: api, arrivals: poisson(5/s)}, others: {to: db, arrivals: poisson(5/s)}}
"""


def told(section: str) -> list[str]:
    return fault_sentences(run_scenario(load_text(TEXT + section, "f.yaml")))


def test_a_fault_that_strikes_often_has_one_sentence() -> None:
    often, once = told(
        "failures: {collects: {pause: api-1, mtbf: 800ms, mttr: 200ms}, "
        "dies: {crash: {instance: db-1}, at: 5s, for: 2s}}"
    )
    assert once == "Fault “dies”: from 5 s to 7 s."
    found = re.fullmatch(
        r"Fault “collects”: (\d+) episodes in the first replication, (.*) s in all, the first at 0.8 s\.", often
    )
    assert found is not None
    assert int(found[1]) in range(20, 40)
    assert 3.8 < float(found[2]) < 6.1


def test_turns_of_one_entry_have_one_sentence() -> None:
    roll = "failures: {deploy: {rolling_restart: api, at: 5s, every: 2s, for: 500ms}}"
    assert told(roll) == ["Fault “deploy”: 4 episodes from 5 s to 11.5 s, 2 s in all."]
    few = told(roll + "\nvariants: {few: {services: {api: {instances: 2}}}}")
    assert few == ["Fault “deploy (api-1)”: from 5 s to 5.5 s.", "Fault “deploy (api-2)”: from 7 s to 7.5 s."]


def test_chaos_says_its_seed_and_what_it_drew() -> None:
    [sentence] = told("chaos: {mix: {crash: 3, pause: 2}, every: 4s, lasting: 1s, seed: 5}")
    found = re.fullmatch(
        r"Chaos with seed 5 \((\d) crash, (\d) pause\): 4 episodes from 4 s to 17 s, 4 s in all\.", sentence
    )
    assert found is not None, sentence
    assert int(found[1]) + int(found[2]) == 4


def test_bands_of_chaos_carry_one_name() -> None:
    results = run_scenario(load_text(TEXT + "chaos: {mix: {crash: 1}, every: 4s, lasting: 1s}", "f.yaml"))
    found = episodes(results)
    assert {episode.name for episode in found} == {"chaos"}
    assert [episode.fault for episode in found] == [name for name, _, _ in results.runs[0].faults]
