"""Merge patch (RFC 7396), sections replaced whole, overrides, and whom their mistakes name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import DsimError, ScenarioErrors
from sim.scenario import Scenario, load_text
from sim.scenario.patch import apply_variant
from sim.scenario.reader import read_tree

SCENARIO = """\
scenario: s
nodes:
  app: {count: 2, zones: [a, b]}
services:
  api:
    nodes: app
    instances: 2
    steps: [{call: db.read}]
    calls: {db.read: {timeout: 100ms}}
  db: {instances: 2, endpoints: {read: [{io: 5ms}]}}
traffic:
  users: {to: api, arrivals: poisson(9/s)}
failures:
  app 2 dies: {at: 5s, crash: app-2}
variants:
  plain: {}
  many: {services: {db: {instances: 4}}}
"""
VALUES = st.recursive(
    st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3) | st.lists(below, max_size=2),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1, max_size=3)


def with_overrides(*changes: str) -> Scenario:
    return load_text(SCENARIO, "f.yaml", changes)


def told(*changes: str, text: str = SCENARIO) -> list[str]:
    with pytest.raises(ScenarioErrors) as caught:
        load_text(text, "f.yaml", changes)
    return caught.value.messages


def merged_by_the_rfc(target: Any, patch: Any) -> Any:
    """The pseudocode of RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged_by_the_rfc(result.get(name), value)
    return result


@given(DOCUMENTS, DOCUMENTS)
def test_merge_is_that_of_the_rfc(base: dict[str, Any], patch: dict[str, Any]) -> None:
    tree, _ = read_tree(json.dumps(base), "f.yaml")
    changes, _ = read_tree(json.dumps(patch), "f.yaml")
    merged, problems = apply_variant(tree, changes)
    assert merged == merged_by_the_rfc(base, patch)
    assert not problems
    assert tree == base


def test_null_deletes() -> None:
    tree, _ = read_tree("a: {b: 1, c: 2}\nd: 3", "f.yaml")
    patch, _ = read_tree("a: {b: null}\nd: ~", "f.yaml")
    assert apply_variant(tree, patch) == ({"a": {"c": 2}}, [])


def test_replace_takes_whole_sections() -> None:
    tree, _ = read_tree("a: {b: 1, c: 2}\nd: {e: 1}", "f.yaml")
    patch, _ = read_tree("replace: [a]\na: {x: 1}\nd: {f: 2}", "f.yaml")
    assert apply_variant(tree, patch) == ({"a": {"x": 1}, "d": {"e": 1, "f": 2}}, [])


def test_overrides_hold_for_every_variant() -> None:
    scenario = with_overrides("services.db.instances=3", "run.seed=9")
    assert [len(scenario.resolve(name).services[1].instances) for name in scenario.variants] == [3, 3]
    assert {scenario.resolve(name).run.seed for name in scenario.variants} == {9}


def test_overrides_may_come_as_a_mapping() -> None:
    scenario = load_text(SCENARIO, "f.yaml", {"services.db.instances": "3"})
    assert len(scenario.resolve("plain").services[1].instances) == 3


def test_overrides_reach_names_with_dots_and_list_positions() -> None:
    scenario = with_overrides("services.api.calls.db.read.timeout=7ms", "nodes.app.zones.1=c")
    [call] = scenario.resolve("plain").services[0].endpoints[0].steps
    assert call.policy.timeout_s == 0.007
    assert scenario.resolve("plain").nodes[1].zone == "c"


def test_overrides_are_yaml_and_null_deletes() -> None:
    scenario = with_overrides("traffic.users.to={api: 1, db.read: 3}", "failures=null")
    assert [target.weight for target in scenario.resolve("plain").sources[0].targets] == [0.25, 0.75]
    assert scenario.resolve("plain").faults == ()


@pytest.mark.parametrize(
    "change, sentence",
    [
        ("services.db.instances=-1", "--set services.db.instances: got -1; must be an integer of at least 1"),
        ("services.db.instances", "--set services.db.instances: must be KEY=VALUE"),
        ("services.db.instnaces=2", "--set services.db.instnaces: unknown key instnaces"),
        ("services.dbb.instances=2", "--set services.dbb.instances: got dbb, which services does not have"),
        ("run.duration.long=5s", "--set run.duration.long: got a mapping with the key long; must be a time"),
        ("services.api.nodes.x=5", "--set services.api.nodes.x: got a key below nodes, which is app; set nodes itself"),
        ("nodes.app.zones.7=c", "--set nodes.app.zones.7: got 7 as a position; must be 0 to 1"),
        ("variants.many=null", "--set variants.many: a change holds for every variant"),
        ("failures.x=null", "--set failures.x: there is nothing to delete"),
        ("services.db={", "--set services.db: not valid YAML at column 2"),
        ("services.db.instances=[", "--set services.db.instances: not valid YAML at column 2"),
    ],
)
def test_mistakes_of_overrides_name_the_option(change: str, sentence: str) -> None:
    [message] = told(change)
    assert message.startswith(sentence)


def test_an_unknown_variant_is_a_sentence() -> None:
    with pytest.raises(
        DsimError, match=r"s: got the unknown variant mny; must be one of many or plain; did you mean many"
    ):
        with_overrides().resolve("mny")


def test_a_mistake_of_the_file_is_told_once() -> None:
    [message] = told(text=SCENARIO.replace("io: 5ms", "io: 5"))
    assert message.startswith("f.yaml:10: services.db.endpoints.read[0].io: got 5")


def test_a_mistake_that_a_variant_causes_elsewhere_names_the_variant() -> None:
    text = SCENARIO.replace("  many: {services: {db: {instances: 4}}}", "  one: {nodes: {app: {count: 1}}}")
    [message] = told(text=text)
    assert message.startswith("f.yaml:14: failures.app 2 dies.crash: got the unknown node or instance app-2")
    assert message.endswith("(in variant one)")


def test_overrides_may_leave_lines_of_the_file_without_effect() -> None:
    """With one instance nothing runs on the node that crashes."""
    assert len(with_overrides("services.api.instances=1").resolve("plain").faults) == 1
    [message] = told("services.api.instances=1", "services.api.calls.api.timeout=5ms")
    assert message == (
        "--set services.api.calls.api.timeout: api never calls api; it calls db; remove it, or write a call step"
    )
