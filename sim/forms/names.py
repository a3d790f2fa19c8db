"""Names of places: zones, groups of nodes, vertices of a graph."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from sim.forms import MistakeError, inside
from sim.forms.fields import IDENTIFIER_SCHEMA, LABEL_SCHEMA, read_identifier, read_label


def _names(value: Any, read: Any) -> tuple[str, ...]:
    """A name or a list of different names."""
    items = value if isinstance(value, list) else [value]
    if not items:
        raise MistakeError("got an empty list; must have at least one name")
    names: list[str] = []
    for i, item in enumerate(items):
        with inside(*([i] if isinstance(value, list) else [])):
            name = read(item)
            if name in names:
                raise MistakeError(f"got {name} twice; must be different names; remove one")
            names.append(name)
    return tuple(names)


def read_vertex(value: Any) -> str:
    """A vertex's name; that of a numbered one may be written as the number."""
    number = isinstance(value, int) and not isinstance(value, bool)
    return read_label(str(value) if number else value)


def _one_or_several(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1, "uniqueItems": True}]}


VERTEX_SCHEMA = {"anyOf": [LABEL_SCHEMA, {"type": "integer"}]}
Names = Annotated[
    tuple[str, ...],
    PlainValidator(lambda value: _names(value, read_identifier)),
    WithJsonSchema(_one_or_several(IDENTIFIER_SCHEMA)),
]
Vertex = Annotated[str, PlainValidator(read_vertex), WithJsonSchema(VERTEX_SCHEMA)]
Vertices = Annotated[
    tuple[str, ...],
    PlainValidator(lambda value: _names(value, read_vertex)),
    WithJsonSchema(_one_or_several(VERTEX_SCHEMA)),
]
