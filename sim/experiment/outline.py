"""What results have to know of the models that were run: small enough to be stored beside the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sim.model import Model, RunPlan


@dataclass(frozen=True, slots=True)
class Place:
    """An instance or a node."""

    name: str


@dataclass(frozen=True, slots=True)
class ServiceOutline:
    name: str
    instances: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class SourceOutline:
    """`slo_latency_s` is what counts as good, None where everything that is answered does."""

    name: str
    slo_latency_s: float | None


@dataclass(frozen=True, slots=True)
class Outline:
    """Of the machine model of one variant: what was measured, and by which plan."""

    scenario: str
    run: RunPlan
    sources: tuple[SourceOutline, ...]
    services: tuple[ServiceOutline, ...]
    nodes: tuple[Place, ...]


def outline(model: Model | Outline) -> Outline:
    return Outline(
        model.scenario,
        model.run,
        tuple(SourceOutline(source.name, source.slo_latency_s) for source in model.sources),
        tuple(ServiceOutline(s.name, tuple(Place(i.name) for i in s.instances)) for s in model.services),
        tuple(Place(node.name) for node in model.nodes),
    )


def as_plain(given: Outline) -> dict[str, Any]:
    """As JSON can hold it; instances and nodes are their names."""
    return {
        "scenario": given.scenario,
        "run": asdict(given.run),
        "sources": [asdict(source) for source in given.sources],
        "services": {service.name: [instance.name for instance in service.instances] for service in given.services},
        "nodes": [node.name for node in given.nodes],
    }


def from_plain(stored: Mapping[str, Any]) -> Outline:
    """The inverse of `as_plain`. Raises: KeyError, TypeError for anything else."""
    return Outline(
        stored["scenario"],
        RunPlan(**stored["run"]),
        tuple(SourceOutline(**source) for source in stored["sources"]),
        tuple(ServiceOutline(name, tuple(map(Place, names))) for name, names in stored["services"].items()),
        tuple(map(Place, stored["nodes"])),
    )
