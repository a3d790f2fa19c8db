"""Chaos: what a seed draws, that it replays, and that what was drawn can be written down."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from sim.failures.chaos import MIXES, drawable
from sim.failures.system import AREAS
from sim.model import Model, Once
from sim.scenario import load_text
from tests.failures.recorder import SHOP

BASE = SHOP.replace("failures:\n", "")


def drawn(chaos: str, *, base: str = BASE, duration: str = "200s") -> Model:
    return load_text(f"{base}chaos: {{{chaos}}}\n", "f.yaml", {"run.duration": duration}).resolve("baseline")


def times(model: Model) -> list[Once]:
    return [fault.when for fault in model.faults if isinstance(fault.when, Once)]


STORM = "every: exponential(2s), lasting: exponential(1s), seed: 7"


def test_the_same_seed_draws_the_same() -> None:
    assert drawn(STORM).faults == drawn(STORM).faults
    assert drawn(STORM).faults != drawn(STORM.replace("7", "8")).faults


def test_without_a_seed_it_is_the_runs() -> None:
    model = drawn("every: exponential(2s), lasting: exponential(1s)")
    assert model.chaos is not None
    assert model.chaos.seed == model.run.seed
    assert model.faults == drawn(STORM.replace("7", str(model.run.seed))).faults


@pytest.mark.parametrize("mix", MIXES)
def test_what_was_drawn_is_the_same_when_written_down(mix: str) -> None:
    """Pasted as entries of `failures` it makes the same faults, without chaos: names, times and places."""
    storm = drawn(f"mix: {mix}, {STORM}")
    assert storm.chaos is not None
    entries = "".join(f"  {name}: {entry}\n" for name, entry in storm.chaos.entries)
    pasted = load_text(SHOP + entries, "f.yaml", {"run.duration": "200s"}).resolve("baseline")
    assert len(storm.faults) > 50
    assert pasted.faults == storm.faults
    assert pasted.chaos is None


def test_every_kind_may_be_drawn_and_happens() -> None:
    """In three zones with links all kinds strike, so that none is declared and never drawn."""
    kinds = set(drawable()) - {"clock_jump"}  # for which a behaviour is needed
    model = drawn(f"mix: {{{', '.join(f'{kind}: 1' for kind in sorted(kinds))}}}, {STORM}")
    assert model.chaos is not None
    assert {name.rpartition(" ")[2] for name, _ in model.chaos.entries} == kinds


def test_kinds_come_by_weight() -> None:
    model = drawn("mix: {crash: 3, pause: 1}, every: 1s, lasting: 500ms", duration="2000s")
    kinds = Counter(type(fault).__name__ for fault in model.faults)
    total = sum(kinds.values())
    error = np.sqrt(0.75 * 0.25 / total)
    assert total > 1900
    assert abs(kinds["Crash"] / total - 0.75) < 3.5 * error


def test_times_do_not_depend_on_what_strikes() -> None:
    """Nor does the length; neither another mix nor other places move a fault."""
    one = drawn(f"mix: {{crash: 3, pause: 1}}, {STORM}")
    assert times(one) == times(drawn(f"mix: gray, {STORM}")) == times(drawn(f"mix: {{slow: 1}}, {STORM}"))
    there = drawn(f"mix: {{crash: 3, pause: 1}}, {STORM}, targets: {{zone: b}}")
    assert one.chaos is not None
    assert there.chaos is not None
    few, all_of_them = dict(there.chaos.entries), dict(one.chaos.entries)
    assert set(few) < set(all_of_them), "the same kinds, but for those that find nothing alive"
    assert len(few) > 0.8 * len(all_of_them)
    assert {fault.target for fault in there.faults} <= {"app-2", "api-2"}


def test_gaps_and_lengths_follow_their_laws() -> None:
    found = times(drawn("mix: {slow: 1}, every: exponential(1s), lasting: exponential(200ms)", duration="2000s"))
    gaps = np.diff([when.at_s for when in found])
    lengths = np.array([when.for_s for when in found])
    assert abs(gaps.mean() - 1.0) < 3.5 * gaps.std() / np.sqrt(len(gaps))
    assert abs(lengths.mean() - 0.2) < 3.5 * lengths.std() / np.sqrt(len(lengths))
    assert 0.9 < gaps.std() < 1.1


def test_nothing_that_is_down_is_restarted() -> None:
    """The rule of `failures` holds for what is drawn: such a fault is drawn again elsewhere, or left out."""
    storm = drawn("mix: {crash: 1, restart: 3}, every: exponential(500ms), lasting: exponential(5s)")
    assert storm.chaos is not None
    restarts = [f for f in storm.faults if type(f).__name__ == "Restart"]
    host = {"api-1": "app-1", "api-2": "app-2", "api-3": "app-3", "db-1": "db-1"}
    for fault in restarts:
        assert isinstance(fault.when, Once)
        for other in storm.faults:
            things = {("instance", fault.target), ("node", host[fault.target])}
            if other is not fault and things & set(other.takes_down):
                assert isinstance(other.when, Once)
                assert other.when.for_s is not None
                assert not other.when.at_s <= fault.when.at_s < other.when.at_s + other.when.for_s
    drawn_again = [int(name.split()[1].strip(",")) for name, _ in storm.chaos.entries]
    assert any(late - early > 1 for early, late in pairwise(drawn_again)), "some could not happen anywhere"


def test_a_mix_by_name_leaves_out_what_cannot_strike() -> None:
    """One zone has no outage, one node no partition."""
    one = "scenario: s\nnodes: {app: {cores: 2}}\nservices: {api: {nodes: app, cpu: 1ms}}\n"
    model = drawn(STORM, base=one + "traffic: {users: {to: api, arrivals: poisson(9/s)}}\n")
    assert not {fault.target_kind for fault in model.faults} & {*AREAS, "traffic"}
    assert len(model.faults) > 20


CIRCLE = """
scenario: circle
run: {duration: 60s, replications: 1}
nodes: {app: {count: 3, at: [0, north hub, z]}}
network:
  topology:
    graph:
      links:
        - {between: [0, north hub], latency: 0ms}
        - {from: north hub, to: z, latency: 1ms}
        - {from: z, to: 0, latency: 1ms}
services:
  api: {nodes: app, instances: 3, steps: [{cpu: 1ms}, {call: db}]}
  db: {nodes: app, instances: 3, cpu: 1ms}
traffic: {users: {to: api, arrivals: poisson(10/s), timeout: 1s}}
"""


def test_links_of_one_way_and_between_any_vertices_are_struck_as_they_are() -> None:
    """A link without a way back is struck one way, one that takes no time is not slowed, and names need no letters."""

    def load(text: str) -> Model:
        return load_text(text, "circle.yaml").resolve("baseline")

    storm = load(CIRCLE + "chaos: {every: 1s, lasting: 500ms, mix: {link_down: 1, link_slow: 1}}\n")
    assert storm.chaos is not None
    struck = {(type(fault).__name__, str(fault.target)) for fault in storm.faults}
    one_way = {"north hub → z", "z → 0"}
    assert {target for kind, target in struck if kind == "LinkSlow"} == one_way
    assert {target for kind, target in struck if kind == "LinkDown"} == {"0 ↔ north hub", *one_way}
    entries = "".join(f"  {name}: {entry}\n" for name, entry in storm.chaos.entries)
    assert load(CIRCLE + "failures:\n" + entries).faults == storm.faults
