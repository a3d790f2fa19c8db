"""Whatever the text, reading it ends in a scenario or in sentences, never in another exception."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sim.distributions import DISTRIBUTIONS
from sim.errors import ScenarioErrors
from sim.forms import Form
from sim.scenario import load_text
from sim.scenario.document import ScenarioForm
from sim.traffic import ARRIVALS

VALID = sorted(path.read_text() for path in (Path(__file__).parents[1] / "scenarios" / "valid").glob("*.yaml"))
RELAXED = settings(deadline=None, suppress_health_check=list(HealthCheck))


def all_forms(form: type[Form] = Form) -> Iterator[type[Form]]:
    for below in form.__subclasses__():
        yield below
        yield from all_forms(below)


KEYS = st.sampled_from(
    sorted(
        {info.alias or name for form in all_forms() for name, info in form.model_fields.items()}
        | {name for entry in (DISTRIBUTIONS | ARRIVALS).values() for name in (entry.name, *entry.parameters)}
        | {"api", "db", "main", "default", "threads", "replace"}
    )
)
NAMES = ["api", "db", "db.main", "app-1", "a", "none", "all"]
WORDS = [*DISTRIBUTIONS, *NAMES, "8ms", "5", "-5ms", "90%", "exponential(8ms)", "poisson(9/s)"]
SCALARS = st.one_of(st.sampled_from(WORDS), st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
TREES = st.recursive(
    SCALARS,
    lambda below: st.one_of(
        st.lists(below, max_size=4), st.dictionaries(KEYS | st.text(max_size=3), below, max_size=4)
    ),
    max_leaves=25,
)


def read(text: str) -> None:
    sentences: list[str] = []
    try:
        scenario = load_text(text, "f.yaml")
        assert all(scenario.resolve(variant).variant == variant for variant in scenario.variants)
    except ScenarioErrors as error:
        sentences = error.messages
        assert sentences
    assert all(sentence.startswith("f.yaml:") and "\n" not in sentence for sentence in sentences)


@RELAXED
@given(st.text(max_size=200))
@example("? \n: \n")
@example("a: &a\nb: *a")
@example("---\n...\n---\n")
@example("!<tag:x> {}")
def test_any_text(text: str) -> None:
    read(text)


@RELAXED
@given(st.sampled_from(VALID), st.data())
def test_scenarios_with_a_scratch(text: str, data: st.DataObject) -> None:
    """A valid file in which a piece was cut out, doubled, or overwritten."""
    start = data.draw(st.integers(0, len(text)))
    end = min(len(text), start + data.draw(st.integers(0, 30)))
    middle = data.draw(
        st.sampled_from(["", text[start:end] * 2]) | st.text(alphabet="{}[]:,- \n\t&*!%#'\"0ab", max_size=5)
    )
    read(text[:start] + middle + text[end:])


@RELAXED
@given(TREES)
def test_any_value(tree: Any) -> None:
    read(json.dumps(tree))


@RELAXED
@given(st.sampled_from([*ScenarioForm.model_fields][1:]), TREES)
def test_any_section(name: str, tree: Any) -> None:
    document = {
        "scenario": "s",
        "nodes": {"app": {"count": 2, "zones": ["a", "b"]}},
        "services": {"api": {"nodes": "app", "steps": [{"call": "db"}]}, "db": {"io": "5ms"}},
        "traffic": {"users": {"to": "api", "arrivals": "poisson(9/s)"}},
    }
    read(json.dumps(document | {name: tree}))


@RELAXED
@given(st.sampled_from(["services", "traffic", "nodes", "failures", "variants"]), TREES)
def test_any_entry(section: str, tree: Any) -> None:
    document: dict[str, Any] = {
        "scenario": "s",
        "services": {"api": {"steps": [{"call": "db"}]}, "db": {"io": "5ms"}},
        "traffic": {"users": {"to": "api", "arrivals": "poisson(9/s)"}},
    }
    document.setdefault(section, {})["db"] = tree
    read(json.dumps(document))
