"""The machine model as plain data: what `dsim explain --resolved` prints and what a reader elsewhere may rely on.

Mappings, lists, text, numbers, true, false and None only. Every field of the model is there under its own name, with
its unit: `_s` seconds, `_per_s` per second; what has none is a count, a number of cores, a factor or a share. A thing
of one of several kinds is a mapping from its kind to its fields: `{"exponential": {"mean_s": 0.008}}`.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from sim.distributions import Declared
from sim.model import Component, EventLoop, Fault, Goroutines, Model, Network, Once, Renewal, Threads
from sim.steps.behaviour import Behaviour
from sim.steps.call import Call
from sim.steps.choose import Choose
from sim.steps.cpu import Cpu
from sim.steps.disk import DiskOperation
from sim.steps.fail import Fail
from sim.steps.guard import Guard
from sim.steps.io import Io
from sim.steps.leads import Leads
from sim.steps.lock import Lock
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat
from sim.steps.replicate import Replicate

KINDS: tuple[type, ...] = (
    *(Threads, EventLoop, Goroutines),
    *(Behaviour, Call, Choose, Cpu, DiskOperation, Fail, Guard, Io, Leads, Lock, Parallel, Repeat, Replicate),
    *(Once, Renewal),
)
"""Classes whose objects stand where others could: they are shown with their kind."""
SECONDS = ("quantity", "duration", "list[quantity]")
"""Kinds of parameters that are times in a scenario."""


def plain(model: Model) -> dict[str, Any]:
    """A model as plain data."""
    result = _plain(model)
    assert isinstance(result, dict)
    return result


@singledispatch
def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        written = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {_kind(type(value)): written} if isinstance(value, KINDS) else written
    assert value is None or isinstance(value, bool | int | float), f"no plain form of {type(value).__name__}"
    return value


@_plain.register
def _fault(value: Fault) -> dict[str, Any]:
    """With what it does to its target."""
    written = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return {_kind(type(value)): {**written, "condition": value.condition, "takes_down": _plain(value.takes_down)}}


@_plain.register
def _component(value: Component) -> dict[str, Any]:
    written = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}  # type: ignore[arg-type]
    return {_kind(type(value)): written}


@_plain.register
def _text(value: str) -> str:
    return str(value)


@_plain.register(tuple)
@_plain.register(list)
def _list(value: tuple[Any, ...] | list[Any]) -> list[Any]:
    return [_plain(item) for item in value]


@_plain.register
def _mapping(value: dict) -> dict[str, Any]:  # type: ignore[type-arg]
    return {str(key): _plain(item) for key, item in value.items()}


@_plain.register
def _number(value: np.generic) -> Any:
    return value.item()


@_plain.register
def _numbers(value: np.ndarray) -> list[Any]:
    return list(value.tolist())


@_plain.register
def _network(value: Network) -> dict[str, Any]:
    """Pairs of sites do not fit a plain key: a list of links."""
    links = [{"from": sender, "to": to, **_plain(link)} for (sender, to), link in value.links.items()]
    return {"links": links, "same_node": _plain(value.same_node), "routed": value.routed}


@_plain.register
def _declared(value: Declared) -> dict[str, Any]:
    """A distribution or an arrival process. What was read from a file is told by its origin, number and hash."""
    names = {p.attribute or name: name + ("_s" if p.kind in SECONDS else "") for name, p in value.parameters.items()}
    from_file = getattr(value, "origin", "values") != "values"
    written: dict[str, Any] = {}
    for field in fields(value):  # type: ignore[arg-type]
        item = getattr(value, field.name)
        name = field.name if field.name.endswith("_s") else names.get(field.name, field.name)
        if isinstance(item, np.ndarray) and from_file:
            written[f"{field.name}_count"] = len(item)
        else:
            written[name] = _plain(item)
    return {value.name: written}


def _kind(cls: type) -> str:
    """EventLoop is event_loop."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
