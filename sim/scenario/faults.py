"""What breaks when, and whom it strikes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sim.failures import FaultForm
from sim.failures.form import Strike
from sim.failures.overlaps import check_overlaps
from sim.failures.system import System
from sim.forms import MistakeError, MistakesError
from sim.model import Fault, Network, Once, Renewal, RunPlan, Service, Source
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.idle import calls_in
from sim.scenario.placement import Placement
from sim.units import format_duration

MOST_EPISODES = 100_000
"""Of one random fault in a run."""


def system_of(
    form: ScenarioForm,
    placement: Placement,
    services: Sequence[Service],
    sources: Sequence[Source],
    network: Network,
) -> System:
    """What there is to break."""
    calls = dict.fromkeys(
        (service.name, call.service)
        for service in services
        for endpoint in service.endpoints
        for call in calls_in(endpoint.steps)
    )
    region_of = {zone: region for region, zones in form.network.regions.items() for zone in zones}
    return System(placement.nodes, placement.pools, placement.instances, services, sources, network, calls, region_of)


def faults(form: ScenarioForm, run: RunPlan, system: System, findings: Findings) -> tuple[Fault, ...]:
    """One for each target; a fault with several has the target in its name."""
    found = [
        (failure, strike)
        for name, failure in form.failures.items()
        for strike in _strikes(failure, name, run, system, findings)
    ]
    _check_overlaps(found, system, findings)
    return tuple(strike.fault for _, strike in found)


def _strikes(failure: FaultForm, name: str, run: RunPlan, system: System, findings: Findings) -> list[Strike]:
    """What comes of one entry, held against the run."""
    try:
        strikes = failure.strikes(name, system)
    except (MistakeError, MistakesError) as error:
        _check_when(failure, (), run, findings)
        if findings.can_judge(*failure.needs):
            findings.add_error(failure, error)
        return []
    _check_when(failure, strikes, run, findings)
    for strike in strikes:
        findings.weigh(failure, strike.where, not strike.idle, strike.idle)
    return strikes


def _check_overlaps(found: Sequence[tuple[FaultForm, Strike]], system: System, findings: Findings) -> None:
    forms = {strike.fault.name: failure for failure, strike in found}
    for fault, error in check_overlaps([strike.fault for _, strike in found], system.node_of):
        findings.add_error(forms[fault.name], error, "at")


def _check_when(failure: FaultForm, strikes: Iterable[Strike], run: RunPlan, findings: Findings) -> None:
    when = failure.when
    if isinstance(when, Once) and when.at_s >= run.duration_s:
        text = f"got {format_duration(when.at_s)} in a run of {format_duration(run.duration_s)}"
        findings.add(failure, ("at",), f"{text}; must be before its end", ("run", "duration"))
        return
    if isinstance(when, Renewal):
        episodes = run.duration_s / (when.mtbf.mean() + when.mttr.mean())
        if episodes > MOST_EPISODES:
            text = f"makes about {episodes:,.0f} episodes in a run of {format_duration(run.duration_s)}"
            findings.add(failure, ("mtbf",), f"{text}; must make at most {MOST_EPISODES:,}", ("run", "duration"))
    late = [s for s in strikes if isinstance(s.fault.when, Once) and s.fault.when.at_s >= run.duration_s]
    if late:
        assert isinstance(late[-1].fault.when, Once)
        last = f"{late[-1].fault.target}'s turn comes at {format_duration(late[-1].fault.when.at_s, 6)}"
        text = f"{last}, in a run of {format_duration(run.duration_s)}; must come before its end; give less time"
        findings.add(failure, late[-1].where, text, ("run", "duration"))
