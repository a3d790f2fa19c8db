"""Weights of alternatives: percentages that add up to 100%, or any positive numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import PlainValidator, WithJsonSchema

from sim.errors import DsimError
from sim.forms.base import MistakeError, show
from sim.forms.fields import quantity_schema
from sim.units import SHARES, format_share, parse_share

SUM_TOLERANCE = 1e-6


class Weight(NamedTuple):
    value: float
    is_percentage: bool


def read_weight(value: Any) -> Weight:
    number, is_percentage = value, isinstance(value, str)
    if isinstance(value, str):
        try:
            number = parse_share(value)
        except DsimError as error:
            raise MistakeError(str(error)) from None
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 1e12:
        raise MistakeError(f"got {show(value)}; must be a percentage or a number above 0")
    return Weight(float(number), is_percentage)


def shares(weights: Sequence[Weight]) -> tuple[float, ...]:
    """The weights scaled to sum to 1. Raises MistakeError for percentages that do not add up."""
    total = math.fsum(weight.value for weight in weights)
    percentages = sum(weight.is_percentage for weight in weights)
    if 0 < percentages < len(weights):
        raise MistakeError("got percentages and plain numbers side by side; must be all of one kind")
    if percentages and abs(total - 1) > SUM_TOLERANCE:
        text = format_share(total, 6)
        hint = f"give the remaining {format_share(1 - total, 4)} to one of them" if total < 1 else "lower some of them"
        raise MistakeError(f"got weights that add up to {text}; must add up to 100%; {hint}")
    return tuple(weight.value / total for weight in weights)


WEIGHT_SCHEMA = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, quantity_schema(SHARES)]}
WeightField = Annotated[Weight, PlainValidator(read_weight), WithJsonSchema(WEIGHT_SCHEMA)]
