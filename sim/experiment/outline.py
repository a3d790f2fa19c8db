"""What results have to know of the models that were run: small enough to be stored beside the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sim.experiment.patience import patience_s
from sim.model import RunPlan

TOLD = ("registered", "services", "watches")
"""What a component of the model has that tells clients of services: which services, or who probes whom."""


@dataclass(frozen=True, slots=True)
class Place:
    """An instance, with the `node` that it runs on, or a node."""

    name: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class ServiceOutline:
    name: str
    instances: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class SourceOutline:
    """`slo_latency_s` is up to when an answer is good, None where every answer is; `slo_availability` is the share of
    requests that has to be good, None where no such objective is declared."""

    name: str
    slo_latency_s: float | None
    slo_availability: float | None = None


@dataclass(frozen=True, slots=True)
class FaultOutline:
    """`name` is that of its episodes, `cause` the entry of `failures`, `condition` what its target then is;
    `takes_down` are the nodes and instances that serve nobody, as (kind, name); `at_random` is false of one on a
    schedule."""

    name: str
    cause: str
    condition: str
    target: tuple[str, str]
    """(kind, name)"""
    takes_down: tuple[tuple[str, str], ...]
    at_random: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """Of the machine model of one variant: what was measured, and by which plan."""

    scenario: str
    run: RunPlan
    sources: tuple[SourceOutline, ...]
    services: tuple[ServiceOutline, ...]
    nodes: tuple[Place, ...]
    faults: tuple[FaultOutline, ...] = ()
    patience_s: float = 0.0
    """After so long a request's callers have given up (see `sim.experiment.patience`)."""
    tells_clients: bool = False
    """Does anything tell clients where services are: a registry other than a static list, or health checks?"""


def outline(model: Mapping[str, Any]) -> Outline:
    """Of a model as plain data (`sim.scenario.resolved.plain`). Raises: KeyError, TypeError for anything else."""
    return Outline(
        model["scenario"],
        RunPlan(**model["run"]),
        tuple(SourceOutline(s["name"], s["slo_latency_s"], s["slo_availability"]) for s in model["sources"]),
        tuple(ServiceOutline(service["name"], _places(service["instances"])) for service in model["services"]),
        _places(model["nodes"]),
        tuple(_fault(fields) for fault in model["faults"] for fields in fault.values()),
        patience_s(model),
        any(fields.get(told) for component in model["components"] for fields in component.values() for told in TOLD),
    )


def _places(found: Iterable[Mapping[str, Any]]) -> tuple[Place, ...]:
    return tuple(Place(place["name"], place.get("node", "")) for place in found)


def _fault(fields: Mapping[str, Any]) -> FaultOutline:
    takes_down = tuple((kind, name) for kind, name in fields["takes_down"])
    at_random = "renewal" in fields["when"]
    target = fields["target_kind"], fields["target"]
    return FaultOutline(fields["name"], fields["cause"], fields["condition"], target, takes_down, at_random)
