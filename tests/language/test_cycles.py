"""Which circles of calls are certain, and so never end."""

from __future__ import annotations

import pytest

from sim.errors import ScenarioErrors
from sim.scenario import load_text

ENDLESS = {
    "itself": {"a": "[{call: a}]"},
    "itself, after work": {"a": "[{cpu: 1ms}, {io: 1ms}, {call: a}]"},
    "two": {"a": "[{call: b}]", "b": "[{call: a}]"},
    "behind a call that cannot fail": {"a": "[{call: b}, {call: a}]", "b": "[{io: 1ms}]"},
    "behind an optional call that can": {"a": "[{call: b, optional: true}, {call: a}]", "b": "[{fail: 10%}]"},
    "behind a fail of 0%": {"a": "[{fail: 0%}, {call: a}]"},
    "optional": {"a": "[{call: a, optional: true}]"},
    "with a timeout": {"a": "[{call: a, timeout: 1ms}]"},
    "in a branch": {"a": "[{parallel: [{io: 1ms}, {call: a}]}]"},
    "in a branch after work": {"a": "[{parallel: [{io: 1ms}, [{cpu: 1ms}, {call: a}]]}]"},
    "in a race whose rest continues": {"a": "[{parallel: {need: 1, of: [{io: 1ms}, {call: a}]}}]"},
    "beside a failing branch": {"a": "[{parallel: [{fail: 50%}, {call: a}]}]"},
    "behind an optional parallel": {"a": "[{parallel: [{fail: 50%}, {io: 1ms}], optional: true}, {call: a}]"},
    "behind a race that one branch wins": {"a": "[{parallel: {need: 1, of: [{fail: 50%}, {io: 1ms}]}}, {call: a}]"},
    "in every branch of a choose": {
        "a": "[{choose: [{weight: 1, steps: [{call: a}]}, {weight: 1, steps: [{io: 1ms}, {call: a}]}]}]"
    },
    "in a repeat": {"a": "[{repeat: {times: 2, steps: [{io: 1ms}, {call: a}]}}]"},
    "of three, two of them at once": {
        "a": "[{parallel: [{call: b}, {call: c}]}]",
        "b": "[{call: a}]",
        "c": "[{io: 1ms}]",
    },
}
FINE = {
    "by chance": {"a": "[{choose: [{weight: 1, steps: []}, {weight: 9, steps: [{call: a}]}]}]"},
    "behind a fail": {"a": "[{fail: 1%}, {call: a}]"},
    "behind a call that can fail": {"a": "[{call: b}, {call: a}]", "b": "[{fail: 1%}]"},
    "behind a call whose callee calls what can fail": {
        "a": "[{call: b}, {call: a}]",
        "b": "[{call: c}]",
        "c": "[{io: 1ms}, {fail: 1%}]",
    },
    "behind a choose that can fail": {
        "a": "[{choose: [{weight: 1, steps: [{fail: 1%}]}, {weight: 1, steps: []}]}, {call: a}]"
    },
    "behind a parallel that can fail": {"a": "[{parallel: [{fail: 1%}, {io: 1ms}]}, {call: a}]"},
    "in a race that cancels": {"a": "[{parallel: {need: 1, rest: cancel, of: [{io: 1ms}, [{io: 2ms}, {call: a}]]}}]"},
    "no way back": {"a": "[{call: b}, {call: c}]", "b": "[{call: c}]", "c": "[{io: 1ms}]"},
}


def scenario(services: dict[str, str]) -> str:
    lines = "".join(f"  {name}: {{steps: {steps}}}\n" for name, steps in services.items())
    return f"scenario: s\nservices:\n{lines}traffic: {{users: {{to: a, arrivals: poisson(1/s)}}}}\n"


@pytest.mark.parametrize("services", ENDLESS.values(), ids=ENDLESS)
def test_refused(services: dict[str, str]) -> None:
    with pytest.raises(ScenarioErrors) as caught:
        load_text(scenario(services), "f.yaml")
    [sentence] = caught.value.messages
    assert sentence.startswith("f.yaml:3: services.a: a request here never ends: the calls a.main → ")


@pytest.mark.parametrize("services", FINE.values(), ids=FINE)
def test_legal(services: dict[str, str]) -> None:
    load_text(scenario(services), "f.yaml")


def test_each_circle_is_told_once_by_its_shortest_way() -> None:
    services = {"a": "[{call: b}, {call: a}]", "b": "[{call: a}]", "x": "[{call: y}]", "y": "[{call: x}]"}
    with pytest.raises(ScenarioErrors) as caught:
        load_text(scenario(services), "f.yaml")
    ways = [sentence.partition("calls ")[2].partition(" are")[0] for sentence in caught.value.messages]
    assert ways == ["a.main → a.main", "b.main → a.main → b.main", "x.main → y.main → x.main"]


def test_a_chain_of_a_thousand_is_quick() -> None:
    services = {f"s{n}": f"[{{call: s{n + 1}}}]" for n in range(1000)} | {"s1000": "[{io: 1ms}]", "a": "[{call: s0}]"}
    load_text(scenario(services), "f.yaml")
