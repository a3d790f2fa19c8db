"""Services and their callers: the sections `services` and `traffic`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

import sim.steps  # noqa: F401 — registers the forms of all steps
from sim.forms import (
    STEP_FORMS,
    ArrivalsField,
    CallPolicyForm,
    DistributionField,
    Form,
    MistakeError,
    MistakesError,
    Reference,
    StepForm,
    Steps,
    inside,
    listed,
    show,
    suggestion,
)
from sim.forms.base import Mistake, not_one, read_as, schema_of
from sim.forms.fields import (
    Count,
    Duration,
    Identifier,
    OwnRegistry,
    PositiveNumber,
    Probability,
    Size,
    Whole,
    count_field,
)
from sim.forms.names import Names, Vertex
from sim.forms.steps import read_reference, read_steps
from sim.forms.weights import Weight, read_weight
from sim.scenario.elections import ElectedForm
from sim.scenario.machines import MOST_NODES
from sim.scenario.physical import MemoryForm, StartForm


class ThreadsForm(Form):
    shape = "a mapping such as {workers: 64, queue: 128}"

    workers: Count = Field(examples=[64])
    queue: Whole | None = Field(None, examples=[128])


_CONCURRENCY = "goroutines | event_loop | {threads: {workers: 64, queue: 128}}"
Concurrency = Literal["goroutines", "event_loop"] | ThreadsForm


def _read_concurrency(value: Any, info: ValidationInfo) -> Concurrency:
    if value in ("goroutines", "event_loop"):
        return str(value)  # type: ignore[return-value]
    if value == "threads":
        raise MistakeError("got threads, without the number of workers; write {threads: {workers: 64}}")
    if not isinstance(value, Mapping) or set(value) != {"threads"}:
        hint = suggestion(value, ["goroutines", "event_loop", "threads"]) if isinstance(value, str) else ""
        raise MistakeError(not_one(value, _CONCURRENCY) + hint)
    with inside("threads"):
        threads = read_as(ThreadsForm, value["threads"], info.context)
    assert isinstance(threads, ThreadsForm)
    return threads


class EndpointForm(Form):
    """An endpoint that says more than its steps."""

    shape = "a list of steps"

    steps: Steps = Field(examples=["[{cpu: 2ms}, {io: 5ms}]"])
    request: Size | None = Field(None, examples=["2kB"])
    response: Size | None = Field(None, examples=["10kB"])


class EndpointParts(NamedTuple):
    """An endpoint, in whichever way it was written."""

    steps: tuple[StepForm, ...]
    request: float | None = None
    response: float | None = None


def _read_endpoint(value: Any, info: ValidationInfo) -> EndpointParts:
    """A list of steps, a mapping with such a list, or the mapping of a kind that is a whole handler."""
    if not isinstance(value, Mapping):
        return EndpointParts(read_steps(value, info))
    handlers = [kind for kind, form in STEP_FORMS.items() if form.is_handler and kind in value]
    if handlers:
        handler = read_as(STEP_FORMS[handlers[0]], value, info.context)
        return EndpointParts((handler,), handler.request, handler.response)
    if not set(value) & set(EndpointForm.model_fields):
        raise MistakeError(f"got {show(value)}; must be a list of steps; write e.g. [{{cpu: 5ms}}, {{io: 10ms}}]")
    form = read_as(EndpointForm, value, info.context)
    return EndpointParts(form.steps, form.request, form.response)


EndpointField = Annotated[EndpointParts, PlainValidator(_read_endpoint), WithJsonSchema(schema_of("Endpoint"))]
EVERY_CALLEE = "default"
"""The key of `calls` that means all of them; so no service may be called that."""
INLINE = ("cpu", "io", "fail")
"""Step keys that may stand in the service itself, in the order in which they run."""


class ServiceForm(Form):
    shape = "a mapping such as {instances: 3, cpu: exponential(5ms)}"
    later = frozenset({"title", "limit", "cache", "priority", "scale", "autoscale", "shed", "restart"})

    nodes: Names | None = Field(None, examples=["app"])
    zone: Identifier | None = Field(None, examples=["a"])
    instances: Annotated[int, *count_field(1, MOST_NODES)] = Field(1, examples=[3])
    cores: PositiveNumber | None = Field(None, examples=[2])
    concurrency: Annotated[Concurrency, PlainValidator(_read_concurrency), WithJsonSchema(schema_of("Concurrency"))] = (
        Field("goroutines", examples=["event_loop"])
    )
    endpoints: dict[Identifier, EndpointField] | None = Field(None, examples=["{read: [{cpu: 2ms}, {io: 5ms}]}"])
    steps: Steps | None = Field(None, examples=["[{cpu: 2ms}, {io: 5ms}]"])
    cpu: DistributionField | None = Field(None, examples=["exponential(8ms)"])
    io: DistributionField | None = Field(None, examples=["exponential(20ms)"])
    fail: Probability | None = Field(None, examples=["0.1%"])
    calls: dict[Reference, CallPolicyForm] = Field(default_factory=dict, examples=["{orders: {timeout: 500ms}}"])
    request: Size | None = Field(None, examples=["2kB"])
    response: Size | None = Field(None, examples=["10kB"])
    memory: MemoryForm | None = Field(None, examples=["{limit: 512MB, base: 200MB, per_request: 2MB}"])
    start: StartForm | None = Field(None, examples=["{boot: 5s, warm_up: {for: 30s, speed: 0.3}}"])

    drain: Duration | None = Field(None, examples=["10s"])
    registry: OwnRegistry | None = Field(None, examples=["static"])
    leader_elected: ElectedForm | None = Field(None, examples=["{store: locks, lease: 10s}"])

    rules = (
        {
            "oneOf": [
                {"required": ["endpoints"]},
                {"required": ["steps"]},
                {"anyOf": [{"required": [key]} for key in INLINE]},
            ]
        },
        {"not": {"required": ["nodes", "zone"]}},
        {"properties": {"endpoints": {"minProperties": 1}}},
        {
            "if": {"properties": {"concurrency": {"const": "event_loop"}}, "required": ["concurrency"]},
            "then": {"properties": {"cores": {"maximum": 1}}},
        },
    )

    def problems(self) -> Iterator[Mistake]:
        inline = [key for key in INLINE if key in self.given]
        ways = [key for key in ("endpoints", "steps") if key in self.given] + ([listed(inline)] if inline else [])
        if not ways:
            text = "has nothing to do; must have endpoints:, steps:, or some of cpu:, io: and fail:"
            yield Mistake((), f"{text}; write e.g. cpu: exponential(5ms)")
        if len(ways) > 1:
            text = f"got {listed(ways)}; must be only one of endpoints:, steps:, or cpu:, io: and fail:"
            yield Mistake((), f"{text}; put all of it into one list of steps")
        if self.endpoints is not None and not self.endpoints:
            text = "got an empty mapping; must have at least one endpoint; write e.g. {read: [{cpu: 2ms}]}"
            yield Mistake(("endpoints",), text)
        if self.zone is not None and self.nodes is not None:
            yield Mistake(
                ("zone",), f"got a zone beside nodes: {', '.join(self.nodes)}, which have their own; remove it"
            )
        if self.concurrency == "event_loop" and self.cores is not None and self.cores > 1:
            yield Mistake(("cores",), f"got {self.cores:g} for an event loop; must be at most 1; run more instances")


class FromForm(Form):
    shape = "a mapping such as {zone: a}"
    later = frozenset({"node", "region"})
    rules = ({"oneOf": [{"required": ["zone"]}, {"required": ["vertex"]}]},)

    zone: Identifier | None = Field(None, examples=["a"])
    vertex: Vertex | None = Field(None, examples=["host-1"])

    def problems(self) -> Iterator[Mistake]:
        if (self.zone is None) == (self.vertex is None):
            given = listed(self.given) or "no place"
            yield Mistake(
                (), f"got {given}; must have zone: a, or in a network that is a graph vertex: host-1", "{zone: a}"
            )


class SloForm(Form):
    shape = "a mapping such as {latency: 300ms, availability: 99.9%}"
    rules = (
        {"anyOf": [{"required": ["latency"]}, {"required": ["availability"]}]},
        {"properties": {"availability": {"not": {"pattern": r"^\s*\+?(0*100(\.0*)?|0+(\.0*)?|\.0+)\s*%\s*$"}}}},
    )

    latency: Duration | None = Field(None, examples=["300ms"])
    availability: Probability | None = Field(None, examples=["99.9%"])

    def problems(self) -> Iterator[Mistake]:
        if self.latency is None and self.availability is None:
            yield Mistake((), "nothing is declared; must have latency or availability; write e.g. latency: 300ms")
        if self.availability is not None and not 0.0 < self.availability < 1.0:
            text = f"got {100 * self.availability:g}%; must be above 0% and below 100%, so that some requests may fail"
            yield Mistake(("availability",), f"{text}; write e.g. availability: 99.9%")


def _read_mix(value: Any) -> dict[str, Weight]:
    """One endpoint, or several with weights."""
    if isinstance(value, str):
        return {read_reference(value): Weight(1.0, False)}
    if not isinstance(value, Mapping) or not value:
        raise MistakeError(
            f"got {show(value)}; must be an endpoint, or a mix such as {{shop.browse: 90%, shop.buy: 10%}}"
        )
    mix: dict[str, Weight] = {}
    found: list[Mistake] = []
    for reference, weight in value.items():
        try:
            with inside(reference):
                mix[read_reference(reference)] = read_weight(weight)
        except MistakesError as error:
            found += error.found
    if found:
        raise MistakesError(found)
    return mix


class TrafficForm(CallPolicyForm):
    shape = "a mapping such as {to: api, arrivals: poisson(400/s)}"
    later = CallPolicyForm.later | {"title", "priority", "key", "size", "deadline", "tags", "class"}

    rules = ({"properties": {"retry": {"anyOf": [{"type": "string"}, {"required": ["attempts"]}]}}},)

    to: Annotated[dict[str, Weight], PlainValidator(_read_mix), WithJsonSchema(schema_of("Mix"))] = Field(
        examples=["gateway.checkout"]
    )
    arrivals: ArrivalsField = Field(examples=["poisson(400/s)"])
    from_: FromForm | None = Field(None, alias="from", examples=["{zone: a}"])
    slo: SloForm | None = Field(None, examples=["{latency: 300ms}"])
