"""Values of declared parameters (`sim.distributions.Parameter`): units read, limits explained in the same units."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sim.distributions import Parameter
from sim.errors import DsimError
from sim.forms.base import Mistake, MistakeError, MistakesError, inside, listed, read_each, show, suggestion
from sim.forms.fields import check_has_unit, read_flag, read_text
from sim.forms.scalar import folder_of
from sim.units import DURATIONS, format_duration, format_rate, parse_duration, parse_rate, parse_share

ReadDistribution = Callable[[Any, Path | None], Any]

_EXAMPLES = {
    "quantity": "8ms",
    "duration": "1s",
    "rate": "400/s",
    "ratio": "0.3",
    "number": "1.5",
    "integer": "3",
    "flag": "true",
    "text": "latency",
    "unit": "ms",
    "file": "data.csv",
    "distribution": "exponential(8ms)",
}
_MEASURES: dict[str, tuple[Callable[[str], float], Callable[[float], str], str, str]] = {
    "quantity": (parse_duration, format_duration, "a time", "{0}ms or {0}s"),
    "duration": (parse_duration, format_duration, "a time", "{0}ms or {0}s"),
    "rate": (parse_rate, format_rate, "a rate", "{0}/s"),
}


def read_parameters(
    parameters: Mapping[str, Parameter],
    given: Mapping[str, Any],
    folder: Path | None,
    read_distribution: ReadDistribution,
    canonical: str,
) -> dict[str, Any]:
    """The values of those keys that are declared. Raises MistakesError with every unknown key and wrong value."""
    values: dict[str, Any] = {}
    found: list[Mistake] = []
    for name, value in given.items():
        if name not in parameters:
            hint = suggestion(name, parameters) or f"; write {canonical}"
            allowed = ", ".join(parameters) or "none"
            found.append(Mistake((name,), f"unknown key {show(name)}; allowed here: {allowed}{hint}"))
            continue
        try:
            with inside(name):
                values[name] = read_parameter(parameters[name], value, folder, read_distribution)
        except MistakesError as error:
            found += error.found
    if found:
        raise MistakesError(found)
    return values


def read_parameter(parameter: Parameter, value: Any, folder: Path | None, read_distribution: ReadDistribution) -> Any:
    """One value in base units. Raises MistakeError or MistakesError."""
    kind = parameter.kind
    if kind == "list[record]":
        return read_each(_list(value), lambda item: _record(parameter, item, folder, read_distribution))
    if kind.startswith("list["):
        return read_each(_list(value), lambda item: _scalar(_item_kind(kind), parameter, item, folder))
    if kind == "distribution":
        return read_distribution(value, folder)
    return _scalar(kind, parameter, value, folder)


def example(parameter: Parameter) -> str:
    """A valid value, as one writes it."""
    if parameter.example:
        return parameter.example
    if parameter.kind == "list[record]":
        return f"[{_record_example(parameter)}]"
    sample = _EXAMPLES[_item_kind(parameter.kind)]
    return f"[{sample}]" if parameter.kind.startswith("list[") else sample


def _scalar(kind: str, parameter: Parameter, value: Any, folder: Path | None) -> Any:
    match kind:
        case "quantity" | "duration" | "rate":
            return _measure(kind, parameter, value)
        case "ratio" | "number":
            return _ratio(kind, parameter, value)
        case "integer":
            return _integer(parameter, value)
        case "flag":
            return read_flag(value)
        case "text":
            return read_text(value)
        case "unit":
            if not isinstance(value, str) or value not in DURATIONS:
                raise MistakeError(f"got {show(value)}; must be a unit of time: {listed(DURATIONS, 'or')}")
            return float(DURATIONS[value])
        case "file":
            if not isinstance(value, str) or not value.strip() or not value.isprintable():
                raise MistakeError(f"got {show(value)}; must be the path of a file, relative to the scenario file")
            return folder_of(value, folder) / value
    raise AssertionError(f"no reader for parameters of kind {kind}")


def _measure(kind: str, parameter: Parameter, value: Any) -> float:
    parse, show_as, noun, units = _MEASURES[kind]
    check_has_unit(value, units)
    if not isinstance(value, str):
        raise MistakeError(f"got {show(value)}; must be {noun} such as {_EXAMPLES[kind]}")
    try:
        number = parse(value)
    except DsimError as error:
        raise MistakeError(str(error)) from None
    return _limited(parameter, number, value, show_as, noun, f"; write e.g. {_EXAMPLES[kind]}")


def _ratio(kind: str, parameter: Parameter, value: Any) -> float:
    number = value
    if isinstance(value, str) and kind == "ratio":
        try:
            number = parse_share(value)
        except DsimError:
            number = None
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise MistakeError(f"got {show(value)}; must be a {kind} such as {_EXAMPLES[kind]}")
    return _limited(parameter, float(number), value, _plain, f"a {kind}")


def _integer(parameter: Parameter, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**15:
        raise MistakeError(f"got {show(value)}; must be an integer such as {_EXAMPLES['integer']}")
    return int(_limited(parameter, value, value, _plain, "an integer"))


def _limited(
    parameter: Parameter,
    number: float,
    value: Any,
    show_as: Callable[[float], str],
    noun: str,
    advice: str = "",
) -> float:
    above, least, most = parameter.above, parameter.at_least, parameter.at_most
    too_low = (above is not None and number <= above) or (least is not None and number < least)
    if not too_low and (most is None or number <= most):
        return number
    if above is None and least is not None and most is not None:
        raise MistakeError(f"got {show(value)}; must be {noun} from {show_as(least)} to {show_as(most)}{advice}")
    limits = []
    if above is not None:
        limits.append(f"above {show_as(above)}")
    if least is not None:
        limits.append(f"of at least {show_as(least)}")
    if most is not None:
        limits.append(f"of at most {show_as(most)}")
    raise MistakeError(f"got {show(value)}; must be {noun} {listed(limits)}{advice}")


def _plain(limit: float) -> str:
    return f"{limit:,.0f}" if limit == int(limit) else f"{limit:g}"


def _record(
    parameter: Parameter, value: Any, folder: Path | None, read_distribution: ReadDistribution
) -> dict[str, Any]:
    if not isinstance(value, Mapping) or set(value) != set(parameter.item):
        keys = listed(parameter.item)
        text = f"got {show(value)}; must be a mapping with the keys {keys}"
        raise MistakeError(f"{text}; write e.g. {_record_example(parameter)}")
    result = {}
    for name, rule in parameter.item.items():
        with inside(name):
            result[name] = read_parameter(rule, value[name], folder, read_distribution)
    return result


def _record_example(parameter: Parameter) -> str:
    return f"{{{', '.join(f'{name}: {example(rule)}' for name, rule in parameter.item.items())}}}"


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise MistakeError(f"got {show(value)}; must be a list with at least one item")
    return value


def _item_kind(kind: str) -> str:
    return kind.removeprefix("list[").removesuffix("]")
