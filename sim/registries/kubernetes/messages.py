"""What the parts of a Kubernetes cluster tell each other. API servers answer writes with whether they were made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """A kubelet's answer to which of its pods are ready."""

    ready: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Renew:
    """A kubelet renews the lease of its node."""

    node: str


@dataclass(frozen=True, slots=True)
class Delete:
    """A pod is to end: it is terminating from now on."""

    instance: str


@dataclass(frozen=True, slots=True)
class Watch:
    """A proxy asks for endpoints that are newer than what it has. The answer is None where an API server has none."""

    version: int


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Ready endpoints by service, all services in one object."""

    version: int
    ready: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Life:
    """What a pod's process tells its kubelet: that it begins, or was asked to end."""

    instance: str
    begins: bool


@dataclass(frozen=True, slots=True)
class Alive:
    """The container runtime looks whether a process is there."""
