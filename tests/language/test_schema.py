"""The JSON schema: complete, accepts what is valid, refuses most of what is not, and is red about no plugin."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sim.balancing import POLICIES
from sim.distributions import DISTRIBUTIONS
from sim.forms import STEP_FORMS
from sim.forms.declared import ARRIVAL, DISTRIBUTION, Family, canonical
from sim.scenario import load_text, schema
from sim.scenario.document import FILE_ONLY, ScenarioForm
from sim.scenario.expectations import METRICS
from sim.traffic import ARRIVALS

ROOT = Path(__file__).parents[2]
VALID = sorted([*(ROOT / "tests/scenarios/valid").glob("*.yaml"), *(ROOT / "scenarios").rglob("*.yaml")])
INVALID = sorted((ROOT / "tests/scenarios/invalid").glob("*.yaml"))
LEAST_REFUSED = 0.9
"""Of the invalid files whose mistake shows when each value is read by itself. What names stand for, what does not go
together, and what is in other files, no schema knows."""
VALIDATOR = Draft202012Validator(schema())


def as_json(file: Path) -> Any:
    """What an editor validates. Raises YAMLError."""
    return YAML(typ="safe", pure=True).load(file.read_text())


def is_refused(file: Path) -> bool:
    try:
        return not VALIDATOR.is_valid(as_json(file))
    except YAMLError:
        return False


def shows_by_itself(file: Path) -> bool:
    """Is a value wrong, whatever the names in the file stand for?"""
    try:
        values = {key: value for key, value in as_json(file).items() if key not in (*FILE_ONLY, "replace")}
    except (YAMLError, AttributeError):
        return False
    try:
        ScenarioForm.model_validate(values, context={"folder": file.parent})
    except ValidationError:
        return True
    return False


def complaints(text: str) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(YAML(typ="safe", pure=True).load(text))]


def scenario(section: str = "", *, services: str = "{api: {cpu: 5ms}}", users: str = "arrivals: poisson(9/s)") -> str:
    return f"scenario: s\nservices: {services}\ntraffic: {{users: {{to: api, {users}}}}}\n{section}"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_it_accepts_what_is_valid(file: Path) -> None:
    error = next(iter(VALIDATOR.iter_errors(as_json(file))), None)
    assert error is None, f"{error.json_path}: {error.message[:300]}" if error else ""


def test_it_refuses_most_of_what_is_invalid() -> None:
    shown = [file for file in INVALID if shows_by_itself(file)]
    passed = [file.stem for file in shown if not is_refused(file)]
    share = 1 - len(passed) / len(shown)
    assert len(shown) > len(INVALID) / 2
    assert share >= LEAST_REFUSED, f"{share:.1%} of {len(shown)} refused, but not {', '.join(passed)}"


def test_every_reference_leads_somewhere_and_every_part_is_used() -> None:
    written = schema()
    text = json.dumps(written)
    assert "x-schema-of" not in text
    assert set(re.findall(r'"#/\$defs/([\w.]+)"', text)) == set(written["$defs"])


def test_every_registered_name_is_in_it() -> None:
    text = json.dumps(schema())
    for registry in (POLICIES, DISTRIBUTIONS, ARRIVALS, STEP_FORMS, METRICS):
        assert all(name in text for name in registry)


@pytest.mark.parametrize("balance", ["my_policy", "{my_policy: {}}", "{my_policy: {patience: 5ms}}"])
def test_a_policy_of_a_plugin_is_not_red(balance: str) -> None:
    assert not complaints(scenario(users=f"arrivals: poisson(9/s), balance: {balance}"))


@pytest.mark.parametrize(
    "balance", ["{power_of_two: {choice: 2}}", "weighted_round_robin", "{a: {}, b: {}}", "my policy"]
)
def test_a_known_policy_is_checked_all_the_same(balance: str) -> None:
    assert complaints(scenario(users=f"arrivals: poisson(9/s), balance: {balance}"))


@pytest.mark.parametrize(
    "patch",
    [
        "{services: {api: {cpu: {constant: null, exponential: 5ms}}}}",
        "{services: {api: null, web: {steps: [{call: api}]}}}",
        "{traffic: {users: {arrivals: {poisson: {rate: 7/s}}, retry: {attempts: 2}}}}",
        "{replace: [services], services: {api: {io: 5ms}}}",
        "{title: Another way, run: {warmup: 3s}}",
        "{network: {across_zones: {latency: {lognormal: {cv: 0.5}}}}}",
    ],
)
def test_variants_are_patches(patch: str) -> None:
    assert not complaints(scenario(f"variants: {{plain: {{}}, other: {patch}}}"))


@pytest.mark.parametrize(
    "patch",
    [
        "{services: {api: {cpu: {exponentail: 5ms}}}}",
        "{servces: {}}",
        "{run: {seed: 7}}",
        "{run: {duration: 5}}",
        "{services: {api: {steps: [{call: null}]}}}",
        "{replace: [cpu]}",
        "null",
    ],
)
def test_patches_are_checked(patch: str) -> None:
    assert complaints(scenario(f"variants: {{plain: {{}}, other: {patch}}}"))


def test_a_file_that_includes_others_need_not_be_complete() -> None:
    assert not complaints("include: parts/shop.yaml\nfailures: null\nservices: {api: {instances: 3}}")
    assert complaints("include: parts/shop.yaml\nservices: {api: {instances: -3}}")
    assert complaints("include: parts/shop.yaml\nservcies: {}")
    assert complaints("services: {api: {cpu: 5ms}}")


@pytest.mark.parametrize("family", [DISTRIBUTION, ARRIVAL], ids=lambda family: family.noun)
def test_the_examples_of_the_sentences_are_valid(family: Family) -> None:
    """`write e.g.` of every distribution and arrival process: by the reader, but for files, and by the schema."""
    for cls in family.entries.values():
        example = canonical(cls)
        text = (
            scenario(users=f"arrivals: {example}")
            if family is ARRIVAL
            else scenario(services=f"{{api: {{cpu: {example}}}}}")
        )
        assert not complaints(text), example
        if "data.csv" not in example:
            load_text(text, "f.yaml")
