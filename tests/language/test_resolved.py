"""The resolved model as plain data: complete, explicit in its units, and nothing but data."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from sim import model as machine
from sim.distributions import DISTRIBUTIONS, Declared
from sim.failures import FAULT_FORMS, KINDS, ClockJump
from sim.forms import STEP_FORMS
from sim.model import Fault, Model
from sim.scenario import load, load_text
from sim.scenario.resolved import plain
from sim.traffic import ARRIVALS

VALID = sorted((Path(__file__).parents[1] / "scenarios" / "valid").glob("*.yaml"))
MODELS = [scenario.resolve(name) for scenario in map(load, VALID) for name in scenario.variants]


def objects_in(value: Any) -> Iterator[Any]:
    """Every dataclass object in a value."""
    if dataclasses.is_dataclass(value):
        yield value
        for field in dataclasses.fields(value):
            yield from objects_in(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from objects_in(item)
    elif isinstance(value, dict):
        yield from objects_in(list(value.values()))


def keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from keys_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys_in(item)


def test_the_valid_scenarios_have_every_kind_of_thing() -> None:
    """So that the tests below say something about all of them, but for behaviours, which need a plugin, and what only
    they can see."""
    seen = {type(thing) for model in MODELS for thing in objects_in(model)}
    declared = {cls for cls in vars(machine).values() if inspect.isclass(cls) and dataclasses.is_dataclass(cls)}
    declared = {cls for cls in declared if cls.__module__ == "sim.model"} - {Fault}
    declared |= {*DISTRIBUTIONS.values(), *KINDS} - {ClockJump}
    assert declared | set(ARRIVALS.values()) <= seen, declared - seen
    kinds = {key for model in MODELS for key in keys_in(plain(model))}
    assert {*STEP_FORMS, *FAULT_FORMS} - {"behaviour", "clock_jump"} <= kinds


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.scenario}-{m.variant}")
def test_it_is_plain_data(model: Model) -> None:
    """JSON and YAML hold it, and give it back as it was."""
    written = plain(model)
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    stream = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.dump(written, stream)
    assert yaml.load(stream.getvalue()) == written


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.scenario}-{m.variant}")
def test_every_field_of_every_object_is_in_it(model: Model) -> None:
    """Under its own name; of a distribution or an arrival process under the name that people write, with the unit."""
    keys = set(keys_in(plain(model)))
    for thing in objects_in(model):
        human = {p.attribute or name: name for name, p in getattr(thing, "parameters", {}).items()}
        for field in dataclasses.fields(thing):
            if isinstance(thing, Declared):
                name = human.get(field.name, field.name)
                assert keys & {field.name, name, f"{name}_s", f"{field.name}_count"}, f"{type(thing)}.{field.name}"
            else:
                assert field.name in keys, f"{type(thing).__name__}.{field.name}"


def test_quantities_carry_their_unit() -> None:
    text = (
        "scenario: s\nservices: {api: {cpu: {lognormal: {mean: 8ms, cv: 0.3}}, io: {uniform: {low: 1ms, high: 2ms}}}}\n"
        "traffic: {users: {to: api, arrivals: poisson(30/min), timeout: 250ms}}\n"
    )
    model = plain(load_text(text, "f.yaml").resolve("baseline"))
    cpu, io = model["services"][0]["endpoints"][0]["steps"]
    assert cpu == {"cpu": {"work": {"lognormal": {"mean_s": 0.008, "cv": 0.3}}, "draw": "attempt"}}
    assert io["io"]["wait"] == {"uniform": {"low_s": 0.001, "high_s": 0.002}}
    assert model["sources"][0]["arrivals"] == {"poisson": {"rate_per_s": 0.5}}
    assert model["sources"][0]["policy"]["timeout_s"] == 0.25


def test_two_models_that_differ_differ_in_plain() -> None:
    """Equal plain data means an equal model: over all pairs of the valid scenarios."""
    texts = [json.dumps(plain(model), sort_keys=True) for model in MODELS]
    for i, text in enumerate(texts):
        assert [MODELS[i] == MODELS[j] for j in range(i)] == [text == texts[j] for j in range(i)]


def test_text_of_included_files_is_plain_too() -> None:
    scenario = load(VALID[0].parent / "include-variants.yaml")
    model = plain(scenario.resolve("large"))

    def types_in(value: Any) -> set[type]:
        below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        return {type(value), *(t for item in below for t in types_in(item))}

    assert types_in(model) <= {dict, list, str, int, float, bool, type(None)}
    texts = [text for thing in objects_in(scenario.resolve("large")) for text in vars_of(thing)]
    assert {type(text) for text in texts if isinstance(text, str)} == {str}


def vars_of(thing: Any) -> Iterator[Any]:
    for field in dataclasses.fields(thing):
        yield getattr(thing, field.name)


def test_recorded_values_stand_in_it_or_are_told_by_their_hash() -> None:
    given = load_text(
        "scenario: s\nservices: {api: {cpu: {empirical: {values: [1ms, 2ms]}}}}\n"
        "traffic: {users: {to: api, arrivals: poisson(1/s)}}\n",
        "f.yaml",
    )
    [cpu] = plain(given.resolve("baseline"))["services"][0]["endpoints"][0]["steps"]
    assert cpu["cpu"]["work"]["empirical"]["values_s"] == [0.001, 0.002]
    model = load(VALID[0].parent / "include-with-files-beside-it.yaml").resolve("baseline")
    [cpu, _] = plain(model)["services"][0]["endpoints"][0]["steps"]
    recorded = cpu["cpu"]["work"]["empirical"]
    assert recorded["values_count"] == 3
    assert re.fullmatch("[0-9a-f]{32}", recorded["digest"])
    assert recorded["origin"].endswith("sizes.csv")
    assert not any(isinstance(value, np.ndarray) for value in recorded.values())
