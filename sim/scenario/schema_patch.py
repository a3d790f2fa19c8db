"""The JSON schema of patches: what a variant may say, and a file that includes others.

A patch has the keys of what it changes, none of them required, and null deletes. Lists are replaced whole, so what
stands in them is no patch.
"""

from __future__ import annotations

from typing import Any

from sim.forms.fields import choices_schema
from sim.scenario.document import FILE_ONLY
from sim.scenario.patch import FIXED
from sim.scenario.schema_parts import ref

_NULL = {"type": "null"}
_RULES = ("required", "minProperties", "maxProperties", "oneOf", "allOf", "not", "if", "then", "else")
"""What holds between the keys of a finished mapping, and not in a patch."""


class Patches:
    """Gathers the patches of the parts that others refer to, as parts of their own."""

    def __init__(self, parts: dict[str, Any]) -> None:
        self.complete = parts
        self.parts: dict[str, Any] = {}

    def variant(self, scenario: dict[str, Any]) -> dict[str, Any]:
        """A reference to the patch of everything that a variant may change."""
        patch: dict[str, Any] = self._of(scenario)
        for path in FIXED:
            self._without(patch, path)
        sections = [key for key in patch["properties"] if key not in FILE_ONLY]
        names = choices_schema(*sections)
        patch["properties"]["replace"] = {"anyOf": [names, {"type": "array", "items": names}]}
        self.parts["Variant"] = patch
        return ref("Variant")

    def incomplete(self, scenario: dict[str, Any]) -> dict[str, Any]:
        """A file that its variants or included files complete."""
        patch: dict[str, Any] = self._of(scenario)
        patch["properties"]["include"] = scenario["properties"]["include"]
        patch["properties"]["variants"]["anyOf"][0]["minProperties"] = 1
        return patch

    def _of(self, part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return {**part, **self._of_ref(part["$ref"].rpartition("/")[2])}
        if part.get("type") == "array":
            return part
        result = {key: value for key, value in part.items() if key not in _RULES}
        for key in ("properties", "patternProperties"):
            if key in result:
                result[key] = {name: self._or_null(value) for name, value in result[key].items()}
        if isinstance(result.get("additionalProperties"), dict):
            result["additionalProperties"] = self._or_null(result["additionalProperties"])
        if "anyOf" in result:
            result["anyOf"] = [self._of(way) for way in result["anyOf"]]
        return result

    def _of_ref(self, name: str) -> dict[str, Any]:
        patch = name if name.endswith(".patch") or name == "Variant" else f"{name}.patch"
        if patch not in self.parts and patch != "Variant":
            self.parts[patch] = {}
            self.parts[patch] = self._of(self.complete[name])
        return ref(patch)

    def _or_null(self, value: Any) -> Any:
        patch = self._of(value)
        if not isinstance(patch, dict):
            return patch
        described = {"description": patch.pop("description")} if "description" in patch else {}
        return {**described, "anyOf": [patch, _NULL]}

    def _without(self, patch: dict[str, Any], path: tuple[str | int, ...]) -> None:
        """Take a key out, along references, which only variants use from then on."""
        *above, last = path
        for key in above:
            [section, _] = patch["properties"][key]["anyOf"]
            name = section["$ref"].rpartition("/")[2]
            own = f"{name.removesuffix('.patch').removesuffix('.variant')}.variant"
            self.parts.setdefault(own, {**self.parts[name], "properties": dict(self.parts[name]["properties"])})
            patch["properties"][key] = {"anyOf": [ref(own), _NULL]}
            patch = self.parts[own]
        patch["properties"].pop(last)
