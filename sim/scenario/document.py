"""A scenario file as people write it: the sections, their keys, defaults and shorthand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from sim.failures import Faults
from sim.failures.chaos import ChaosForm
from sim.forms import CallPolicyForm, Form, MistakeError, inside, listed, show, suggestion
from sim.forms.base import read_as, read_each, schema_of
from sim.forms.fields import (
    DURATION_OR_ZERO,
    Duration,
    DurationOrZero,
    Identifier,
    Label,
    NonEmpty,
    Probability,
    Seed,
    Text,
    choice_reader,
    choices_schema,
    count_field,
    read_duration,
)
from sim.registries import RegistryField, StoreField
from sim.scenario.expectations import ExpectForm
from sim.scenario.machines import NetworkForm, PoolForm
from sim.scenario.services import EVERY_CALLEE, ServiceForm, TrafficForm

DEFAULT_RECORD_SHARE = 0.01


FILE_ONLY = ("variants", "baseline", "expect", "include")
"""Sections about the file as a whole; the document of a variant has none of them."""
TEXTS = ("title", "description", "question", "predict", "look_at")
INCLUDE_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^[^/\s]"},
        {"type": "array", "items": {"type": "string", "pattern": r"^[^/\s]"}, "minItems": 1, "uniqueItems": True},
    ]
}


class RecordForm(Form):
    shape = "none | sample | all | {sample: 1%}"

    sample: Probability = Field(examples=["1%"])

    rules = ({"properties": {"sample": {"pattern": "[1-9]"}}},)


def _read_record(value: Any, info: ValidationInfo) -> tuple[Literal["none", "sample", "all"], float]:
    if value in ("none", "sample", "all"):
        return str(value), 1.0 if value == "all" else DEFAULT_RECORD_SHARE  # type: ignore[return-value]
    if not isinstance(value, Mapping):
        hint = suggestion(value, ["none", "sample", "all"]) if isinstance(value, str) else ""
        raise MistakeError(f"got {show(value)}; must be {RecordForm.shape}{hint}")
    share = read_as(RecordForm, value, info.context).sample
    if share == 0:
        with inside("sample"):
            raise MistakeError("got 0%; must be above 0%; write record: none for no requests")
    return "sample", share


AUTO: Literal["auto"] = "auto"


def _read_warmup(value: Any) -> float | Literal["auto"]:
    if value == AUTO:
        return AUTO
    try:
        return read_duration(value, positive=False)
    except MistakeError as error:
        hint = suggestion(value, [AUTO]) if isinstance(value, str) else ""
        raise MistakeError(error.text + hint) from None


class RunForm(Form):
    shape = "a mapping such as {duration: 1min, warmup: 10s}"

    duration: Duration = Field(60.0, examples=["1min"])
    warmup: (
        Annotated[
            float | Literal["auto"],
            PlainValidator(_read_warmup),
            WithJsonSchema({"anyOf": [choices_schema(AUTO), DURATION_OR_ZERO]}),
        ]
        | None
    ) = Field(None, examples=["10s"])
    drain: DurationOrZero = Field(30.0, examples=["30s"])
    window: Duration | None = Field(None, examples=["1s"])
    seed: Seed = Field(1, examples=[1])
    replications: Annotated[int, *count_field(1, 10_000)] = Field(5, examples=[5])
    record: Annotated[
        tuple[Literal["none", "sample", "all"], float],
        PlainValidator(_read_record),
        WithJsonSchema(schema_of("Record")),
    ] = Field(default_factory=lambda: ("none", DEFAULT_RECORD_SHARE), examples=["sample"])
    max_in_flight: Annotated[int, *count_field(1, 10**6)] = Field(100_000, examples=["100k"])
    depth_limit: Annotated[int, *count_field(1, 10_000)] = Field(64, examples=[64])


CHECKS = ("raft", "linearizable", "fencing", "swim", "views")


def _read_checks(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise MistakeError(f"got {show(value)}; must be a list of some of {listed(CHECKS)}")
    given = read_each(value, choice_reader(*CHECKS))
    twice = next((name for name in given if given.count(name) > 1), None)
    if twice is not None:
        raise MistakeError(f"got {twice} twice; must be different ones; remove one")
    return tuple(given)


Checks = Annotated[
    tuple[str, ...],
    PlainValidator(_read_checks),
    WithJsonSchema({"type": "array", "items": choices_schema(*CHECKS), "minItems": 1, "uniqueItems": True}),
]
"""What runs are held against while they go on."""


class DefaultsForm(Form):
    shape = "a mapping such as {calls: {timeout: 250ms}}"

    calls: CallPolicyForm = Field(CallPolicyForm(), examples=["{timeout: 250ms}"])


def _no_entry_has(section: str, key: str, what: Any = False) -> dict[str, Any]:
    return {"properties": {section: {"additionalProperties": {"properties": {key: what}}}}}


_FOLLOWS_THE_CLOCK = ("ramp", "spike", "diurnal", "trace")
_STEADY = {
    "additionalProperties": {
        "properties": {
            "arrivals": {
                "properties": dict.fromkeys(_FOLLOWS_THE_CLOCK, False),
                "not": {"type": "string", "pattern": r"^\s*trace\s*\("},
            }
        }
    }
}
"""JSON schema of traffic that `warmup: auto` suits."""


_ON_A_GRAPH = {
    "if": {"required": ["network"], "properties": {"network": {"required": ["topology"]}}},
    "then": _no_entry_has("nodes", "racks"),
    "else": {
        "properties": {
            **_no_entry_has("nodes", "at")["properties"],
            **_no_entry_has("traffic", "from", {"properties": {"vertex": False}})["properties"],
        }
    },
}
"""JSON schema of what has a place in networks of one kind only."""


class ScenarioForm(Form):
    """The whole file, or one variant of it with the patch applied (then without the sections of `FILE_ONLY`)."""

    later = frozenset({"sweep", "autoscaling", "operators"})
    rules = (
        {"if": {"required": ["baseline"]}, "then": {"required": ["variants"]}},
        {"properties": {"services": {"propertyNames": {"not": {"const": EVERY_CALLEE}}}}},
        {"anyOf": [{"required": ["nodes"]}, _no_entry_has("services", "nodes")]},
        _ON_A_GRAPH,
        {
            "anyOf": [
                {"properties": {"run": {"properties": {"warmup": {"not": {"const": AUTO}}}}}},
                {"properties": {"failures": {"maxProperties": 0}, "chaos": False, "traffic": _STEADY}},
            ]
        },
    )

    scenario: Identifier = Field(examples=["checkout"])
    title: Text = Field("", examples=["Does a second zone pay?"])
    description: Text = Field("", examples=["A gateway, three services, two zones."])
    question: Text = Field("", examples=["Does a second zone pay?"])
    predict: Text = Field("", examples=["One zone is faster until it fails."])
    look_at: Text = Field("", examples=["p99 while app-2 is down"])
    run: RunForm = Field(RunForm(), examples=["{duration: 1min, warmup: 10s}"])
    nodes: dict[Identifier, PoolForm] = Field(default_factory=dict, examples=["{app: {count: 6, cores: 4}}"])
    network: NetworkForm = Field(NetworkForm(), examples=["{across_zones: {latency: 1ms}}"])
    defaults: DefaultsForm = Field(DefaultsForm(), examples=["{calls: {timeout: 250ms}}"])
    services: Annotated[dict[Identifier, ServiceForm], NonEmpty] = Field(examples=["{api: {cpu: exponential(8ms)}}"])
    registry: RegistryField | None = Field(None, examples=["{etcd: {members: 3}}"])
    stores: dict[Identifier, StoreField] = Field(default_factory=dict, examples=["{locks: {etcd: {members: 5}}}"])
    traffic: Annotated[dict[Identifier, TrafficForm], NonEmpty] = Field(
        examples=["{users: {to: api, arrivals: poisson(100/s)}}"]
    )
    failures: dict[Label, Faults] = Field(
        default_factory=dict, examples=["{app 2 dies: {at: 40s, crash: app-2, for: 20s}}"]
    )
    chaos: ChaosForm | None = Field(None, examples=["{every: exponential(30s), lasting: exponential(5s), seed: 7}"])
    checks: Checks = Field((), examples=["[raft, linearizable]"])
    variants: Annotated[dict[Identifier, Any], NonEmpty] = Field(
        default_factory=dict, examples=["{two_zones: {}, one_zone: {nodes: {app: {zones: [a]}}}}"]
    )
    baseline: Identifier | None = Field(None, examples=["two_zones"])
    expect: Annotated[list[ExpectForm], NonEmpty] = Field(default_factory=list, examples=["[availability >= 99.5%]"])
    include: Annotated[Any, WithJsonSchema(INCLUDE_SCHEMA)] = Field(None, examples=["parts/network.yaml"])
