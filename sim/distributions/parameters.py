"""Declared parameters: what a person may write about a distribution or an arrival process, and what is allowed.

The scenario language, its schema and the reference pages read these declarations; nothing about a single
distribution is written twice.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np

from sim.errors import DsimError

Kind = Literal[
    "quantity",
    "duration",
    "rate",
    "ratio",
    "number",
    "integer",
    "flag",
    "text",
    "unit",
    "file",
    "distribution",
    "list[quantity]",
    "list[ratio]",
    "list[record]",
]
"""`quantity`: in the distribution's own unit, which its place decides (seconds for a duration, bytes for a size).
`duration`: seconds. `rate`: per second. `ratio`: without unit, percent allowed. `unit`: the size of the unit that a
file's numbers are in, in base units (milliseconds: 0.001). `file`: a path. `distribution`: of the same own unit; in
arrival processes of durations. `list[record]`: a list of mappings whose keys are the parameter's `item`."""

_NOUN = {
    "quantity": "a number",
    "duration": "a number of seconds",
    "rate": "a number per second",
    "ratio": "a ratio",
    "number": "a number",
    "integer": "an integer",
    "unit": "the size of a unit",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. The limits hold for a number, and for each item of a list of numbers."""

    kind: Kind
    meaning: str
    default: Any = None
    """Taken where an optional parameter is left out."""
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    attribute: str = ""
    """The dataclass field that holds it, where that has another name."""
    example: str = ""
    """As one writes it, where the usual value of its kind does not suit."""
    item: Mapping[str, Parameter] = field(default_factory=dict)
    """Of a `list[record]`: the keys of each mapping, all of them required."""

    def allowed(self) -> str:
        """The rule as it stands in an error, for example `a ratio of at least 0`."""
        limits = []
        if self.above is not None:
            limits.append(f"above {self.above:g}")
        if self.at_least is not None:
            limits.append(f"of at least {self.at_least:g}")
        if self.at_most is not None:
            limits.append(f"of at most {self.at_most:g}")
        noun = _NOUN[self.kind.removeprefix("list[").removesuffix("]")]
        return f"{noun} {' and '.join(limits)}" if limits else f"{noun}, and finite"

    def check(self, where: str, value: Any) -> Any:
        """The value in its canonical type. Raises DsimError: what was given, what is allowed."""
        match self.kind:
            case "list[quantity]" | "list[ratio]":
                return tuple(self._number(f"{where}[{i}]", item) for i, item in enumerate(_items(where, value)))
            case "list[record]":
                return tuple(self._record(f"{where}[{i}]", item) for i, item in enumerate(_items(where, value)))
            case "integer":
                return self._integer(where, value)
            case "distribution":
                return _instance(where, value, Declared, "a distribution")
            case "flag":
                return _instance(where, value, bool, "true or false")
            case "text":
                return _instance(where, value, str, "text")
            case "file":
                return Path(_instance(where, value, str | Path, "the path of a file"))
            case _:
                return self._number(where, value)

    def _number(self, where: str, value: Any) -> float:
        if isinstance(value, bool | np.bool_) or not isinstance(value, Real) or not math.isfinite(value):
            raise DsimError(f"{where}: got {_shown(value)}; must be {self.allowed()}")
        return float(self._within(where, value))

    def _integer(self, where: str, value: Any) -> int:
        if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
            raise DsimError(f"{where}: got {_shown(value)}; must be {self.allowed()}")
        return int(self._within(where, operator.index(value)))

    def _within(self, where: str, value: Any) -> Any:
        low = (self.above is not None and value <= self.above) or (self.at_least is not None and value < self.at_least)
        if low or (self.at_most is not None and value > self.at_most):
            raise DsimError(f"{where}: got {value}; must be {self.allowed()}")
        return value

    def _record(self, where: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or set(value) != set(self.item):
            given = f"the keys {', '.join(map(str, value))}" if isinstance(value, Mapping) else _shown(value)
            raise DsimError(f"{where}: got {given}; must be a mapping with the keys {' and '.join(self.item)}")
        return {name: rule.check(f"{where}.{name}", value[name]) for name, rule in self.item.items()}


Parameters = Mapping[str, Parameter]


class Form(NamedTuple):
    """One way to write a thing: the parameters it needs, and those it may take besides."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


class Declared:
    """Base of the frozen dataclasses that declare what a person may write about them.

    `build` takes the human parameters, by name and in base units; the dataclass fields are the machine form.
    """

    name: ClassVar[str]
    parameters: ClassVar[Parameters]
    forms: ClassVar[tuple[Form, ...]]
    single: ClassVar[str | None] = None
    """The parameter that a lone argument means: `exponential(8ms)`."""

    @classmethod
    def build(cls, **given: Any) -> Self:
        """From human parameters. Raises DsimError with a sentence for a wrong set of names or a bad value."""
        form = _matching_form(cls, set(given))
        values = {name: cls.parameters[name].check(f"{cls.name}.{name}", value) for name, value in given.items()}
        for name in form.optional:
            values.setdefault(name, cls.parameters[name].default)
        return cls.from_parameters(**values)

    @classmethod
    def from_parameters(cls, **values: Any) -> Self:
        """From checked human parameters, one form's worth. Overridden where they are not the fields one by one."""
        return cls(**{cls.parameters[name].attribute or name: value for name, value in values.items()})

    def __post_init__(self) -> None:
        held = {f.name for f in fields(self)}  # type: ignore[arg-type]
        for name, parameter in self.parameters.items():
            attribute = parameter.attribute or name
            if attribute in held:
                checked = parameter.check(f"{self.name}.{name}", getattr(self, attribute))
                object.__setattr__(self, attribute, checked)
        self.validate()

    def validate(self) -> None:
        """Rules between parameters; raises DsimError."""


def _matching_form(cls: type[Declared], given: set[str]) -> Form:
    for form in cls.forms:
        if given >= set(form.required) and given <= {*form.required, *form.optional}:
            return form
    allowed = ", or ".join(_form_text(form) for form in cls.forms)
    raise DsimError(f"{cls.name}: got {', '.join(sorted(given)) or 'no parameters'}; must have {allowed}")


def _form_text(form: Form) -> str:
    text = " and ".join(form.required)
    return f"{text} (optional: {', '.join(form.optional)})" if form.optional else text


def _items(where: str, value: Any) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray) or len(value) == 0:
        raise DsimError(f"{where}: got {_shown(value)}; must be a list with at least one item")
    return list(value)


def _instance(where: str, value: Any, kind: Any, noun: str) -> Any:
    if not isinstance(value, kind):
        raise DsimError(f"{where}: got {_shown(value)}; must be {noun}")
    return value


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, float) else repr(value)
