"""Forms: the human side of a scenario, a pydantic class per mapping, and the sentences that name what is wrong.

pydantic declares the keys and finds what is missing or too much; every sentence is written here, never by pydantic.
A mistake travels as a pair of location and text inside an exception, and each form on its way out prefixes the
location, so that one reading of a file gathers all of its mistakes.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, PrivateAttr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Location = tuple[str | int, ...]
"""Keys and list positions, from the thing that is being read to the place of a mistake."""
ADVICE = ("write ", "did you mean ", "remove ", "put ", "keep ", "give ", "lower ", "add ")
"""How the last part of a sentence begins when it says what to do."""
MOST_COMPARED = 500
"""Among more names than this, a suggestion must begin alike and be about as long."""
_Item = TypeVar("_Item")


def schema_of(name: str) -> dict[str, Any]:
    """A place for a part of the JSON schema that `sim.scenario.schema` fills in, when all registries are full."""
    return {"x-schema-of": name}


class Mistake(NamedTuple):
    """What is wrong, and where inside the thing that was being read."""

    location: Location
    text: str
    remedy: str = ""
    """A value that would be right there, as YAML, so that the rest can be judged."""

    def below(self, *location: str | int) -> Mistake:
        return self._replace(location=(*location, *self.location))


class MistakeError(ValueError):
    """One wrong value: what was given; what is allowed; what to do (the form adds an example where this is missing)."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)

    @property
    def has_advice(self) -> bool:
        """Does the text already end in what to do?"""
        return "such as {" in self.text or self.text.rpartition("; ")[2].startswith(ADVICE)


class MistakesError(ValueError):
    """Several mistakes, each with its location inside the thing that was being read."""

    def __init__(self, found: Iterable[Mistake]) -> None:
        self.found = tuple(found)
        super().__init__("; ".join(mistake.text for mistake in self.found))


class Form(BaseModel):
    """A mapping of the language. Subclasses declare the keys; `examples` of a field complete its sentences."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    shape: ClassVar[str] = "a mapping"
    """What stands here, for the sentence about a value that is no mapping."""
    shorthand: ClassVar[dict[str, Any] | None] = None
    """JSON schema of what `expand` takes beside the mapping."""
    rules: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """JSON schema of what `problems` refuses, as far as it can be said there."""
    later: ClassVar[frozenset[str]] = frozenset()
    """Keys that the language will have and this version does not."""

    _given: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def given(self) -> Mapping[str, Any]:
        """The mapping as it was read, with the marks of its keys."""
        return self._given

    @classmethod
    def expand(cls, value: Any) -> Any:
        """The mapping that a shorthand stands for; any other value as it is."""
        return value

    def problems(self) -> Iterator[Mistake]:
        """Mistakes between the keys of one mapping whose values are fine one by one."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, cls):
            return value
        given = cls.expand(value)
        if not isinstance(given, Mapping):
            raise MistakeError(f"got {show(value)}; must be {cls.shape}")
        empty = [str(key) for key, item in given.items() if item is None]
        try:
            form = handler({key: item for key, item in given.items() if item is not None})
        except ValidationError as error:
            raise MistakesError([*_mistakes_of(cls, error, given), *_without_value(cls, empty)]) from None
        form._given = given
        if found := [*_without_value(cls, empty), *form.problems()]:
            raise MistakesError(found)
        return form


def show(value: Any) -> str:
    """A value as a sentence quotes it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            short = value if len(value) <= 60 else value[:57] + "…"
            if not short or not short.isprintable():
                return ascii(short)
            return f"'{short}'" if " " in short else short
        case Mapping():
            return f"a mapping with {_keys(value)}" if value else "an empty mapping"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case _:
            text = str(value)
            return text if len(text) <= 60 else text[:57] + "…"


def listed(names: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    items = list(names)
    return f" {last} ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def suggestion(given: str, known: Iterable[str]) -> str:
    """`; did you mean x?` where something close exists, or nothing."""
    names = list(known)
    if len(names) > MOST_COMPARED:
        names = [name for name in names if name[:1] == given[:1] and abs(len(name) - len(given)) <= 1]
    lower = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(given.lower(), lower, 1, 0.6)
    return f"; did you mean {lower[close[0]]}?" if close else ""


def unknown(kind: str, given: str, known: Iterable[str], otherwise: str = "") -> str:
    """The sentence about a name that stands for nothing."""
    names = sorted(known)
    one_of = "one of " if len(names) > 1 else ""
    have = f"must be {one_of}{listed(_first(names), 'or')}" if names else f"there is no {kind}"
    hint = suggestion(given, names) or (f"; {otherwise}" if otherwise else "")
    return f"got the unknown {kind} {show(given)}; {have}{hint}"


def not_one(value: Any, what: str) -> str:
    """The sentence about a value that should be one of several kinds, by name."""
    text = f"got {show(value)}; must be {what}"
    if isinstance(value, Mapping) and len(value) > 1:
        text += f"; keep one key (variants merge mappings: delete the other with {next(iter(value))}: null)"
    return text


@contextmanager
def inside(*location: str | int) -> Iterator[None]:
    """Puts a location in front of what goes wrong within."""
    try:
        yield
    except MistakesError as error:
        raise MistakesError([mistake.below(*location) for mistake in error.found]) from None
    except MistakeError as error:
        raise MistakesError([Mistake(location, error.text)]) from None


def read_each(items: Sequence[Any], read: Callable[[Any], _Item]) -> list[_Item]:
    """Read every item, so that one wrong item does not hide another's mistakes. Raises MistakesError."""
    result: list[_Item] = []
    found: list[Mistake] = []
    for position, item in enumerate(items):
        try:
            with inside(position):
                result.append(read(item))
        except MistakesError as error:
            found += error.found
    if found:
        raise MistakesError(found)
    return result


def read_as(form: type[Form], value: Any, context: Any = None) -> Any:
    """Validate a value that a shorthand or a registry leads to. Raises MistakesError."""
    try:
        return form.model_validate(value, context=context)
    except ValidationError as error:
        raise MistakesError(mistakes_in(error)) from None


def mistakes_in(error: ValidationError) -> Iterator[Mistake]:
    """All mistakes of a reading, with complete sentences."""
    for detail in error.errors(include_url=False):
        inner = detail.get("ctx", {}).get("error")
        if isinstance(inner, MistakesError):
            yield from (mistake.below(*_location(detail)) for mistake in inner.found)
        else:
            text = inner.text if isinstance(inner, MistakeError) else f"got {show(detail['input'])}"
            yield Mistake(_location(detail), text)


def _mistakes_of(cls: type[Form], error: ValidationError, given: Mapping[str, Any]) -> Iterator[Mistake]:
    for detail in error.errors(include_url=False):
        location = _location(detail)
        key = str(location[0]) if location else ""
        inner = detail.get("ctx", {}).get("error")
        if isinstance(inner, MistakesError):
            yield from (mistake.below(*location) for mistake in inner.found)
        elif detail["type"] == "missing" and (key in given or _is_misspelt(cls, key, given)):
            continue  # it is there, without a value or misspelt
        elif detail["type"] == "missing":
            yield Mistake((key,), f"the key {key} is missing{_advice(cls, key)}", _remedy(cls, key))
        elif detail["type"] == "extra_forbidden":
            yield Mistake(location, _unknown_key(cls, key))
        else:
            yield Mistake(location, _sentence(cls, detail, inner), _remedy(cls, key) if len(location) == 1 else "")


def _is_misspelt(cls: type[Form], missing: str, given: Iterable[str]) -> bool:
    """Is there an unknown key that may stand for the missing one?"""
    keys = _keys_of(cls)
    return any(suggestion(key, keys) == suggestion(missing, keys) for key in given if key not in keys)


def _without_value(cls: type[Form], keys: Iterable[str]) -> Iterator[Mistake]:
    for key in keys:
        if key in _keys_of(cls):
            yield Mistake((key,), f"got nothing; must have a value{_advice(cls, key)}", _remedy(cls, key))
        else:
            yield Mistake((key,), _unknown_key(cls, key))


def _sentence(cls: type[Form], detail: ErrorDetails, inner: Any) -> str:
    key = str(_location(detail)[0])
    if isinstance(inner, MistakeError):
        return inner.text if inner.has_advice else inner.text + _advice(cls, key)
    allowed = {"dict_type": "a mapping", "list_type": "a list"}.get(detail["type"], "something else")
    return f"got {show(detail['input'])}; must be {allowed}{_advice(cls, key)}"


def _location(detail: ErrorDetails) -> Location:
    """Without pydantic's marker of a mapping's key."""
    return tuple(part for part in detail["loc"] if part != "[key]")


def _keys_of(cls: type[Form]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for name, info in cls.model_fields.items()}


def _advice(cls: type[Form], key: str) -> str:
    info = _keys_of(cls).get(key)
    return f"; write e.g. {key}: {info.examples[0]}" if info and info.examples else ""


def _remedy(cls: type[Form], key: str) -> str:
    info = _keys_of(cls).get(key)
    return str(info.examples[0]) if info and info.examples else ""


def _unknown_key(cls: type[Form], key: str) -> str:
    keys = list(_keys_of(cls))
    if key in cls.later:
        return f"{key} is not supported yet; allowed here: {', '.join(keys)}; remove it"
    hint = suggestion(key, keys) or "; remove it or correct its name"
    return f"unknown key {show(key)}; allowed here: {', '.join(keys) or 'none'}{hint}"


def _first(names: list[str], limit: int = 20) -> list[str]:
    return names if len(names) <= limit else [*names[:limit], f"{len(names) - limit} more"]


def _keys(value: Mapping[str, Any]) -> str:
    names = _first([show(key) for key in value], 4)
    return f"the key{'s' if len(names) > 1 else ''} {listed(names)}"
