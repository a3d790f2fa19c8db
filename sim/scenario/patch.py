"""Variants and overrides: JSON merge patch (RFC 7396) on trees, strict where a patch would do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sim.errors import ScenarioErrors
from sim.forms import MistakeError, listed, show, suggestion, unknown
from sim.forms.fields import read_identifier
from sim.scenario.reader import Problem, parse
from sim.scenario.tree import Map, Mark, Path, Seq, copy_tree, locate, without

ONLY_VARIANT = "baseline"
"""The name of the one variant of a scenario without `variants:`."""
MOST_VARIANTS = 100
OPTION = "--set"
NAMED_SECTIONS = ("nodes", "services", "traffic", "failures")
FIXED: dict[Path, str] = {
    ("scenario",): "the scenario has one name",
    ("variants",): "variants are not nested",
    ("baseline",): "there is one baseline",
    ("expect",): "a claim names its variant",
    ("include",): "files are included before variants are made",
    **dict.fromkeys((("description",), ("question",), ("predict",), ("look_at",)), "it is about the whole scenario"),
    ("run", "seed"): "variants are compared on the same draws",
    ("run", "replications"): "variants are compared replication by replication",
}
"""What a variant may not change, and why."""


UNREACHABLE = {
    **dict.fromkeys(("variants", "baseline"), "a change holds for every variant; must name a key outside variants:"),
    "expect": "cannot be changed from outside; change the file",
    "include": "files are included before anything is changed; change the file",
}
"""What an override may not change, and why."""


def read_variants(tree: Map) -> tuple[dict[str, Map], list[Problem]]:
    """The patches by name, the baseline's first. Without `variants:` there is one variant, which changes nothing."""
    problems: list[Problem] = []
    variants = tree.get("variants", Map(tree.mark))
    patches: dict[str, Map] = {}
    if not isinstance(variants, Map) or (not variants and "variants" in tree):
        text = f"got {show(variants)}; must be a mapping of names to changes; write e.g. variants: {{plain: {{}}}}"
        problems.append((tree.marks["variants"], text))
        variants = Map(tree.mark)
    for name, patch in variants.items():
        try:
            read_identifier(name)
            if not isinstance(patch, Map):
                raise MistakeError(f"got {show(patch)}; must be a mapping; write {name}: {{}} for no change")
            patches[name] = patch
        except MistakeError as error:
            problems.append((variants.marks[name], error.text))
    if len(patches) > MOST_VARIANTS:
        problems.append((tree.marks["variants"], f"got {len(patches)} variants; must be at most {MOST_VARIANTS}"))
        patches = dict(list(patches.items())[:1])
    if "baseline" in tree:
        baseline = tree["baseline"]
        if isinstance(baseline, str) and baseline in patches:
            patches = {baseline: patches[baseline], **patches}
        elif not isinstance(baseline, str) or baseline not in variants:
            have = _no_baseline(baseline, variants)
            problems.append((tree.marks["baseline"], have))
    return patches or {ONLY_VARIANT: Map(tree.mark)}, problems


def _no_baseline(given: Any, variants: Map) -> str:
    if not variants:
        return "there are no variants; remove it"
    if isinstance(given, str):
        return unknown("variant", given, variants)
    return f"got {show(given)}; must name a variant: {listed(variants, 'or')}"


def apply_variant(base: Map, patch: Map) -> tuple[Map, list[Problem]]:
    """The document of one variant; `base` is left as it is."""
    problems: list[Problem] = []
    result = without(base, *_replaced(patch, problems))
    changes = copy_tree(patch)
    if "replace" in changes:
        changes.drop("replace")
    for path, why in FIXED.items():
        if (mark := _mark_of(changes, path)) is not None:
            problems.append((mark, f"cannot be changed by a variant: {why}; remove it"))
    merge(result, changes, problems)
    return result, problems


def merge(target: Map, patch: Map, problems: list[Problem], *, rename: bool = False, keep_null: bool = False) -> None:
    """Lay a patch over a tree, in place.

    `rename`: mappings that both have are from then on found where the patch has them.
    `keep_null`: a null of the patch is a value, not a deletion (the patch is laid over another patch).
    """
    for key, value in patch.items():
        mark = patch.marks[key]
        if value is None and not keep_null:
            _delete(target, key, mark, problems)
        elif isinstance(value, Map) and isinstance(target.get(key), Map) and not _is_another_kind(target[key], value):
            merge(target[key], value, problems, rename=rename, keep_null=keep_null)
            if rename:
                target.marks[key] = mark
        else:
            if isinstance(value, Map) and not keep_null:
                _refuse_deletions(value, problems)
            target.put(key, value, mark)


def _is_another_kind(there: Map, value: Map) -> bool:
    """Does a patch put one kind of registry or store in the place of another? Their keys have nothing in common."""
    place = value.mark.path[2:] if value.mark.path[:1] == ("variants",) else value.mark.path
    is_choice = place == ("registry",) or (len(place) == 2 and place[0] == "stores")
    return is_choice and bool(value) and not any(key in there for key in value)


def apply_override(tree: Map, key: str, value: Any, mark: Mark) -> list[Problem]:
    """Set one dotted key of `tree`, in place; null deletes. Names with dots and list positions are understood."""
    problems: list[Problem] = []
    rest = key
    place: Path = ()
    here: Map | Seq = tree
    while True:
        part, rest = _first_part(here, rest)
        if not rest:
            _set(here, part, value, mark, problems)
            return problems
        below = _step_into(here, part, place, mark, problems)
        if below is None:
            return problems
        place, here = (*place, part), below


def override_texts(changes: Iterable[str] | Mapping[str, Any]) -> tuple[str, ...]:
    """As `key=value` texts."""
    if not isinstance(changes, Mapping):
        return tuple(changes)
    return tuple(f"{key}={value if isinstance(value, str) else _written(value)}" for key, value in changes.items())


def read_overrides(changes: Iterable[str]) -> list[tuple[str, Any, Mark]]:
    """From `key=value` texts. Raises ScenarioErrors."""
    result, messages = [], []
    for key, _, text in (change.partition("=") for change in changes):
        name = key.strip()
        path: Path = tuple(name.split("."))
        if not all(path) or not text.strip():
            messages.append(f"{OPTION} {key}: must be KEY=VALUE; write e.g. {OPTION} services.api.instances=3")
            continue
        if path[0] in UNREACHABLE:
            messages.append(f"{OPTION} {name}: {UNREACHABLE[str(path[0])]}")
            continue
        try:
            value, problems = parse(text, f"{OPTION} {name}", OPTION, path)
        except ScenarioErrors as error:
            messages += error.messages
            continue
        messages += [mark.text("") + problem for mark, problem in problems]
        result.append((name, value, Mark(path, 1, OPTION)))
    if messages:
        raise ScenarioErrors(messages)
    return result


def _delete(target: Map, key: str, mark: Mark, problems: list[Problem]) -> None:
    if key in target:
        target.drop(key)
    else:
        hint = suggestion(key, target) or "; remove this line"
        problems.append((mark, f"there is nothing to delete{hint}"))


def _refuse_deletions(value: Map, problems: list[Problem]) -> None:
    for key, item in list(value.items()):
        if item is None:
            _delete(Map(value.mark), key, value.marks[key], problems)
            value.drop(key)
        elif isinstance(item, Map):
            _refuse_deletions(item, problems)


def _replaced(patch: Map, problems: list[Problem]) -> list[str]:
    """The sections that `replace:` names and the variant gives."""
    given = patch.get("replace", Seq(patch.mark))
    names = given if isinstance(given, list) else [given]
    result = []
    for i, name in enumerate(names):
        if isinstance(name, str) and isinstance(patch.get(name), Map) and name != "replace":
            result.append(name)
        else:
            sections = listed([key for key in patch if key != "replace"], "or") or "a section that the variant gives"
            problems.append((locate(patch, ("replace", i)), f"got {show(name)}; must be {sections}"))
    return result


def _mark_of(tree: Map, path: Path) -> Mark | None:
    for key in path[:-1]:
        below = tree.get(str(key))
        if not isinstance(below, Map):
            return None
        tree = below
    return tree.marks.get(str(path[-1]))


def _first_part(here: Map | Seq, rest: str) -> tuple[str | int, str]:
    """Split a dotted key: the longest existing name, or everything to the next dot."""
    if isinstance(here, Map):
        names = [name for name in here if rest == name or rest.startswith(name + ".")]
        if names:
            name = max(names, key=len)
            return name, rest[len(name) + 1 :]
    part, _, after = rest.partition(".")
    return (int(part) if isinstance(here, Seq) and part.isdigit() else part), after


def _step_into(here: Map | Seq, part: str | int, place: Path, mark: Mark, problems: list[Problem]) -> Map | Seq | None:
    if isinstance(here, Seq):
        if not isinstance(part, int) or part >= len(here):
            problems.append((mark, f"got {show(part)} as a position; must be 0 to {len(here) - 1}"))
            return None
        below = here[part]
    elif part in here:
        below = here[str(part)]
    elif place and place[0] in NAMED_SECTIONS and len(place) == 1:
        hint = suggestion(str(part), here)
        problems.append((mark, f"got {show(part)}, which {place[0]} does not have; it has {listed(here)}{hint}"))
        return None
    else:
        below = Map(mark)
        here.put(str(part), below, mark)
    if not isinstance(below, Map | Seq):
        problems.append((mark, f"got a key below {show(part)}, which is {show(below)}; set {show(part)} itself"))
        return None
    return below


def _set(here: Map | Seq, part: str | int, value: Any, mark: Mark, problems: list[Problem]) -> None:
    if isinstance(here, Map):
        if value is None:
            _delete(here, str(part), mark, problems)
        else:
            here.put(str(part), value, mark)
    elif isinstance(part, int) and part < len(here) and value is not None:
        here[part], here.marks[part] = value, mark
    else:
        problems.append((mark, f"got {show(part)} as a position; must be 0 to {len(here) - 1}, with a value"))


def _written(value: Any) -> str:
    """A Python value as the YAML that a person would have written."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
