"""Scenario files: read, patched into variants, checked, resolved. Every mistake of a file is told at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import DsimError, ScenarioErrors
from sim.forms import unknown
from sim.model import Model
from sim.plugins import load_plugin
from sim.scenario.document import FILE_ONLY, TEXTS, ScenarioForm
from sim.scenario.expectations import Expectation, read_expectations
from sim.scenario.files import read_scenario
from sim.scenario.includes import read_document
from sim.scenario.judge import Judgement, gather, judge, mixed_warmups, never_useful
from sim.scenario.patch import apply_override, apply_variant, override_texts, read_overrides, read_variants
from sim.scenario.tree import entries_of, without

Overrides = Iterable[str] | Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """A checked scenario: every variant resolves."""

    name: str
    texts: Mapping[str, str]
    """What the file says about itself: those of title, description, question, predict and look_at that it has."""
    files: Mapping[str, str]
    """The scenario file and those that it includes as they were read, by their paths relative to its folder; the
    scenario file is the first. Overrides are not applied."""
    variants: tuple[str, ...]
    """The baseline first, the others in the order of the file."""
    forms: Mapping[str, ScenarioForm]
    """The human form of each variant."""
    models: Mapping[str, Model]
    expectations: tuple[Expectation, ...] = ()
    overrides: tuple[str, ...] = ()
    """What was changed on the way, as `key=value`."""

    @property
    def title(self) -> str:
        return self.texts.get("title", "")

    @property
    def text(self) -> str:
        """The scenario file itself."""
        return next(iter(self.files.values()))

    @property
    def baseline(self) -> str:
        return self.variants[0]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the results has to be told, a sentence each."""
        count = len(self.expectations)
        if not count:
            return ()
        what = "1 expectation was" if count == 1 else f"{count} expectations were"
        return (f"expect: {what} read and checked for mistakes, but this version does not judge them yet",)

    @property
    def records(self) -> bool:
        """Does a variant write rows of requests?"""
        return any(model.run.record != "none" for model in self.models.values())

    def resolve(self, variant: str) -> Model:
        """The machine model of a variant. Raises DsimError for a name that is none."""
        if variant not in self.models:
            raise DsimError(f"{self.name}: {unknown('variant', variant, self.variants)}")
        return self.models[variant]


def load(path: str | Path, overrides: Overrides = (), *, plugins: Iterable[str | Path] = ()) -> Scenario:
    """Read a scenario file.

    Args:
        overrides: `key=value` texts, or a mapping of dotted keys to values as YAML, applied to every variant:
            {"services.api.instances": "3"}.
        plugins: Python files to load first, with policies and behaviours that the scenario names.
    Raises: ScenarioErrors with one sentence for each mistake; PluginError.
    """
    for plugin in plugins:
        load_plugin(plugin)
    return load_text(read_scenario(path), str(path), overrides, folder=Path(path).parent)


def load_text(text: str, name: str, overrides: Overrides = (), *, folder: Path | None = None) -> Scenario:
    """Read a scenario from text; `name` stands in its errors, files that it names are relative to `folder`."""
    document = read_document(text, name, folder)
    given = override_texts(overrides)
    changes = read_overrides(given)
    patches, problems = read_variants(document.tree)
    base = without(document.tree, *FILE_ONLY)
    judged: dict[str, Judgement] = {}
    sources: dict[str, Collection[str] | None] = {}
    for variant, patch in patches.items():
        tree, patch_problems = apply_variant(base, patch)
        for key, value, mark in changes:
            patch_problems += apply_override(tree, key, value, mark)
        judged[variant] = judge(tree, variant, folder).with_problems(patch_problems)
        sources[variant] = entries_of(tree, "traffic")
    expectations, wrong_claims = read_expectations(document.tree, name, sources)
    problems = [*document.problems, *problems, *wrong_claims, *mixed_warmups(judged)]
    found = gather(problems, {v: judgement.findings for v, judgement in judged.items()})
    found = found or gather((), {"": never_useful(judged.values(), explored=bool(changes))})
    if found:
        raise ScenarioErrors([finding.mark.text(name) + finding.text for finding in found])
    forms = {variant: judgement.form for variant, judgement in judged.items() if judgement.form}
    models = {variant: judgement.model for variant, judgement in judged.items() if judgement.model}
    first = forms[next(iter(patches))]
    texts = {key: getattr(first, key) for key in TEXTS if getattr(first, key)}
    return Scenario(first.scenario, texts, document.files, tuple(patches), forms, models, expectations, given)
