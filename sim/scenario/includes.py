"""`include:`: other scenario files, laid under the one that names them.

A file's own sections are a JSON merge patch (RFC 7396) on those of the files that it includes, one after the other in
the order of the list. Every value keeps the file and the line that it was written in. An included file may include
others; names of files are relative to the file that they stand in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.errors import ScenarioErrors
from sim.forms import show
from sim.scenario.files import LARGEST_BYTES, read_scenario
from sim.scenario.patch import merge
from sim.scenario.reader import MOST_VALUES, Problem, read_tree
from sim.scenario.tree import Map, Mark, Seq, size, without

KEY = "include"
MOST_FILES = 50
DEEPEST_INCLUDE = 8


@dataclass(frozen=True)
class Document:
    """A scenario file with all that it includes: one tree, what is wrong with it, and the texts by relative path."""

    tree: Map
    problems: list[Problem]
    files: dict[str, str]


@dataclass(frozen=True)
class _Place:
    """A file that is being read: its path as shown, relative to the scenario file, and as the system knows it."""

    shown: str
    relative: Path
    real: str


@dataclass
class _Includer:
    folder: Path
    scenario: str
    problems: list[Problem] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    reads: int = 0
    letters: int = 0
    values: int = 0

    def tree(self, text: str, chain: tuple[_Place, ...]) -> Map:
        """One file's tree with its includes under it; the last place of `chain` is the file's."""
        here = chain[-1]
        own, problems = read_tree(text, here.shown, self._folder(here) if len(chain) > 1 else None)
        self.problems += problems
        self.files[Path(os.path.normpath(here.relative)).as_posix()] = text
        self._count(own, text, here)
        if KEY not in own:
            return own
        seen: set[str] = set()
        parts = [self._included(name, mark, chain, seen) for name, mark in self._names(own)]
        first, *others = [part for part in parts if part is not None] or [Map(own.mark)]
        for part in (*others, without(own, KEY)):
            lay_over(first, part, self.problems)
        first.mark = own.mark
        return first

    def _folder(self, place: _Place) -> Path:
        return self.folder / place.relative.parent

    def _names(self, own: Map) -> Iterator[tuple[str, Mark]]:
        given = own[KEY]
        if isinstance(given, Seq) and given:
            items: list[tuple[Any, Mark]] = list(zip(given, given.marks, strict=True))
        else:
            items = [(given, own.marks[KEY])]
        for name, mark in items:
            if not isinstance(name, str) or not name.strip() or not name.isprintable():
                text = f"got {show(name)}; must be the path of a scenario file, or a list of them"
                self._refuse(mark, f"{text}; write e.g. include: parts/network.yaml")
            elif os.path.isabs(name):
                self._refuse(mark, f"got {show(name)}; must be a path relative to this file")
            else:
                yield str(name), mark

    def _included(self, name: str, mark: Mark, chain: tuple[_Place, ...], seen: set[str]) -> Map | None:
        relative = chain[-1].relative.parent / name
        place = _Place(str(self.folder / relative), relative, os.path.realpath(self.folder / relative))
        circle = [above.shown for above in chain if above.real == place.real]
        if circle:
            way = " → ".join([*(above.shown for above in chain), *circle])
            self._refuse(mark, f"{way} is a circle; must end somewhere; remove one of these includes")
        elif place.real in seen:
            self._refuse(mark, f"got {show(name)} a second time; remove one of the two")
        elif len(chain) > DEEPEST_INCLUDE:
            self._refuse(mark, f"files included more than {DEEPEST_INCLUDE} deep; must be flatter")
        elif self.reads >= MOST_FILES:
            self._refuse(mark, f"got more than {MOST_FILES} included files; must be fewer")
        else:
            self.reads += 1
            seen.add(place.real)
            return self._read(place, mark, chain)
        return None

    def _read(self, place: _Place, mark: Mark, chain: tuple[_Place, ...]) -> Map | None:
        try:
            text = read_scenario(place.shown)
        except ScenarioErrors as error:
            for message in error.messages:
                self._refuse(mark, message)
            return None
        try:
            return self.tree(text, (*chain, place))
        except ScenarioErrors as error:
            self.messages += error.messages
            return None

    def _refuse(self, mark: Mark, text: str) -> None:
        self.messages.append(mark.text(self.scenario) + text)

    def _count(self, tree: Map, text: str, here: _Place) -> None:
        """The limits of one file hold for all of them together."""
        self.letters += len(text)
        self.values += size(tree)
        if self.letters > LARGEST_BYTES or self.values > MOST_VALUES:
            limit = f"{LARGEST_BYTES:,} letters and {MOST_VALUES:,} values, aliases expanded"
            raise ScenarioErrors([f"{here.shown}: with this file there are more than {limit}; must be fewer"])


def read_document(text: str, name: str, folder: Path | None) -> Document:
    """A scenario's text and the files that it includes, relative to `folder`. Raises ScenarioErrors."""
    base = folder or Path()
    relative = Path(Path(name).name)
    place = _Place(name, relative, os.path.realpath(base / relative) if "\0" not in name else name)
    includer = _Includer(base, name)
    tree = includer.tree(text, (place,))
    if includer.messages:
        raise ScenarioErrors(includer.messages)
    return Document(tree, includer.problems, includer.files)


def lay_over(target: Map, document: Map, problems: list[Problem]) -> None:
    """Merge a file into what it includes, in place. Within a variant, null is content: the variant's own deletion."""
    merge(target, without(document, "variants"), problems, rename=True)
    if "variants" not in document:
        return
    given, below = document["variants"], target.get("variants")
    if not isinstance(given, Map) or not isinstance(below, Map):
        target.put("variants", given, document.marks["variants"])
        return
    for name, patch in given.items():
        known = below.get(name)
        if isinstance(patch, Map) and isinstance(known, Map):
            merge(known, patch, problems, rename=True, keep_null=True)
            below.marks[name] = given.marks[name]
        elif patch is None and name in below:
            below.drop(name)
        else:
            below.put(name, patch, given.marks[name])
