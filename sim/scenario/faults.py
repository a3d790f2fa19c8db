"""What breaks when, and whom it strikes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sim.failures import FaultForm
from sim.failures.chaos import ChaosForm, Drawn, written
from sim.failures.form import Strike
from sim.failures.overlaps import Dead, check_overlaps
from sim.failures.system import System
from sim.forms import MistakeError, MistakesError
from sim.model import Chaos, Fault, Network, Once, Renewal, RunPlan, Service, Source, Tcp
from sim.registries import REGISTRY_FORMS
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.idle import calls_in
from sim.scenario.placement import Placement
from sim.scenario.registries import Added
from sim.scenario.sites import Sites
from sim.scenario.topologies import Spot
from sim.scenario.vertices import Vertices
from sim.units import format_duration

MOST_EPISODES = 100_000
"""Of one random fault in a run."""
NEEDS = (("nodes",), ("services",), ("traffic",), ("network",), ("failures",))
"""Sections that decide what `chaos` draws."""


def system_of(
    form: ScenarioForm,
    placement: Placement,
    services: Sequence[Service],
    sources: Sequence[Source],
    network: Network,
    added: Added,
) -> System:
    """What there is to break."""
    made = [
        (service.name, call)
        for service in services
        for endpoint in service.endpoints
        for call in calls_in(endpoint.steps)
    ]
    calls = dict.fromkeys([*((caller, call.service) for caller, call in made), *added.talks])
    dialled = {call.service for _, call in made if isinstance(call.policy.transport, Tcp)}
    dialled |= {t.service for source in sources for t in source.targets if isinstance(source.policy.transport, Tcp)}
    clients_in = {source.name: _places(source.zone, placement.sites) for source in sources if source.zone is not None}
    world = placement.nodes, placement.pools, placement.instances
    dialled |= added.looked_up
    return System(
        *(*world, services, sources, network, calls, clients_in, dialled, added.clusters),
        registry_kinds=frozenset(REGISTRY_FORMS),
        wall_clocks=added.wall_clocks,
    )


def _places(site: str, sites: Sites) -> dict[str, str | None]:
    """The zone, rack, region and vertex of clients."""
    if not isinstance(sites, Vertices):
        return {"zone": site, "region": sites.region_of.get(site)}
    spot = sites.topology.vertices.get(site, Spot())
    region = None if spot.zone is None else sites.region_of.get(spot.zone)
    return {"zone": spot.zone, "rack": spot.rack, "region": region, "vertex": site}


def faults(
    form: ScenarioForm, run: RunPlan, system: System, findings: Findings
) -> tuple[tuple[Fault, ...], Chaos | None]:
    """One for each target; a fault with several has the target in its name. What `chaos` drew is at the end."""
    found = [
        (failure, strike)
        for name, failure in form.failures.items()
        for strike in _strikes(failure, name, run, system, findings)
    ]
    _check_overlaps(found, system, findings)
    declared = tuple(strike.fault for _, strike in found)
    if form.chaos is None:
        return declared, None
    seed = run.seed if form.chaos.seed is None else form.chaos.seed
    drawn = _drawn(form, form.chaos, seed, run, system, declared, findings)
    more = tuple(strike.fault for one in drawn for strike in one.strikes)
    return (*declared, *more), Chaos(seed, tuple((one.name, written(one.entry)) for one in drawn))


def _drawn(
    form: ScenarioForm,
    chaos: ChaosForm,
    seed: int,
    run: RunPlan,
    system: System,
    declared: Sequence[Fault],
    findings: Findings,
) -> list[Drawn]:
    dead = Dead(system.node_of)
    for fault in declared:
        dead.add(fault)
    if not findings.can_judge(*NEEDS):
        return []
    try:
        drawn = chaos.draw(seed, run.duration_s, system, dead)
    except (MistakeError, MistakesError) as error:
        findings.add_error(chaos, error)
        return []
    twice = next((one.name for one in drawn if one.name in form.failures), None)
    if twice is not None:
        text = f"draws a fault called {twice}, but failures has one of that name; remove chaos, or rename that one"
        findings.add(form, ("chaos",), text)
    text = f"draws no fault in a run of {format_duration(run.duration_s)}; give it a shorter every, or remove it"
    findings.weigh(form, ("chaos",), bool(drawn), text)
    return drawn


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
