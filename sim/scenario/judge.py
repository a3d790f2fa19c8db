"""One variant's document held against the language: its forms, its model, and all of its mistakes.

What cannot be read is replaced by an example, or taken out where there is none, and the rest is judged. So a misspelt
key in one service does not hide an unknown endpoint in another, and what was taken out is not told as missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from sim.forms import listed, mistakes_in
from sim.forms.base import Location, Mistake
from sim.model import Model
from sim.scenario.document import AUTO, ScenarioForm
from sim.scenario.findings import Finding, Findings
from sim.scenario.reader import Problem, parse
from sim.scenario.resolver import resolve
from sim.scenario.services import ServiceForm, TrafficForm
from sim.scenario.tree import Map, Mark, copy_tree, edit, existing, locate, value_at

MOST_ROUNDS = 20


class RemainderForm(ScenarioForm):
    """What is left of a scenario when the unreadable is gone; nothing is required."""

    scenario: str = "unnamed"
    services: dict[str, ServiceForm] = Field(default_factory=dict)
    traffic: dict[str, TrafficForm] = Field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    form: ScenarioForm | None
    model: Model | None
    findings: tuple[Finding, ...]
    idle: Mapping[Mark, str] = field(default_factory=dict)
    """Places that change nothing here, with a sentence each."""
    useful: Collection[Mark] = frozenset()

    def with_problems(self, problems: Iterable[Problem]) -> Judgement:
        return replace(self, findings=(*(Finding(*problem) for problem in problems), *self.findings))


def judge(document: Map, variant: str, folder: Path | None) -> Judgement:
    """Read and resolve one document; files that it names are relative to `folder`."""
    context = {"folder": folder}
    try:
        form = ScenarioForm.model_validate(document, context=context)
    except ValidationError as error:
        mistakes = tuple(mistakes_in(error))
        unreadable = [Finding(locate(document, mistake.location), mistake.text) for mistake in mistakes]
        rest = _judge_remainder(document, mistakes, context)
        return Judgement(None, None, (*unreadable, *rest))
    findings = Findings()
    model = resolve(form, variant, findings)
    return Judgement(form, model, tuple(findings), findings.idle, findings.useful)


def never_useful(judgements: Iterable[Judgement], *, explored: bool) -> list[Finding]:
    """What changes nothing in any variant that has it. To be asked where nothing else is wrong.

    Who explores with overrides, say with fewer instances, may leave lines of the file without effect, but no override.
    """
    idle: dict[Mark, str] = {}
    useful: set[Mark] = set()
    for judgement in judgements:
        idle = {**judgement.idle, **idle}
        useful.update(judgement.useful)
    told = [Finding(mark, text) for mark, text in idle.items() if mark not in useful]
    return [finding for finding in told if finding.mark.origin or not explored]


def mixed_warmups(judgements: Mapping[str, Judgement]) -> list[Problem]:
    """`warmup: auto` in some variants only: there is one cut for all of them."""
    runs = {variant: judgement.form.run for variant, judgement in judgements.items() if judgement.form}
    auto = [variant for variant, run in runs.items() if run.warmup == AUTO]
    if not auto or len(auto) == len(runs):
        return []
    mark = locate(runs[auto[0]].given, ("warmup",))
    text = f"got auto in variant{'s' if len(auto) > 1 else ''} {listed(auto)} only; must be auto in all or in none"
    return [(mark, f"{text}, since one cut holds for all variants")]


def gather(problems: Iterable[Problem], by_variant: Mapping[str, Iterable[Finding]]) -> list[Finding]:
    """Each mistake once, in the order of the lines, with the variants that have it where not all do."""
    variants_of: dict[Finding, list[str]] = {Finding(*problem): list(by_variant) for problem in problems}
    for variant, findings in by_variant.items():
        for finding in dict.fromkeys(findings):
            variants_of.setdefault(finding, []).append(variant)
    result = []
    for finding, variants in variants_of.items():
        everywhere = len(set(variants)) == len(by_variant) or finding.mark.path[:1] == ("variants",)
        note = "" if everywhere else f" (in variant{'s' if len(variants) > 1 else ''} {listed(variants)})"
        result.append(Finding(finding.mark, finding.text + note))
    return sorted(result, key=lambda finding: (finding.mark.origin, finding.mark.file, finding.mark.line))


def _judge_remainder(
    document: Map, mistakes: Iterable[Mistake], context: Mapping[str, Path | None]
) -> tuple[Finding, ...]:
    """What is wrong besides: references and combinations in what can be read."""
    rest = copy_tree(document)
    removed: list[Location] = []
    for _ in range(MOST_ROUNDS):
        changes = _repairs(rest, mistakes)
        edit(rest, changes)
        removed += changes
        try:
            form = RemainderForm.model_validate(rest, context=context)
        except ValidationError as error:
            mistakes = tuple(mistakes_in(error))
            continue
        findings = Findings(removed)
        resolve(form, "", findings)
        return tuple(findings)
    return ()


def _repairs(tree: Map, mistakes: Iterable[Mistake]) -> dict[Location, Any]:
    """What to put where: an example instead of a wrong value, or nothing; the outermost places only."""
    changes: dict[Location, Any] = {}
    for mistake in mistakes:
        place = existing(tree, mistake.location)
        if mistake.remedy:
            inside_mapping = isinstance(value_at(tree, mistake.location[:-1]), Map)
            place = mistake.location if inside_mapping else place
            changes[place] = parse(mistake.remedy, "remedy", path=place)[0]
        elif place:
            changes[place] = None
    return {path: value for path, value in changes.items() if not any(path[:n] in changes for n in range(1, len(path)))}
