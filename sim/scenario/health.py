"""Whose clients probe whom: the health checks of all call policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.model import CallPolicy, HealthCheck, Service, Source
from sim.registries.health import HealthChecks, Watch
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.idle import calls_in


def health_checks(
    form: ScenarioForm, services: Sequence[Service], sources: Sequence[Source], findings: Findings
) -> tuple[HealthChecks, ...]:
    """One component for all health checks, or none."""
    watches: dict[tuple[str, str], HealthCheck | None] = {}
    for section, caller, service, policy in _policies(services, sources):
        client = caller if section == "services" else f"source:{caller}"
        if watches.setdefault((client, service), policy.health) != policy.health:
            text = f"calls {service} with different health checks, but has one list of its instances; make them alike"
            findings.add(form, (section, caller), text)
    found = tuple(Watch(*pair, check) for pair, check in watches.items() if check is not None)
    return (HealthChecks(found),) if found else ()


def _policies(services: Sequence[Service], sources: Sequence[Source]) -> Iterator[tuple[str, str, str, CallPolicy]]:
    """(section, caller, callee, policy) of all calls."""
    for service in services:
        for endpoint in service.endpoints:
            yield from (("services", service.name, call.service, call.policy) for call in calls_in(endpoint.steps))
    for source in sources:
        yield from (("traffic", source.name, target.service, source.policy) for target in source.targets)
