"""Sentences on how clients learn where services are: registries, stores, health checks."""

from __future__ import annotations

from collections.abc import Iterator

from sim.analysis import words
from sim.forms import listed
from sim.model import Directory, Model
from sim.registries.health import HealthChecks, Watch


def directories(model: Model) -> Iterator[str]:
    """One for each registry, store and pair of a caller and a service that it probes; none where all is static."""
    node_of = {instance.name: instance.node for service in model.services for instance in service.instances}
    for directory in model.directories:
        yield _of_directory(directory, node_of)
    found = {service for directory in model.directories for service in directory.services}
    for component in model.components:
        if isinstance(component, HealthChecks):
            yield from (_of_watch(watch) for watch in component.watches)
    called = {target.service for source in model.sources for target in source.targets}
    rest = [s.name for s in model.services if s.endpoints and s.name not in found and s.name in called]
    if rest and any(directory.services for directory in model.directories):
        yield f"{listed(rest)}: all clients know all instances, for ever."


def _of_directory(directory: Directory, node_of: dict[str, str]) -> str:
    kind = f"{directory.kind}@{directory.version}" if directory.version else directory.kind
    name = kind if directory.name == directory.kind else f"{directory.name} ({kind})"
    members = words.several(directory.members)
    nodes = words.several(list(dict.fromkeys(node_of[member] for member in directory.members)))
    if not directory.services:
        return f"{name}: keys are kept by {members}, on {nodes}."
    verb = "are" if len(directory.services) > 1 else "is"
    return f"{name}: {listed(directory.services)} {verb} found through {members}, on {nodes}."


def _of_watch(watch: Watch) -> str:
    check = watch.check
    client = watch.client.removeprefix("source:")
    how = f"asks {watch.service}.{check.endpoint}" if check.endpoint else f"connects to {watch.service}"
    times = f"every {words.time(check.interval_s)}, for at most {words.time(check.timeout_s)}"
    return f"{check.system}: {client} {how} {times}; out after {check.fall}, in after {check.rise}."
