"""YAML to trees: every key with its line, duplicates refused, aliases and nesting bounded, nothing executed.

The tree is built from the parser's events, not by a loader: so tags construct nothing, `on` stays a word (YAML 1.2),
an alias costs what it expands to, and reading stops at the first event too deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as Folder
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from sim.errors import ScenarioErrors
from sim.forms import listed, show
from sim.forms.scalar import PlacedText, resolve_scalar
from sim.scenario.tree import Map, Mark, Path, Seq, copy_tree, size

DEEPEST = 40
MOST_VALUES = 100_000
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Problem = tuple[Mark, str]

_ADVICE = (
    ("mapping values are not allowed", "a second `: ` on this line, or a wrong indentation; indent keys of one mapping"
     " alike, and put text with a colon in quotes"),
    ("found character '\\t'", "a tab in the indentation; use spaces"),
    ("that cannot start any token", "a value cannot begin with this character; put the text in quotes"),
    ("expected ',' or ']'", "a list lacks its ] or a comma; text with a comma or a bracket needs quotes"),
    ("expected ',' or '}'", "a mapping lacks its } or a comma; text with a comma or a colon needs quotes"),
    ("expected the node content", "a value is missing, or a bracket is not closed"),
    ("unexpected end of stream", "the text in quotes is never closed; add the closing quote"),
    ("expected <block end>", "the indentation does not match the lines above; indent keys of one mapping alike"),
    ("could not find expected ':'", "a key without a colon; write key: value"),
    ("sequence entries are not allowed", "a list item `- ` cannot stand here; put it on a line of its own"),
    ("unknown escape character", "an unknown \\ escape in double quotes; use single quotes"),
    ("undefined alias", "an alias without an anchor"),
)  # fmt: skip


def read_tree(text: str, name: str, included_from: Folder | None = None) -> tuple[Map, list[Problem]]:
    """The mapping that the text is, and what is wrong with its keys. Raises ScenarioErrors where it is none.

    Of an included file, `included_from` is the folder, and its name stands in the marks.
    """
    value, problems = parse(text, name, included_from=included_from)
    begin = "begin with `scenario: NAME`" if included_from is None else "begin with a section such as nodes:"
    if value is None:
        then = ", then services: and traffic:" if included_from is None else ""
        raise ScenarioErrors([f"{name}:1: the file is empty; {begin}{then}"])
    if not isinstance(value, Map):
        raise ScenarioErrors([f"{name}:1: got {show(value)} at the top; must be a mapping; {begin}"])
    return value, problems


def parse(
    text: str, name: str, origin: str = "", path: Path = (), included_from: Folder | None = None
) -> tuple[Any, list[Problem]]:
    """Any YAML value; `origin` and `path` go into its marks. Raises ScenarioErrors."""
    unreadable = _UNREADABLE.search(text)
    if unreadable:
        line = text.count("\n", 0, unreadable.start()) + 1
        code = f"U+{ord(unreadable.group()):04X}"
        raise ScenarioErrors([f"{name}:{line}: has the control character {code}; must be plain text; remove it"])
    return _Builder(text, name, origin, included_from).document(path)


class _Builder:
    """Turns one document's events into a tree."""

    def __init__(self, text: str, name: str, origin: str, included_from: Folder | None) -> None:
        self.name = name
        self.origin = origin
        self.included_from = included_from
        self.events = self._events(text)
        self.anchors: dict[str, Any] = {}
        self.open_anchors: set[str] = set()
        self.values = 0
        self.problems: list[Problem] = []

    def document(self, path: Path) -> tuple[Any, list[Problem]]:
        value: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refusal(event, "a second document begins; must be one scenario a file; remove the ---")
                value = self._node(next(self.events), path)
        return value, self.problems

    def _events(self, text: str) -> Iterator[Event]:
        """The parser's events. Whatever it raises becomes a sentence."""
        try:
            yield from YAML(typ="safe", pure=True).parse(text)
        except MarkedYAMLError as error:
            raise ScenarioErrors([self._syntax(error)]) from None
        except (
            YAMLError,
            ValueError,
            ArithmeticError,
            LookupError,
            TypeError,
            AttributeError,
            AssertionError,
        ) as error:
            reason = type(error).__name__
            raise ScenarioErrors(
                [f"{self.name}:1: not valid YAML: an escape or a directive is wrong ({reason})"]
            ) from None

    def _node(self, event: Event, path: Path) -> Any:
        self._count(event, 1, path)
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        assert isinstance(event, NodeEvent)
        if event.anchor:
            self.open_anchors.add(event.anchor)
        if isinstance(event, ScalarEvent):
            value = self._scalar(event, path)
        else:
            self._check_tag(event, path)
            value = self._mapping(event, path) if isinstance(event, MappingStartEvent) else self._sequence(event, path)
        if event.anchor:
            self.open_anchors.discard(event.anchor)
            self.anchors[event.anchor] = value
        return value

    def _scalar(self, event: ScalarEvent, path: Path) -> Any:
        self._check_tag(event, path)
        if any("\ud800" <= letter <= "\udfff" for letter in event.value):
            raise self._refusal(event, "got an escape of half a character (a surrogate); write the character itself")
        value = resolve_scalar(event.value) if event.style in (None, "") else event.value
        if isinstance(value, str) and self.included_from is not None:
            return PlacedText(value, self.included_from)
        return value

    def _mapping(self, event: Event, path: Path) -> Map:
        result = Map(self._mark(event, path))
        while not isinstance(start := next(self.events), MappingEndEvent):
            if not isinstance(start, ScalarEvent):
                self._node(start, path)
                self._problem(start, path, "got a list, a mapping or an alias as a key; must be a name")
                self._node(next(self.events), path)
                continue
            self._scalar(start, path)
            key = start.value
            value = self._node(next(self.events), (*path, key))
            if key == "<<":
                raise self._refusal(start, "<< (merge) is not part of YAML 1.2; write the keys out")
            if key in result:
                line = result.marks[key].line
                self._problem(start, (*path, key), f"the key was given before, in line {line}; remove one of the two")
            else:
                result.put(key, value, self._mark(start, (*path, key)))
        return result

    def _sequence(self, event: Event, path: Path) -> Seq:
        result = Seq(self._mark(event, path))
        while not isinstance(start := next(self.events), SequenceEndEvent):
            place = (*path, len(result))
            result.put(self._node(start, place), self._mark(start, place))
        return result

    def _alias(self, event: AliasEvent, path: Path) -> Any:
        if event.anchor in self.open_anchors:
            raise self._refusal(
                event, f"the alias {show('*' + event.anchor)} stands inside its own anchor; write the value out"
            )
        if event.anchor not in self.anchors:
            known = f"must be {listed(sorted(self.anchors), 'or')}" if self.anchors else "no anchor was set before it"
            raise self._refusal(event, f"got the unknown alias {show('*' + event.anchor)}; {known}")
        value = self.anchors[event.anchor]
        self._count(event, size(value), path, depth=_depth(value))
        return copy_tree(value, path)

    def _check_tag(self, event: Any, path: Path) -> None:
        if event.tag and event.tag != "!":
            self._problem(event, path, f"got the tag {show(event.tag)}; tags are not allowed; remove it")

    def _count(self, event: Event, values: int, path: Path, depth: int = 0) -> None:
        self.values += values
        if self.values > MOST_VALUES:
            raise self._refusal(event, f"more than {MOST_VALUES:,} values, aliases expanded; must be fewer")
        if len(path) + depth > DEEPEST:
            raise self._refusal(event, f"nested more than {DEEPEST} deep; must be flatter")

    def _mark(self, event: Event, path: Path) -> Mark:
        return Mark(path, event.start_mark.line + 1, self.origin, "" if self.included_from is None else self.name)

    def _problem(self, event: Event, path: Path, text: str) -> None:
        self.problems.append((self._mark(event, path), text))

    def _refusal(self, event: Event, text: str) -> ScenarioErrors:
        where = self.name if self.origin else f"{self.name}:{event.start_mark.line + 1}"
        return ScenarioErrors([f"{where}: {text}"])

    def _syntax(self, error: MarkedYAMLError) -> str:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context or "cannot be read")
        text = next((advice for key, advice in _ADVICE if key in problem), problem)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        opened = ""
        if error.context_mark and error.context_mark.line + 1 < line and "expected" in problem:
            opened = f" (it begins in line {error.context_mark.line + 1})"
        where = self.name if self.origin else f"{self.name}:{line}"
        return f"{where}: not valid YAML at column {column}: {text}{opened}"


def _depth(value: Any) -> int:
    if isinstance(value, Map):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, Seq):
        return 1 + max(map(_depth, value), default=0)
    return 0
