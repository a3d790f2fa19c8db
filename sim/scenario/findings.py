"""Mistakes on their way to the reader: each with its place, each told once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sim.forms import Form, MistakeError, MistakesError
from sim.forms.base import Location, Mistake
from sim.scenario.tree import Map, Mark, locate


class Finding(NamedTuple):
    mark: Mark
    text: str


class Findings:
    """Gathers what is wrong with one variant.

    `removed` are the places of the document that could not be read, and were taken out or replaced. What depends on
    them is not judged: an endpoint whose steps are misspelt is no unknown endpoint.
    """

    def __init__(self, removed: Collection[Location] = ()) -> None:
        self.removed = frozenset(removed)
        self._above_removed = {gone[:n] for gone in removed for n in range(len(gone))}
        self._found: dict[Finding, None] = {}
        self.idle: dict[Mark, str] = {}
        """Places that change nothing in this variant, and what is said where that is so in every variant."""
        self.useful: set[Mark] = set()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def can_judge(self, *needs: Location) -> bool:
        """Is nothing removed at, above or below the places that a judgement needs?"""
        return not any(
            need in self._above_removed or any(need[:n] in self.removed for n in range(len(need) + 1)) for need in needs
        )

    def add(self, form: Form, location: Location, text: str, *needs: Location) -> None:
        """A mistake at a location inside a form."""
        assert isinstance(form.given, Map), f"{type(form).__name__} was not read from a file"
        mark = locate(form.given, location)
        if self.can_judge(_in_document(mark), *needs):
            self._found[Finding(mark, text)] = None

    def add_error(self, form: Form, error: MistakeError | MistakesError, *location: str | int) -> None:
        """What was raised while something at a location inside a form was judged."""
        for mistake in error.found if isinstance(error, MistakesError) else (Mistake((), error.text),):
            self.add(form, (*location, *mistake.location), mistake.text)

    def weigh(self, form: Form, location: Location, useful: bool, text: str) -> None:
        """Does what stands at a location inside a form change anything? What never does is a mistake too."""
        assert isinstance(form.given, Map), f"{type(form).__name__} was not read from a file"
        mark = locate(form.given, location)
        if useful:
            self.useful.add(mark)
        else:
            self.idle[mark] = text

    def names_removed(self, section: str) -> set[str]:
        """Entries of a section that could not be read at all."""
        return {str(gone[1]) for gone in self.removed if len(gone) == 2 and gone[0] == section}


def _in_document(mark: Mark) -> Location:
    """The path in the variant's document of what the patch may have brought."""
    return mark.path[2:] if mark.path[:1] == ("variants",) else mark.path
