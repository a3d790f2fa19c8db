"""`expect:`: what a scenario claims about its own results. Parsed here, strictly; nothing in this version judges it.

expect:
  - availability >= 99.5%                             # every variant, every source
  - {variant: two_zones, that: shoppers.p99 < 400ms}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, cast

from pydantic import Field, PlainValidator, WithJsonSchema

from sim.errors import DsimError
from sim.forms import Form, MistakeError, MistakesError, inside, show, unknown
from sim.forms.base import read_as, schema_of
from sim.forms.fields import (
    PERCENTAGE_PATTERN,
    Identifier,
    pattern_schema,
    quantity_pattern,
    read_duration,
    read_probability,
    read_text,
)
from sim.scenario.reader import Problem
from sim.scenario.tree import Map, Seq, locate
from sim.units import DURATIONS, RATES, parse_rate

Op = Literal["<", "<=", ">", ">="]
_FLIPPED: dict[str, Op] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_SHAPE = re.compile(r"\s*(?:([^\s.<>=]*)\.)?([^\s.<>=]+)\s*(<=|>=|<|>)\s*([^\s<>=].*?)\s*", re.DOTALL)
_EXAMPLE = "shoppers.p99 < 400ms"


@dataclass(frozen=True, slots=True)
class Expectation:
    """`metric` of `source` in `variant` is `op` than `limit`; None stands for all of them, one by one.

    `metric` is a key of `sim.experiment.measures.scope_estimates`, `limit` in its unit (seconds, per second, a share).
    `that` is the claim as it was written, `where` the place in the file.
    """

    that: str
    variant: str | None
    source: str | None
    metric: str
    op: Op
    limit: float
    where: str


class ExpectForm(Form):
    shape = "a claim such as availability >= 99.5%, or a mapping such as {variant: two_zones, that: p99 < 400ms}"
    shorthand = schema_of("Claim")
    later = frozenset({"title", "over", "during"})

    variant: Identifier | None = Field(None, examples=["two_zones"])
    that: Annotated[str, PlainValidator(read_text), WithJsonSchema(schema_of("Claim"))] = Field(
        examples=["availability >= 99.5%"]
    )

    @classmethod
    def expand(cls, value: Any) -> Any:
        return {"that": value} if isinstance(value, str) else value


class Metric(NamedTuple):
    """What a claim may be about. `read` takes the quantity, which is written like the regular expression `pattern`."""

    estimate: str
    read: Callable[[str], float]
    pattern: str
    complement: bool = False
    """Is it one minus the estimate?"""


def _read_rate(text: str) -> float:
    try:
        rate = parse_rate(text)
    except DsimError as error:
        raise MistakeError(str(error)) from None
    if rate < 0:
        raise MistakeError(f"got {show(text)}; must be a rate of at least 0/s")
    return rate


def _read_time(text: str) -> float:
    return read_duration(text, positive=False)


METRICS: dict[str, Metric] = {
    "throughput": Metric("throughput_per_s", _read_rate, quantity_pattern(RATES)),
    "goodput": Metric("goodput_per_s", _read_rate, quantity_pattern(RATES)),
    "offered": Metric("offered_per_s", _read_rate, quantity_pattern(RATES)),
    "mean": Metric("latency_mean_s", _read_time, quantity_pattern(DURATIONS)),
    **{q: Metric(f"latency_{q}_s", _read_time, quantity_pattern(DURATIONS)) for q in ("p50", "p95", "p99", "p999")},
    **{
        f"{q}_ok": Metric(f"latency_{q}_ok_s", _read_time, quantity_pattern(DURATIONS))
        for q in ("p50", "p95", "p99", "p999")
    },
    "availability": Metric("availability", read_probability, PERCENTAGE_PATTERN),
    "errors": Metric("availability", read_probability, PERCENTAGE_PATTERN, complement=True),
}
"""By the name that a claim uses."""


def claim_schema() -> dict[str, Any]:
    """JSON schema of a claim."""
    quantities = [rf"{name}\s*[<>]=?\s*{metric.pattern}" for name, metric in METRICS.items()]
    return pattern_schema(rf"(?:[A-Za-z_][\w-]*\.)?(?:{'|'.join(quantities)})", f"a claim such as {_EXAMPLE}")


def read_expectations(
    tree: Map, name: str, sources: Mapping[str, Collection[str] | None]
) -> tuple[tuple[Expectation, ...], list[Problem]]:
    """The claims of a scenario file called `name`, held against the sources of each variant (None: unreadable)."""
    found: list[Expectation] = []
    problems: list[Problem] = []
    if "expect" not in tree:
        return (), []
    given = tree["expect"]
    if not isinstance(given, Seq) or not given:
        text = f"got {show(given)}; must be a list of claims; write e.g. expect: [availability >= 99.5%]"
        return (), [(tree.marks["expect"], text)]
    for item, mark in zip(given, given.marks, strict=True):
        try:
            found.append(_expectation(item, mark.text(name).removesuffix(": "), sources))
        except MistakesError as error:
            problems += [(locate(item, m.location) if isinstance(item, Map) else mark, m.text) for m in error.found]
    return tuple(found), problems


def parse_claim(claim: str) -> tuple[str | None, str, Op, float]:
    """(source, estimate, operator, limit in base units) of `[source.]metric op quantity`. Raises MistakeError."""
    match = _SHAPE.fullmatch(claim)
    if match is None:
        text = f"got {show(claim)}; must be a metric, then <, <=, > or >=, then a quantity"
        raise MistakeError(f"{text}; write e.g. {_EXAMPLE}")
    source, name, quantity = match[1], match[2], match[4]
    op = cast(Op, match[3])
    if name not in METRICS:
        swapped = f"write {name}.{source}" if source in METRICS else f"write e.g. {_EXAMPLE}"
        raise MistakeError(unknown("metric", name, METRICS, swapped))
    metric = METRICS[name]
    limit = metric.read(quantity)
    if metric.complement:
        return source, metric.estimate, _FLIPPED[op], 1.0 - limit
    return source, metric.estimate, op, limit


def _expectation(item: Any, where: str, sources: Mapping[str, Collection[str] | None]) -> Expectation:
    form = read_as(ExpectForm, item)
    if form.variant is not None and form.variant not in sources:
        with inside("variant"):
            raise MistakeError(unknown("variant", form.variant, sources))
    with inside("that"):
        source, metric, op, limit = parse_claim(form.that)
        for variant in [] if source is None else [form.variant] if form.variant else sources:
            known = sources[variant]
            if known is not None and source not in known:
                note = f" (in variant {variant})" if len(sources) > 1 else ""
                raise MistakeError(unknown("source", str(source), known) + note)
    return Expectation(form.that, form.variant, source, metric, op, limit, where)
