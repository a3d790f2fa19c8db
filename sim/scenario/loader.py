"""Scenario files: read, patched into variants, checked, resolved. Every mistake of a file is told at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import DsimError, ScenarioErrors
from sim.forms import unknown
from sim.model import Model
from sim.plugins import load_plugin
from sim.scenario.document import ScenarioForm
from sim.scenario.files import read_scenario
from sim.scenario.judge import Judgement, gather, judge
from sim.scenario.patch import apply_override, apply_variant, read_overrides, read_variants
from sim.scenario.reader import read_tree
from sim.scenario.tree import without

Overrides = Iterable[str] | Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """A checked scenario: every variant resolves."""

    name: str
    title: str
    text: str
    """The file as it was read, overrides not applied."""
    variants: tuple[str, ...]
    """The baseline first, the others in the order of the file."""
    forms: Mapping[str, ScenarioForm]
    """The human form of each variant."""
    models: Mapping[str, Model]

    @property
    def baseline(self) -> str:
        return self.variants[0]

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
    tree, problems = read_tree(text, name)
    changes = read_overrides(overrides)
    patches, variant_problems = read_variants(tree)
    base = without(tree, "variants", "baseline")
    judged: dict[str, Judgement] = {}
    for variant, patch in patches.items():
        document, patch_problems = apply_variant(base, patch)
        for key, value, mark in changes:
            patch_problems += apply_override(document, key, value, mark)
        judged[variant] = judge(document, variant, folder).with_problems(patch_problems)
    found = gather(
        [*problems, *variant_problems], {variant: judgement.findings for variant, judgement in judged.items()}
    )
    if found:
        raise ScenarioErrors([finding.mark.text(name) + finding.text for finding in found])
    forms = {variant: judgement.form for variant, judgement in judged.items() if judgement.form}
    models = {variant: judgement.model for variant, judgement in judged.items() if judgement.model}
    first = forms[next(iter(patches))]
    return Scenario(first.scenario, first.title, text, tuple(patches), forms, models)
