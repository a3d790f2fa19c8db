"""The JSON schema of scenario files, for editors: written by the forms and the registries, looser than the reader.

It knows keys, types, units, limits, keys that exclude each other, and the names of registered things. It does not know
what names refer to, nor what several values add up to. It takes any name as a balancing policy, since a plugin may
bring it.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import WithDefaultSchema

from sim.failures import FAULT_FORMS
from sim.failures.links import LinkNameForm
from sim.failures.partition import OneWayForm
from sim.forms import STEP_FORMS, Form
from sim.forms.health import HealthForm
from sim.forms.policy import RetryForm
from sim.forms.transport import IdealForm, TcpForm, UdpForm
from sim.registries import REGISTRY_FORMS
from sim.scenario.document import RecordForm, ScenarioForm
from sim.scenario.schema_parts import mapping_of, ref, unions
from sim.scenario.schema_patch import Patches
from sim.scenario.services import EndpointForm, ThreadsForm
from sim.scenario.topologies import TOPOLOGIES, VertexForm

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NO_DELETIONS = {
    "additionalProperties": {"not": {"type": "null"}},
    "properties": {"variants": {"additionalProperties": {"type": "object"}}},
}
"""Where nothing is included, there are no sections and no variants to delete."""
_NOISE = ("title", "x-schema-of")


class _WithoutDefaults(GenerateJsonSchema):
    """The forms hold their defaults in base units, not as one writes them."""

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12.

    A file that includes others is a patch on them: nothing is required of it, and null deletes. Nor is a file with
    variants complete without them.
    """
    parts = {name: _tidy(part) for name, part in (_of_forms() | unions()).items()}
    patches = Patches(parts)
    scenario = parts["ScenarioForm"]
    scenario["properties"]["variants"]["patternProperties"] = _each(
        scenario["properties"]["variants"]["patternProperties"], patches.variant(scenario)
    )
    incomplete = patches.incomplete(scenario)
    ways = {
        "if": {"anyOf": [{"required": ["include"]}, {"required": ["variants"]}]},
        "then": {**incomplete, "if": {"required": ["include"]}, "else": _NO_DELETIONS},
        "else": ref("ScenarioForm"),
    }
    used = _used(ways, parts | patches.parts)
    return {"$schema": DIALECT, "title": "dsim scenario", **ways, "$defs": dict(sorted(used.items()))}


def _of_forms() -> dict[str, Any]:
    """Every form by its name, with the rules between its keys; one with a shorthand also as its mapping alone."""
    roots: list[type[Form]] = [
        ScenarioForm,
        EndpointForm,
        RecordForm,
        RetryForm,
        ThreadsForm,
        VertexForm,
        *TOPOLOGIES.values(),
        LinkNameForm,
        OneWayForm,
        *(HealthForm, IdealForm, UdpForm, TcpForm),
        *STEP_FORMS.values(),
        *FAULT_FORMS.values(),
        *REGISTRY_FORMS.values(),
    ]
    _, written = models_json_schema([(form, "validation") for form in roots], schema_generator=_WithoutDefaults)
    parts: dict[str, Any] = written["$defs"]
    for form in dict.fromkeys(_all_forms(Form)):
        name = form.__name__
        if name not in parts:
            continue
        parts[name].pop("description", None)
        if form.rules:
            parts[name]["allOf"] = list(form.rules)
        if form.shorthand is not None:
            parts[mapping_of(form)] = parts[name]
            parts[name] = {"anyOf": [form.shorthand, ref(mapping_of(form))]}
    parts["Fault"] = _fault([parts.pop(form.__name__) for form in FAULT_FORMS.values()])
    return parts


def _fault(kinds: list[Any]) -> dict[str, Any]:
    """One part for all kinds of faults, since a patch may turn one into another."""
    properties = {name: value for part in kinds for name, value in part["properties"].items()}
    ways = [
        {
            "required": part.get("required", []),
            "properties": {name: False for name in properties if name not in part["properties"]},
            "allOf": part.get("allOf", []),
        }
        for part in kinds
    ]
    return {"type": "object", "properties": properties, "additionalProperties": False, "oneOf": ways}


def _tidy(part: Any) -> Any:
    """With references where the forms left places, without null (a key without a value is a mistake), and with no
    other keys than those of the right pattern."""
    if isinstance(part, list):
        return [_tidy(item) for item in part if item != {"type": "null"}]
    if not isinstance(part, dict):
        return part
    result = {key: _tidy(value) for key, value in part.items() if key not in (*_NOISE, "properties")}
    if "properties" in part:
        result["properties"] = {name: _tidy(value) for name, value in part["properties"].items()}
    if "patternProperties" in result:
        result["additionalProperties"] = False
    if len(result.get("anyOf", ())) == 1:
        result |= result.pop("anyOf")[0]
    name = part.get("x-schema-of")
    return result | ref(name) if name else result


def _used(root: Any, parts: dict[str, Any]) -> dict[str, Any]:
    """The parts that references lead to, from `root` on."""
    found: dict[str, Any] = {}
    open_ends = [root]
    while open_ends:
        part = open_ends.pop()
        name = part["$ref"].rpartition("/")[2] if isinstance(part, dict) and "$ref" in part else None
        if name is not None and name not in found:
            found[name] = parts[name]
            open_ends.append(parts[name])
        open_ends += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return found


def _each(patterns: dict[str, Any], value: Any) -> dict[str, Any]:
    return dict.fromkeys(patterns, value)


def _all_forms(form: type[Form]) -> list[type[Form]]:
    return [below for child in form.__subclasses__() for below in (child, *_all_forms(child))]
