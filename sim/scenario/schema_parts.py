"""Parts of the JSON schema: what is written in several ways, or chosen from a registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.balancing import POLICIES
from sim.distributions import Declared, Parameter
from sim.failures.chaos import MIXES, drawable
from sim.failures.links import LinkNameForm
from sim.failures.partition import OneWayForm
from sim.failures.system import AREAS, GROUP_KINDS
from sim.failures.targets import MOST_GROUPS
from sim.forms import STEP_FORMS, Form
from sim.forms.declared import ARRIVAL, DISTRIBUTION, Family
from sim.forms.fields import (
    IDENTIFIER_SCHEMA,
    LABEL_SCHEMA,
    PERCENTAGE,
    Sign,
    choices_schema,
    pattern_schema,
    quantity_pattern,
    quantity_schema,
)
from sim.forms.health import CHECKERS, HealthForm
from sim.forms.names import VERTEX_SCHEMA
from sim.forms.policy import RetryForm
from sim.forms.steps import REFERENCE_SCHEMA, STEPS_SCHEMA
from sim.forms.transport import PRESETS, IdealForm, TcpForm, UdpForm
from sim.registries import REGISTRY_FORMS, RegistryForm
from sim.scenario.document import RecordForm
from sim.scenario.expectations import claim_schema
from sim.scenario.services import EndpointForm, ThreadsForm
from sim.scenario.topologies import TOPOLOGIES, VertexForm
from sim.units import DURATIONS, RATES, SHARES

UNITS: dict[str, Mapping[str, Any]] = {"quantity": DURATIONS, "duration": DURATIONS, "rate": RATES}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def mapping_of(form: type[Form]) -> str:
    """The name of a form's part without the shorthand."""
    return f"{form.__name__}.mapping"


def unions() -> dict[str, Any]:
    steps = [form for form in STEP_FORMS.values() if not form.is_handler]
    handlers = [form for form in STEP_FORMS.values() if form.is_handler]
    kinds = {kind: VERTEX_SCHEMA if kind == "vertex" else IDENTIFIER_SCHEMA for kind in GROUP_KINDS}
    place = one_of({kind: _one_or_some(schema) for kind, schema in kinds.items()})
    return {
        "Step": {"anyOf": [_mapping(form) for form in steps]},
        "Endpoint": {"anyOf": [STEPS_SCHEMA, ref(EndpointForm.__name__), *(_mapping(form) for form in handlers)]},
        "Distribution": _family(DISTRIBUTION),
        "Arrivals": _family(ARRIVAL),
        "Balance": _balance(),
        "Record": {"anyOf": [choices_schema("none", "sample", "all"), ref(RecordForm.__name__)]},
        "Transport": {
            "anyOf": [
                choices_schema("ideal", "udp", "tcp", *PRESETS),
                one_of(
                    {"ideal": ref(IdealForm.__name__), "udp": ref(UdpForm.__name__)}
                    | {name: ref(TcpForm.__name__) for name in ("tcp", *PRESETS)}
                ),
            ]
        },
        "Registry": _registry([form for form in REGISTRY_FORMS.values() if form.is_registry]),
        "Store": _registry([form for form in REGISTRY_FORMS.values() if form.is_store]),
        "Health": {
            "anyOf": [choices_schema("none", *CHECKERS), one_of(dict.fromkeys(CHECKERS, ref(HealthForm.__name__)))]
        },
        "Retry": {"anyOf": [choices_schema("none"), ref(RetryForm.__name__)]},
        "Concurrency": {
            "anyOf": [choices_schema("goroutines", "event_loop"), one_of({"threads": ref(ThreadsForm.__name__)})]
        },
        "Mix": {"anyOf": [REFERENCE_SCHEMA, _mix(PERCENTAGE), _mix({"type": "number", "exclusiveMinimum": 0})]},
        "Claim": claim_schema(),
        "Topology": one_of({name: ref(form.__name__) for name, form in TOPOLOGIES.items()}),
        "Vertices": {
            "type": "object",
            "propertyNames": LABEL_SCHEMA,
            "additionalProperties": ref(VertexForm.__name__),
        },
        "Targets": _targets("node", "instance"),
        "Nodes": _targets("node"),
        "Instances": _targets("instance"),
        "Areas": _one_or_some(one_of(dict.fromkeys(AREAS, IDENTIFIER_SCHEMA))),
        "Links": _one_or_some(ref(LinkNameForm.__name__)),
        "Group": {"anyOf": [place, {"type": "array", "items": ref("Group"), "minItems": 1}]},
        "Groups": {"type": "array", "items": ref("Group"), "minItems": 2, "maxItems": MOST_GROUPS},
        "FaultMix": {"anyOf": [choices_schema(*MIXES), _some_of(drawable())]},
        "Partition": {"anyOf": [ref("Groups"), ref(OneWayForm.__name__)]},
    }


def _registry(forms: list[type[RegistryForm]]) -> dict[str, Any]:
    """A kind or a version of it, alone or with its keys."""
    named = {name: ref(form.__name__) for form in forms for name in form.names()}
    return {"anyOf": [choices_schema(*named), one_of(named)]}


def _targets(*kinds: str) -> dict[str, Any]:
    return _one_or_some({"anyOf": [IDENTIFIER_SCHEMA, one_of(dict.fromkeys((*kinds, "leader"), IDENTIFIER_SCHEMA))]})


def _one_or_some(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1, "uniqueItems": True}]}


def one_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of one key."""
    return {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _mapping(form: type[Form]) -> dict[str, Any]:
    return ref(form.__name__ if form.shorthand is None else mapping_of(form))


def _some_of(names: list[str]) -> dict[str, Any]:
    """Weights of some of a few things."""
    weight = {"type": "number", "exclusiveMinimum": 0}
    return {
        "type": "object",
        "properties": dict.fromkeys(names, weight),
        "additionalProperties": False,
        "minProperties": 1,
    }


def _mix(weight: dict[str, Any]) -> dict[str, Any]:
    names = {"pattern": REFERENCE_SCHEMA["pattern"]}
    return {"type": "object", "propertyNames": names, "additionalProperties": weight, "minProperties": 1}


def _balance() -> dict[str, Any]:
    """Known policies in full; any other name may be a plugin's."""
    needy = [name for name, policy in POLICIES.items() if _required(policy.parameters)]
    known = one_of(
        {name: _parameters(policy.parameters, _required(policy.parameters)) for name, policy in POLICIES.items()}
    )
    another = {"pattern": IDENTIFIER_SCHEMA["pattern"], "not": {"enum": list(POLICIES)}}
    return {
        "anyOf": [
            choices_schema(*(name for name in POLICIES if name not in needy)),
            {"type": "string", **another},
            known,
            {**one_of({}), "propertyNames": another, "additionalProperties": {"type": "object"}},
        ]
    }


def _required(parameters: Mapping[str, Parameter]) -> list[str]:
    return [name for name, parameter in parameters.items() if parameter.default is None]


def _family(family: Family) -> dict[str, Any]:
    calls = [call for name, cls in family.entries.items() if (call := _call_pattern(name, cls))]
    lone = [quantity_pattern(DURATIONS)] if family.lone else []
    short = pattern_schema(f"(?:{'|'.join(calls + lone)})", f"one {family.noun} such as {family.example}")
    return {"anyOf": [short, one_of({name: _entry(cls) for name, cls in family.entries.items()})]}


def _call_pattern(name: str, cls: type[Declared]) -> str:
    """`exponential(8ms)`, where there is one parameter that can stand alone."""
    if cls.single is None or cls.parameters[cls.single].kind.startswith("list["):
        return ""
    parameter = cls.parameters[cls.single]
    units = UNITS.get(parameter.kind)
    inner = r"[^=]*[^=\s][^=]*" if units is None else quantity_pattern(units, _sign(parameter))
    return rf"{name}\s*\(\s*{inner}\s*\)"


def _entry(cls: type[Declared]) -> dict[str, Any]:
    """All parameters, with those of one form together; or the single one alone."""
    mapping = _parameters(cls.parameters)
    mapping["oneOf"] = [
        {
            "required": list(form.required),
            "properties": {name: False for name in cls.parameters if name not in form.required + form.optional},
        }
        for form in cls.forms
    ]
    return {"anyOf": [mapping, _parameter(cls.parameters[cls.single])]} if cls.single else mapping


def _parameters(parameters: Mapping[str, Parameter], required: list[str] | None = None) -> dict[str, Any]:
    properties = {
        name: {"description": parameter.meaning, **_parameter(parameter)} for name, parameter in parameters.items()
    }
    rest = {"required": required} if required else {}
    return {"type": "object", "properties": properties, "additionalProperties": False, **rest}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    kind = parameter.kind
    if kind == "list[record]":
        return {"type": "array", "items": _parameters(parameter.item, list(parameter.item)), "minItems": 1}
    if kind.startswith("list["):
        return {"type": "array", "items": _scalar(kind[5:-1], parameter), "minItems": 1}
    return _scalar(kind, parameter)


def _scalar(kind: str, parameter: Parameter) -> dict[str, Any]:
    match kind:
        case "quantity" | "duration" | "rate":
            return quantity_schema(UNITS[kind], _sign(parameter))
        case "ratio":
            return {"anyOf": [{"type": "number", **_limits(parameter)}, quantity_schema(SHARES, _sign(parameter))]}
        case "number" | "integer":
            return {"type": kind, **_limits(parameter)}
        case "flag":
            return {"type": "boolean"}
        case "unit":
            return choices_schema(*DURATIONS)
        case "distribution":
            return ref("Distribution")
        case _:
            return {"type": "string", "minLength": 1}


def _sign(parameter: Parameter) -> Sign:
    if parameter.above is not None and parameter.above >= 0:
        return "above zero"
    return "zero or above" if parameter.at_least is not None and parameter.at_least >= 0 else "any"


def _limits(parameter: Parameter) -> dict[str, float]:
    limits = {
        "exclusiveMinimum": parameter.above,
        "minimum": parameter.at_least,
        "maximum": parameter.at_most,
    }
    return {key: limit for key, limit in limits.items() if limit is not None}
