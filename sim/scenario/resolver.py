"""From the human form of one variant to the machine model: names checked, defaults applied, instances placed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sim.forms import MistakeError, MistakesError, listed, shares
from sim.kernel.codes import LOOP_DEPTH
from sim.model import Concurrency, Endpoint, EventLoop, Goroutines, Model, Service, Source, Target, Threads
from sim.scenario.calls import Callees, CallerScope, Policies
from sim.scenario.cycles import certain_cycles
from sim.scenario.document import ScenarioForm
from sim.scenario.elections import elections, leads
from sim.scenario.faults import faults, system_of
from sim.scenario.findings import Findings
from sim.scenario.health import health_checks
from sim.scenario.idle import weigh_all, weigh_drains, weigh_sizes, weigh_starts
from sim.scenario.network import Zones
from sim.scenario.placement import Placement
from sim.scenario.plan import check_steady, check_users, run_plan
from sim.scenario.registries import answering, held, registries, sessions_of, stores_of
from sim.scenario.resources import check_clocks, check_disks, check_memory
from sim.scenario.services import EVERY_CALLEE, EndpointParts, ServiceForm, TrafficForm
from sim.scenario.sites import Sites
from sim.scenario.vertices import Vertices
from sim.steps.repeat import nesting
from sim.traffic import Trace

DEFAULT_BYTES = 1000.0
"""Of a message whose size the scenario does not give."""


def resolve(form: ScenarioForm, variant: str, findings: Findings) -> Model | None:
    """The machine model, or None with what is wrong in `findings`."""
    run = run_plan(form.run, findings)
    sites = Zones(form, findings) if form.network.topology is None else Vertices(form, findings)
    placement = Placement(form, sites, findings)
    callees = Callees(form.services, answering(form), findings)
    policies = Policies(form.network.transport, form.defaults.calls, callees, findings)
    stores, sessions = stores_of(form), sessions_of(form)
    services = []
    for name, service in form.services.items():
        scope = CallerScope(service, callees, policies, stores, findings)
        first = leads(name, scope, sessions)
        endpoints = tuple(_endpoint(e, parts, service, scope, first) for e, parts in callees.endpoints(name).items())
        start = None if service.start is None else service.start.start()
        memory = None if service.memory is None else service.memory.memory()
        seats, drain_s = placement.instances[name], service.drain or 0.0
        services.append(Service(name, _concurrency(service), seats, endpoints, start, memory, drain_s))
    _check_names(form, findings)
    _check_nesting(form, services, findings)
    _check_cycles(form, services, findings)
    sources = tuple(_source(name, f, callees, policies, sites, findings) for name, f in form.traffic.items())
    added = registries(form, placement, services, sources, findings)
    everything = (*services, *added.services)
    elected = elections(form, services, findings)
    checks = health_checks(form, services, sources, findings)
    network = sites.network()
    system = system_of(form, placement, everything, sources, network, added)
    struck, chaos = faults(form, run, system, findings)
    check_steady(form, findings)
    check_users(form, sources, findings)
    sites.check(placement.nodes.values(), services, sources)
    weigh_all(form, placement, services, sources, findings)
    weigh_starts(form, struck, findings)
    weigh_drains(form, struck, system, findings)
    weigh_sizes(form, network, services, sources, findings)
    check_disks(form, services, placement, findings)
    check_memory(form, services, placement.nodes, findings)
    check_clocks(form, services, placement, findings)
    if len(findings):
        return None
    nodes = tuple(placement.nodes.values())
    return Model(
        scenario=form.scenario,
        variant=variant,
        title=form.title,
        run=run,
        nodes=nodes,
        network=network,
        services=everything,
        sources=sources,
        faults=struck,
        chaos=chaos,
        components=(*added.components, *elected, *checks),
        directories=added.directories,
        probes=(*added.probes, *(probe for health in checks for probe in health.probes)),
        checks=held(form, services),
    )


def _endpoint(
    name: str, parts: EndpointParts, service: ServiceForm, scope: CallerScope, first: tuple[Any, ...]
) -> Endpoint:
    """Sizes that an endpoint does not give are its service's; some steps come before its own."""
    request = parts.request or service.request or DEFAULT_BYTES
    response = parts.response or service.response or DEFAULT_BYTES
    return Endpoint(name, (*first, *scope.steps(parts.steps)), request, response)


def _concurrency(form: ServiceForm) -> Concurrency:
    if form.concurrency == "goroutines":
        return Goroutines()
    if form.concurrency == "event_loop":
        return EventLoop()
    return Threads(form.concurrency.workers, form.concurrency.queue)


def _check_names(form: ScenarioForm, findings: Findings) -> None:
    if EVERY_CALLEE in form.services:
        text = f"got {EVERY_CALLEE}, which means every callee under `calls:`; rename the service"
        findings.add(form, ("services", EVERY_CALLEE), text)


def _check_nesting(form: ScenarioForm, services: Iterable[Service], findings: Findings) -> None:
    for service in services:
        for endpoint in service.endpoints:
            depth = nesting(endpoint.steps)
            if depth > LOOP_DEPTH:
                text = f"got {depth} repeats inside each other; must be at most {LOOP_DEPTH}; put the inner ones"
                location = ("services", service.name, "endpoints", endpoint.name)
                findings.add(form, location, f"{text} into an endpoint of their own and call it")


def _check_cycles(form: ScenarioForm, services: Iterable[Service], findings: Findings) -> None:
    programs = {(s.name, e.name): e.steps for s in services for e in s.endpoints}
    for cycle in certain_cycles(programs):
        way = " → ".join(f"{service}.{endpoint}" for service, endpoint in (*cycle, cycle[0]))
        text = (
            f"a request here never ends: the calls {way} are all certain; "
            "remove one of them, or put it into a choose beside other branches"
        )
        service, endpoint = cycle[0]
        findings.add(
            form, ("services", service, "endpoints", endpoint), text, *(("services", name) for name, _ in cycle)
        )


def _source(
    name: str, form: TrafficForm, callees: Callees, policies: Policies, sites: Sites, findings: Findings
) -> Source:
    targets = _targets(form, callees, findings)
    _check_trace(form, targets, findings)
    site = None
    if form.from_:
        try:
            site = sites.of_clients(form.from_)
        except (MistakeError, MistakesError) as error:
            findings.add_error(form, error, "from")
    return Source(
        name=name,
        arrivals=form.arrivals,
        targets=targets,
        zone=site,
        policy=policies.merged([form], dict.fromkeys(target.service for target in targets)),
        slo_latency_s=form.slo.latency if form.slo else None,
        slo_availability=form.slo.availability if form.slo else None,
    )


def _check_trace(form: TrafficForm, targets: Iterable[Target], findings: Findings) -> None:
    """A trace that names its endpoints names only targets."""
    if isinstance(form.arrivals, Trace) and form.arrivals.endpoints is not None:
        known = {f"{target.service}.{target.endpoint}" for target in targets}
        strange = [name for name in form.arrivals.endpoint_names if name not in known]
        if strange:
            text = (
                f"{form.arrivals.origin} has requests to {strange[0]}; must be among {listed(sorted(known)) or 'to:'}"
            )
            findings.add(form, ("to",), f"{text}; add it to the mix", ("services",))


def _targets(form: TrafficForm, callees: Callees, findings: Findings) -> tuple[Target, ...]:
    """The mix, with shares that sum to 1."""
    try:
        share = dict(zip(form.to, shares(list(form.to.values())), strict=True))
    except MistakeError as error:
        findings.add(form, ("to",), error.text)
        share = dict.fromkeys(form.to, 0.0)
    targets: dict[tuple[str, str], Target] = {}
    for reference in form.to:
        try:
            place = callees.find(reference)
        except MistakesError as error:
            findings.add_error(form, error, "to", reference)
            continue
        if place in targets:
            findings.add(form, ("to", reference), f"got {'.'.join(place)} a second time; remove one of the two")
        targets[place] = Target(*place, share[reference])
    return tuple(targets.values())
