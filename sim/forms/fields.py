"""The scalar types of the language: each reads one value, or says what it must be."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, PlainValidator, WithJsonSchema
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from sim.errors import DsimError
from sim.forms.base import MistakeError, show, suggestion
from sim.units import (
    BIT_RATES,
    BYTE_RATES,
    DRIFTS,
    DURATIONS,
    PREFIXES,
    SIZES,
    format_bit_rate,
    format_count,
    format_duration,
    format_size,
    parse_bit_rate,
    parse_byte_rate,
    parse_count,
    parse_drift,
    parse_duration,
    parse_share,
    parse_size,
)

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
LONGEST_TIME_S = 1e9
LARGEST_COUNT = 10**9
LARGEST_BYTES = 1e15
LARGEST_DRIFT = 0.1
FASTEST_BPS = 1e15
_Value = TypeVar("_Value")


def _field(read: Callable[[Any], Any], schema: dict[str, Any]) -> Any:
    return (PlainValidator(read), WithJsonSchema(schema))


def read_duration(value: Any, *, positive: bool = True) -> float:
    """Seconds, from text with a unit."""
    check_has_unit(value, "{0}ms or {0}s")
    seconds = _parsed(parse_duration, value, "a time such as 250ms")
    if seconds < 0 or (positive and seconds == 0):
        raise MistakeError(f"got {show(value)}; must be a time {'above' if positive else 'of at least'} 0s")
    if seconds > LONGEST_TIME_S:
        raise MistakeError(
            f"got {show(value)}; must be a time of at most {format_duration(LONGEST_TIME_S)} (about 30 years)"
        )
    return seconds


def read_probability(value: Any) -> float:
    """A share in [0, 1], from a percentage."""
    if _is_number(value) and 0 <= value <= 1:
        raise MistakeError(f"got {show(value)}, which has no unit; write {value * 100:g}%")
    check_has_unit(value, "{0}%")
    share = _parsed(parse_share, value, "a percentage such as 0.1%")
    if not 0 <= share <= 1:
        raise MistakeError(f"got {show(value)}; must be a percentage from 0% to 100%")
    return share


def read_size(value: Any) -> float:
    """Bytes, from text with a unit."""
    check_has_unit(value, "{0}B or {0}kB")
    size = _parsed(parse_size, value, "a size such as 2kB")
    if not 1 <= size <= LARGEST_BYTES:
        raise MistakeError(f"got {show(value)}; must be a size from 1B to {format_size(LARGEST_BYTES)}")
    return size


def read_bit_rate(value: Any) -> float:
    """Bits per second, from text with a unit."""
    check_has_unit(value, "{0}Mbps or {0}Gbps")
    rate = _parsed(parse_bit_rate, value, "a bandwidth such as 10Gbps")
    if not 1 <= rate <= FASTEST_BPS:
        raise MistakeError(f"got {show(value)}; must be a bandwidth from 1bps to {format_bit_rate(FASTEST_BPS)}")
    return rate


def read_byte_rate(value: Any) -> float:
    """Bytes per second, from text with a unit."""
    check_has_unit(value, "{0}MB/s or {0}GB/s")
    rate = _parsed(parse_byte_rate, value, "a throughput such as 500MB/s")
    if not 1 <= rate <= LARGEST_BYTES:
        raise MistakeError(f"got {show(value)}; must be a throughput from 1B/s to {format_size(LARGEST_BYTES)}/s")
    return rate


def read_drift(value: Any) -> float:
    """Seconds per second, from text in ppm; below 0 for a clock that runs slow."""
    check_has_unit(value, "{0}ppm")
    drift = _parsed(parse_drift, value, "a drift such as 50ppm")
    if not 0.0 < abs(drift) <= LARGEST_DRIFT:
        most = f"{LARGEST_DRIFT * 1e6:.0f}ppm"
        raise MistakeError(f"got {show(value)}; must be a drift from -{most} to {most}, and not 0ppm")
    return drift


def read_offset(value: Any) -> float:
    """Seconds, below 0 for what is behind."""
    check_has_unit(value, "{0}ms or {0}s")
    seconds = _parsed(parse_duration, value, "a time such as 250ms or -250ms")
    if not 0.0 < abs(seconds) <= LONGEST_TIME_S:
        most = format_duration(LONGEST_TIME_S)
        raise MistakeError(f"got {show(value)}; must be a time from -{most} to {most}, and not 0s")
    return seconds


def read_number(value: Any, *, positive: bool = True) -> float:
    """A finite number without a unit."""
    what = "a number above 0" if positive else "a number of at least 0"
    if not _is_number(value) or not math.isfinite(value) or abs(value) > 1e15:
        raise MistakeError(f"got {show(value)}; must be {what}")
    if value < 0 or (positive and value == 0):
        raise MistakeError(f"got {show(value)}; must be {what}")
    return float(value)


def read_count(value: Any, *, least: int = 1, most: int = LARGEST_COUNT) -> int:
    """An integer; `10k` is one too."""
    what = f"an integer of at least {least}"
    try:
        number = parse_count(value) if isinstance(value, str) else value
    except DsimError:
        number = None
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise MistakeError(f"got {show(value)}; must be {what}")
    if number > most:
        raise MistakeError(f"got {show(value)}; must be an integer of at most {_round(most)}")
    return number


def _round(most: int) -> str:
    return format_count(most) if most % 1000 == 0 else f"{most:,}"


def read_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise MistakeError(f"got {show(value)}; must be true or false")
    return value


def read_text(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    if not isinstance(value, str) or not value.strip():
        raise MistakeError(f"got {show(value)}; must be text")
    return str(value)


def read_identifier(value: Any) -> str:
    if not isinstance(value, str):
        raise MistakeError(f"got {show(value)}; must be a name that starts with a letter")
    if not IDENTIFIER.fullmatch(value) or len(value) > 64:
        raise MistakeError(
            f"got {show(value)}; must be a name of at most 64 letters, digits, - and _ that starts with a letter"
            f"{_as_identifier(value)}"
        )
    return str(value)


def read_label(value: Any) -> str:
    """A free name on one line, such as `app 2 dies`."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > 100:
        raise MistakeError(f"got {show(value)}; must be a name on one line of at most 100 characters")
    return value


def read_function(value: Any) -> str:
    """`module:function`, where the module is a plugin's file name."""
    parts = value.split(":") if isinstance(value, str) else []
    if len(parts) != 2 or not all(part.isidentifier() for part in parts):
        raise MistakeError(f"got {show(value)}; must be module:function, the module being a plugin's file without .py")
    return str(value)


def check_non_empty(value: _Value) -> _Value:
    if not value:
        what = (
            "list; must have at least one item" if isinstance(value, list) else "mapping; must have at least one entry"
        )
        raise MistakeError(f"got an empty {what}")
    return value


def choice_reader(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in allowed:
            hint = suggestion(value, allowed) if isinstance(value, str) else ""
            raise MistakeError(f"got {show(value)}; must be {' | '.join(allowed)}{hint}")
        return str(value)

    return read


def or_none(read: Callable[[Any], _Value]) -> Callable[[Any], _Value | None]:
    """The word `none` switches a thing off that a wider policy had switched on."""

    def read_or_none(value: Any) -> _Value | None:
        if value == "none":
            return None
        try:
            return read(value)
        except MistakeError as error:
            raise MistakeError(error.text if error.has_advice else f"{error.text}, or none") from None

    return read_or_none


def check_has_unit(value: Any, units: str) -> None:
    """Refuse a bare number, and show it as one may have meant it."""
    if _is_number(value):
        meant = f"; write {units.format(value)}" if math.isfinite(value) else ""
        raise MistakeError(f"got {show(value)}, which has no unit{meant}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parsed(parse: Callable[[str], _Value], value: Any, what: str) -> _Value:
    if not isinstance(value, str):
        raise MistakeError(f"got {show(value)}; must be {what}")
    try:
        return parse(value)
    except DsimError as error:
        raise MistakeError(str(error)) from None


def _as_identifier(text: str) -> str:
    tidy = re.sub(r"[^A-Za-z0-9_-]+", "_", text.strip()).strip("_")
    tidy = tidy if not tidy[:1].isdigit() else f"n{tidy}"
    return f"; write e.g. {tidy}" if IDENTIFIER.fullmatch(tidy) and len(tidy) <= 64 else ""


Sign = Literal["any", "zero or above", "above zero"]
_SIGNS: dict[Sign, str] = {"any": "[+-]?", "zero or above": r"\+?", "above zero": r"\+?(?=[0-9_.]*[1-9])"}
_NUMBER = r"(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE](?:-[0-9]{1,3}|\+?[0-9]{1,2}))?"


_EXAMPLES = {
    "ms": "a time such as 250ms",
    "/s": "a rate such as 400/s",
    "kB": "a size such as 2kB",
    "Gbps": "a bandwidth such as 10Gbps",
    "MB/s": "a throughput such as 500MB/s",
}
"""By a unit of each kind."""


def quantity_pattern(units: Iterable[str], sign: Sign = "zero or above") -> str:
    """A regular expression, without anchors, for a number with one of some units."""
    return rf"{_SIGNS[sign]}{_NUMBER}\s*(?:{'|'.join(map(re.escape, units))})"


def pattern_schema(pattern: str, what: str) -> dict[str, Any]:
    """Text that a regular expression matches as a whole; `what` is said by editors where it does not."""
    return {"type": "string", "pattern": rf"^\s*{pattern}\s*$", "patternErrorMessage": f"must be {what}"}


def quantity_schema(units: Iterable[str], sign: Sign = "zero or above") -> dict[str, Any]:
    names = tuple(units)
    what = next((said for unit, said in _EXAMPLES.items() if unit in names), "a percentage")
    return pattern_schema(quantity_pattern(names, sign), what if sign == "any" else f"{what}, {sign}")


def choices_schema(*allowed: str) -> dict[str, Any]:
    return {"enum": list(allowed)}


DURATION_OR_ZERO = quantity_schema(DURATIONS)
DURATION_ABOVE_ZERO = quantity_schema(DURATIONS, "above zero")
PERCENTAGE_PATTERN = r"\+?(?:0*(?:100(?:\.0*)?|[0-9]{1,2}(?:\.[0-9]*)?)|\.[0-9]+|[0-9.]*[eE_][0-9eE_.+-]*)\s*%"
PERCENTAGE = pattern_schema(PERCENTAGE_PATTERN, "a percentage from 0% to 100%")
"""From 0% to 100%; what is written with an exponent is not held against the limits."""


def count_field(least: int, most: int = LARGEST_COUNT) -> Any:
    """What stands beside `int` in the annotation of an integer with limits."""
    prefixes = "|".join(prefix for prefix, factor in PREFIXES.items() if factor <= most)
    text = {"type": "string", "pattern": rf"^\s*\+?[0-9][0-9._]*\s*(?:{prefixes})\s*$"}
    schema = {"anyOf": [{"type": "integer", "minimum": least, "maximum": most}, text]}
    return _field(lambda value: read_count(value, least=least, most=most), schema)


Duration = Annotated[float, *_field(read_duration, DURATION_ABOVE_ZERO)]
DurationOrZero = Annotated[float, *_field(lambda value: read_duration(value, positive=False), DURATION_OR_ZERO)]
TimeoutField = Annotated[
    float | None, *_field(or_none(read_duration), {"anyOf": [choices_schema("none"), DURATION_ABOVE_ZERO]})
]
Size = Annotated[float, *_field(read_size, quantity_schema(SIZES, "above zero"))]
BitRate = Annotated[float, *_field(read_bit_rate, quantity_schema(BIT_RATES, "above zero"))]
Drift = Annotated[float, *_field(read_drift, quantity_schema(DRIFTS, "any"))]
Offset = Annotated[float, *_field(read_offset, quantity_schema(DURATIONS, "any"))]
ByteRate = Annotated[float, *_field(read_byte_rate, quantity_schema(BYTE_RATES, "above zero"))]
Probability = Annotated[float, *_field(read_probability, PERCENTAGE)]
PositiveNumber = Annotated[float, *_field(read_number, {"type": "number", "exclusiveMinimum": 0, "maximum": 1e15})]
Count = Annotated[int, *count_field(1)]
Whole = Annotated[int, *count_field(0)]
Seed = Annotated[int, *count_field(0, 2**63 - 1)]
Flag = Annotated[bool, *_field(read_flag, {"type": "boolean"})]
Text = Annotated[
    str, *_field(read_text, {"type": ["string", "array"], "items": {"type": "string"}, "minLength": 1, "minItems": 1})
]
IDENTIFIER_SCHEMA = {"type": "string", "pattern": f"^{IDENTIFIER.pattern}$", "maxLength": 64}
Identifier = Annotated[str, *_field(read_identifier, IDENTIFIER_SCHEMA)]
FunctionName = Annotated[str, *_field(read_function, {"type": "string", "pattern": r"^\w+:\w+$"})]


class _NonEmpty:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(check_non_empty, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        written = handler(schema)
        return written | {"minItems" if written.get("type") == "array" else "minProperties": 1}


NonEmpty = _NonEmpty()
"""Beside the type of a list or a mapping."""
LABEL_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 100}
Label = Annotated[str, *_field(read_label, LABEL_SCHEMA)]


def _choice(*allowed: str) -> Any:
    return _field(choice_reader(*allowed), choices_schema(*allowed))


Draw = Annotated[Literal["attempt", "request"], *_choice("attempt", "request")]
Jitter = Annotated[Literal["full", "equal", "none"], *_choice("full", "equal", "none")]
Rest = Annotated[Literal["continue", "cancel"], *_choice("continue", "cancel")]
OwnRegistry = Annotated[Literal["static"], *_choice("static")]
