"""The JSON schema of scenario files, for editors: written by the forms and the registries, looser than the reader.

It knows keys, types, units and names of registered things; it does not know what names refer to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import WithDefaultSchema

from sim.balancing import POLICIES
from sim.distributions import Declared, Parameter
from sim.forms import STEP_FORMS, Form
from sim.forms.declared import ARRIVAL, DISTRIBUTION, Family
from sim.forms.fields import choices_schema, quantity_schema
from sim.forms.policy import RetryForm
from sim.forms.steps import REFERENCE_SCHEMA, STEPS_SCHEMA
from sim.forms.weights import WEIGHT_SCHEMA
from sim.scenario.document import ScenarioForm
from sim.scenario.services import ThreadsForm
from sim.units import DURATIONS, RATES, SHARES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAME = {"type": "string"}


class _WithoutDefaults(GenerateJsonSchema):
    """The forms hold their defaults in base units, not as one writes them."""

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    forms: list[type[Form]] = [ScenarioForm, RetryForm, ThreadsForm, *STEP_FORMS.values()]
    _, written = models_json_schema([(form, "validation") for form in forms], schema_generator=_WithoutDefaults)
    parts: dict[str, Any] = written["$defs"]
    for form in _all_forms(Form):
        if form.shorthand is not None and form.__name__ in parts:
            parts[form.__name__] = {"anyOf": [form.shorthand, parts[form.__name__]]}
    parts |= _unions()
    top = parts.pop("ScenarioForm")
    filled = _filled({"$schema": DIALECT, "title": "dsim scenario", **top, "$defs": parts})
    assert isinstance(filled, dict)
    return filled


def _unions() -> dict[str, Any]:
    """What is written in several ways, or chosen from a registry."""
    target = {"anyOf": [NAME, _one_key({"node": NAME}), _one_key({"instance": NAME})]}
    steps = [_ref(form.__name__) for form in STEP_FORMS.values() if not form.is_handler]
    handlers = [_ref(form.__name__) for form in STEP_FORMS.values() if form.is_handler]
    return {
        "Step": {"anyOf": steps},
        "Endpoint": {"anyOf": [STEPS_SCHEMA, *handlers]},
        "Distribution": _family(DISTRIBUTION),
        "Arrivals": _family(ARRIVAL),
        "Balance": {
            "anyOf": [
                choices_schema(*POLICIES),
                *(_one_key({name: _parameters(policy.parameters)}) for name, policy in POLICIES.items()),
            ]
        },
        "Retry": {"anyOf": [choices_schema("none"), _ref(RetryForm.__name__)]},
        "Concurrency": {
            "anyOf": [choices_schema("goroutines", "event_loop"), _one_key({"threads": _ref(ThreadsForm.__name__)})]
        },
        "Mix": {
            "anyOf": [REFERENCE_SCHEMA, {"type": "object", "additionalProperties": WEIGHT_SCHEMA, "minProperties": 1}]
        },
        "CrashTargets": {"anyOf": [target, {"type": "array", "items": target, "minItems": 1}]},
    }


def _family(family: Family) -> dict[str, Any]:
    ways: list[dict[str, Any]] = [{"type": "string", "pattern": rf"^\s*({'|'.join(family.entries)})\s*\("}]
    if family.lone:
        ways.append(quantity_schema(DURATIONS))
    ways += [_one_key({name: _entry(cls)}) for name, cls in family.entries.items()]
    return {"anyOf": ways}


def _entry(cls: type[Declared]) -> dict[str, Any]:
    mapping = _parameters(cls.parameters)
    return {"anyOf": [mapping, _parameter(cls.parameters[cls.single])]} if cls.single else mapping


def _parameters(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    properties = {name: _parameter(parameter) for name, parameter in parameters.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    kind = parameter.kind
    if kind == "list[record]":
        item = _parameters(parameter.item) | {"required": list(parameter.item)}
        return {"type": "array", "items": item, "minItems": 1}
    if kind.startswith("list["):
        return {"type": "array", "items": _scalar(kind[5:-1]), "minItems": 1}
    return _scalar(kind)


def _scalar(kind: str) -> dict[str, Any]:
    match kind:
        case "quantity" | "duration":
            return quantity_schema(DURATIONS)
        case "rate":
            return quantity_schema(RATES)
        case "ratio":
            return {"anyOf": [{"type": "number"}, quantity_schema(SHARES)]}
        case "number" | "integer":
            return {"type": kind}
        case "flag":
            return {"type": "boolean"}
        case "unit":
            return choices_schema(*DURATIONS)
        case "distribution":
            return _ref("Distribution")
        case _:
            return {"type": "string"}


def _one_key(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _filled(part: Any) -> Any:
    """With references where the forms left places."""
    if isinstance(part, dict):
        name = part.get("x-schema-of")
        rest = {key: _filled(value) for key, value in part.items() if key != "x-schema-of"}
        return rest | _ref(name) if name else rest
    return [_filled(item) for item in part] if isinstance(part, list) else part


def _all_forms(form: type[Form]) -> list[type[Form]]:
    return [below for child in form.__subclasses__() for below in (child, *_all_forms(child))]
