"""Distributions and arrival processes: read from what their classes declare (`parameters`, `forms`, `single`).

8ms                                     a constant
exponential(8ms)                        the single parameter
{lognormal: {mean: 1ms, cv: 0.3}}       the canonical form
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from sim.distributions import DISTRIBUTIONS, Declared, Distribution
from sim.errors import DsimError
from sim.forms.base import (
    Location,
    Mistake,
    MistakeError,
    MistakesError,
    inside,
    listed,
    not_one,
    schema_of,
    show,
    unknown,
)
from sim.forms.fields import check_has_unit
from sim.forms.parameters import example, read_parameters
from sim.forms.scalar import folder_of, resolve_scalar
from sim.traffic import ARRIVALS, Arrivals
from sim.units import RATES

_RATE_ENDS = tuple(RATES)
_CALL = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_-]*)\s*(?:\((.*)\)\s*)?", re.DOTALL)


@dataclass(frozen=True)
class Family:
    """A registry whose entries a scenario names."""

    noun: str
    entries: Mapping[str, type[Declared]]
    example: str
    lone: str | None = None
    """The entry that a lone quantity stands for."""


DISTRIBUTION = Family("distribution", DISTRIBUTIONS, "exponential(8ms)", lone="constant")
ARRIVAL = Family("arrival process", ARRIVALS, "poisson(400/s)")


def read_declared(family: Family, value: Any, folder: Path | None) -> Any:
    """An object of the family; file names are relative to `folder`. Raises MistakeError or MistakesError."""
    if isinstance(value, str):
        return _from_text(family, value, folder)
    if family.lone:
        check_has_unit(value, "{0}ms or {0}s")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise MistakeError(not_one(value, f"one {family.noun} such as {family.example}"))
    [(name, given)] = value.items()
    cls = _entry(family, name)
    if isinstance(given, Mapping):
        with inside(name):
            return _build(cls, given, folder)
    if cls.single is None:
        raise MistakesError([Mistake((name,), f"got {show(given)}; must be a mapping; write {canonical(cls)}")])
    return _build_alone(cls, given, folder, (name,))


def canonical(cls: type[Declared]) -> str:
    """The entry with example values, as one writes it in full."""
    inner = ", ".join(f"{name}: {example(cls.parameters[name])}" for name in cls.forms[0].required)
    return f"{{{cls.name}: {{{inner}}}}}"


def _from_text(family: Family, text: str, folder: Path | None) -> Any:
    match = _CALL.fullmatch(text)
    if match is None:
        if family.lone is None:
            rate = text.replace(" ", "") if text.endswith(_RATE_ENDS) and text.isprintable() else "400/s"
            raise MistakeError(f"got {show(text)}; must be an {family.noun}; write e.g. poisson({rate})")
        return _build_alone(family.entries[family.lone], text, folder, ())
    name, argument = match.groups()
    cls = _entry(family, name)
    if argument is None or not argument.strip():
        short = f"{cls.name}({example(cls.parameters[cls.single])})" if cls.single else canonical(cls)
        raise MistakeError(f"got {show(text)}, without its parameters; write e.g. {short}")
    if cls.single is None or "=" in argument or ("," in argument and "(" not in argument):
        raise MistakeError(f"got {show(text)}; several parameters are written as a mapping; write {canonical(cls)}")
    return _build_alone(cls, resolve_scalar(argument.strip()), folder_of(text, folder), ())


def _entry(family: Family, name: str) -> type[Declared]:
    if name not in family.entries:
        raise MistakeError(unknown(family.noun, name, family.entries, f"write e.g. {family.example}"))
    return family.entries[name]


def _build_alone(cls: type[Declared], value: Any, folder: Path | None, at: Location) -> Declared:
    """With the one value of the single parameter, which stands where the mapping of parameters could."""
    try:
        return _build(cls, {str(cls.single): value}, folder)
    except MistakesError as error:
        raise MistakesError([Mistake((*at, *m.location[1:]), m.text) for m in error.found]) from None


def _build(cls: type[Declared], given: Mapping[str, Any], folder: Path | None) -> Declared:
    values = read_parameters(
        cls.parameters, given, folder, lambda value, base: read_declared(DISTRIBUTION, value, base), canonical(cls)
    )
    _check_names(cls, given)
    try:
        return cls.build(**values)
    except DsimError as error:
        mistake = _placed(cls, str(error))
        note = " (the numbers are seconds)" if mistake.text.startswith("got ") else ""
        raise MistakesError([mistake._replace(text=mistake.text + note)]) from None


def _check_names(cls: type[Declared], given: Mapping[str, Any]) -> None:
    names = set(given)
    if any(names >= set(form.required) and names <= {*form.required, *form.optional} for form in cls.forms):
        return
    missing = [name for name in cls.forms[0].required if name not in given]
    if len(cls.forms) == 1 and missing:
        what = "keys {} are" if len(missing) > 1 else "key {} is"
        raise MistakeError(f"the {what.format(listed(missing))} missing; write e.g. {canonical(cls)}")
    ways = "; or ".join(listed(form.required) for form in cls.forms)
    has = f"got {listed(given)}" if given else "got no keys"
    raise MistakeError(f"{has}; must have {ways}; write e.g. {canonical(cls)}")


def _placed(cls: type[Declared], text: str) -> Mistake:
    """Take `uniform.high: ` off the sentence and make it a location."""
    head, colon, rest = text.partition(": ")
    name, _, parameter = head.partition(".")
    if not colon or name != cls.name:
        return Mistake((), text)
    parameter = parameter.partition("[")[0]
    return Mistake((parameter,) if parameter in cls.parameters else (), rest)


def _reader(family: Family) -> Callable[[Any, ValidationInfo], Any]:
    def read(value: Any, info: ValidationInfo) -> Any:
        return read_declared(family, value, (info.context or {}).get("folder"))

    return read


DistributionField = Annotated[
    Distribution, PlainValidator(_reader(DISTRIBUTION)), WithJsonSchema(schema_of("Distribution"))
]
ArrivalsField = Annotated[Arrivals, PlainValidator(_reader(ARRIVAL)), WithJsonSchema(schema_of("Arrivals"))]
