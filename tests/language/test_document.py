"""`docs/language.md` names every key and every registered thing, and its examples load."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.distributions import DISTRIBUTIONS
from sim.forms import STEP_FORMS, Form
from sim.scenario import load_text
from sim.scenario.document import ScenarioForm
from sim.traffic import ARRIVALS

TEXT = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
REST = {
    "scenario": "scenario: s\n",
    "nodes": "nodes: {app: {count: 3, zones: [a, b, c]}}\n",
    "services": "services: {api: {nodes: app, instances: 3, cpu: 1ms}}\n",
    "traffic": "traffic: {users: {to: api, from: {zone: a}, arrivals: poisson(1/s)}}\nvariants: {plain: {}}\n",
}


def all_forms(form: type[Form] = Form) -> Iterator[type[Form]]:
    for below in form.__subclasses__():
        yield below
        yield from all_forms(below)


def names() -> set[str]:
    keys = {info.alias or name for form in all_forms() for name, info in form.model_fields.items()}
    parameters = {key for entry in (*DISTRIBUTIONS.values(), *ARRIVALS.values()) for key in entry.parameters}
    return keys | parameters | {*DISTRIBUTIONS, *ARRIVALS, *STEP_FORMS}


def test_every_name_is_told() -> None:
    told = {word for code in re.findall(r"`([^`\n]+)`", TEXT) for word in re.findall(r"\w+", code)}
    told |= set(re.findall(r"^ *(\w+):", TEXT, re.MULTILINE))
    assert names() <= told, sorted(names() - told)


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
def test_examples_load(example: str) -> None:
    section = example.partition(":")[0]
    missing = "".join(text for key, text in REST.items() if key != section and not example.startswith("scenario"))
    load_text(missing + example, "language.md")


def test_keys_called_unsupported_are_refused_so() -> None:
    told = TEXT.partition("## Not supported yet")[2]
    for key in ("sweep",):
        assert f"`{key}`" in told
        assert key in ScenarioForm.later
