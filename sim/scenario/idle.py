"""What a scenario says and nothing comes of: told as a mistake where it is so in every variant.

A policy towards a service that is never called, nodes on which nothing stands: such lines look as if they mattered, and
mostly something else was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sim.failures import Restart
from sim.failures.system import System
from sim.forms import listed
from sim.model import Fault, Ideal, Network, Service, Source
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.placement import Placement
from sim.scenario.services import EVERY_CALLEE
from sim.steps.behaviour import Behaviour
from sim.steps.call import Call
from sim.steps.choose import Choose
from sim.steps.lock import Lock
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat
from sim.traffic import Ramp, Spike, Steps, Trace
from sim.traffic.varying import Piecewise
from sim.units import format_duration


def weigh_all(
    form: ScenarioForm, placement: Placement, services: Sequence[Service], sources: Sequence[Source], findings: Findings
) -> None:
    """Ask of everything that may be idle whether it is, in this variant."""
    called = {service.name: frozenset(_calls_of(service)) for service in services}
    _weigh_calls(form, called, findings)
    _weigh_defaults(form, called, findings)
    _weigh_nodes(form, placement, findings)
    _weigh_zones(form, findings)
    _weigh_network(form, called, placement, findings)
    _weigh_between(form, placement, findings)
    _weigh_arrivals(form, sources, findings)


def weigh_starts(form: ScenarioForm, faults: Sequence[Fault], findings: Findings) -> None:
    """Something has to end for anything to start again: by a fault, or by a limit of memory."""
    crashes = any(fault.kills for fault in faults)
    for name, service in form.services.items():
        if service.start is not None:
            text = "nothing ever starts: all are up and warm at 0, and nothing crashes; remove it, or add failures"
            findings.weigh(form, ("services", name, "start"), crashes or service.memory is not None, text)


def weigh_drains(form: ScenarioForm, faults: Sequence[Fault], system: System, findings: Findings) -> None:
    """Somebody has to tell a process to stop for it to serve on."""
    told = {system.service_of[f.target] for f in faults if isinstance(f, Restart) and f.drain_s is not None}
    for name, service in form.services.items():
        if service.drain is not None:
            text = f"nothing tells {name} to stop; remove it, or write e.g. restart: {name}-1 with graceful: true"
            findings.weigh(form, ("services", name, "drain"), name in told, text)


def weigh_sizes(
    form: ScenarioForm, network: Network, services: Sequence[Service], sources: Sequence[Source], findings: Findings
) -> None:
    """Sizes of messages tell where links are narrow or lose packets, and where transports cut messages up."""
    policies = [source.policy for source in sources]
    policies += [call.policy for service in services for e in service.endpoints for call in calls_in(e.steps)]
    tells = any(link.bandwidth_bps is not None or link.loss > 0.0 for link in network.links.values())
    tells = tells or bool(form.failures or form.chaos) or not all(isinstance(p.transport, Ideal) for p in policies)
    mute = "sizes of messages change nothing:"
    text = f"{mute} no link has a bandwidth or loses packets, and no transport is tcp or udp; give a link a bandwidth"
    door = f"{mute} only clients at the door call it, who cross no network; write from: {{zone: …}} in traffic"
    reached = {name for service in services for name, _ in _calls_of(service)}
    reached |= {target.service for source in sources if source.zone is not None for target in source.targets}
    for name, service in form.services.items():
        places: list[tuple[str, ...]] = [(key,) for key in ("request", "response") if key in service.given]
        for endpoint, given in service.given.get("endpoints", {}).items():
            keys = [key for key in ("request", "response") if isinstance(given, Mapping) and key in given]
            places += [("endpoints", endpoint, key) for key in keys]
        for place in places:
            why = text if not tells else door
            findings.weigh(form, ("services", name, *place), tells and name in reached, f"{why}, or remove it")


def steps_in(steps: Iterable[Any]) -> Iterator[Any]:
    """All steps, branches and turns included."""
    for step in steps:
        yield step
        match step:
            case Parallel() | Choose():
                for branch in step.branches:
                    yield from steps_in(branch)
            case Repeat() | Lock():
                yield from steps_in(step.steps)


def calls_in(steps: Iterable[Any]) -> Iterator[Call]:
    """All calls that some steps may make."""
    for step in steps_in(steps):
        match step:
            case Call():
                yield step
            case Behaviour():
                yield from step.calls


def _calls_of(service: Service) -> Iterator[tuple[str, str]]:
    for endpoint in service.endpoints:
        yield from ((call.service, call.endpoint) for call in calls_in(endpoint.steps))


def _weigh_calls(form: ScenarioForm, called: Mapping[str, frozenset[tuple[str, str]]], findings: Findings) -> None:
    for name, service in form.services.items():
        callees = called[name]
        names = {EVERY_CALLEE, *(s for s, _ in callees), *(f"{s}.{e}" for s, e in callees)} if callees else set()
        whom = listed(sorted({s for s, _ in callees})) or "nobody"
        for reference in service.calls:
            what = f"never calls {reference}; it calls {whom}" if callees else "calls nobody"
            text = f"{name} {what}; remove it, or write a call step"
            findings.weigh(form, ("services", name, "calls", reference), reference in names, text)


def _weigh_defaults(form: ScenarioForm, called: Mapping[str, frozenset[tuple[str, str]]], findings: Findings) -> None:
    if form.defaults.calls.model_fields_set:
        text = (
            "no service calls another, and traffic does not take them; remove it, or put the keys beside traffic's to:"
        )
        findings.weigh(form, ("defaults", "calls"), any(called.values()), text)


def _weigh_nodes(form: ScenarioForm, placement: Placement, findings: Findings) -> None:
    used = placement.lent | {pool for service in form.services.values() for pool in service.nodes or ()}
    clients = {source.from_.zone for source in form.traffic.values() if source.from_}
    for name, pool in form.nodes.items():
        text = f"no service stands on these nodes; write nodes: {name} in one, or remove them"
        findings.weigh(form, ("nodes", name), name in used or bool(clients & set(pool.zones)), text)


def _weigh_zones(form: ScenarioForm, findings: Findings) -> None:
    for name, pool in form.nodes.items():
        for i, zone in enumerate(pool.zones if "zones" in pool.given else ()):
            nodes = f"{pool.count} node{'s' if pool.count > 1 else ''}"
            text = f"zone {zone} gets no node, since {name} has {nodes}; write count: {len(pool.zones)}, or remove it"
            findings.weigh(form, ("nodes", name, "zones", i), i < pool.count, text)


def _weigh_network(
    form: ScenarioForm, called: Mapping[str, frozenset[tuple[str, str]]], placement: Placement, findings: Findings
) -> None:
    """Messages have a way to go between services and registries, and from clients that stand somewhere."""
    if form.network.model_fields_set:
        crossed = (
            any(called.values())
            or len(placement.instances) > len(form.services)
            or any(source.from_ for source in form.traffic.values())
        )
        text = "no message crosses the network: no service calls another, and no traffic says from which zone it comes"
        findings.weigh(form, ("network",), crossed, f"{text}; write from: {{zone: …}} in it, or remove the network")


def _weigh_between(form: ScenarioForm, placement: Placement, findings: Findings) -> None:
    zone_of = {node.name: node.zone for node in placement.nodes.values()}
    inhabited = {zone_of.get(i.node, "") for group in placement.instances.values() for i in group}
    inhabited |= {source.from_.zone for source in form.traffic.values() if source.from_ and source.from_.zone}
    for i, between in enumerate(form.network.between):
        for zone in dict.fromkeys(zone for pair in between.pairs() for zone in pair):
            text = f"nothing stands in zone {zone}, neither an instance nor a client; remove it, or put something there"
            findings.weigh(form, ("network", "between", i, *between.location_of(zone)), zone in inhabited, text)


def _weigh_arrivals(form: ScenarioForm, sources: Sequence[Source], findings: Findings) -> None:
    end_s = form.run.duration
    for source in sources:
        place = ("traffic", source.name, "arrivals")
        if isinstance(source.arrivals, Piecewise | Trace):
            text = (
                f"sends no request before the end of the run at {format_duration(end_s)}; remove it, or give it a rate"
            )
            findings.weigh(form, place, source.arrivals.mean_rate(end_s) > 0, text)
        for below, at_s in _changes(source):
            text = f"got {format_duration(at_s)} in a run of {format_duration(end_s)}; must be before its end"
            findings.weigh(form, (*place, *below), at_s < end_s, text)


def _changes(source: Source) -> Iterator[tuple[tuple[str | int, ...], float]]:
    """Where a source says when its rate changes, and when."""
    match source.arrivals:
        case Steps():
            for i, at_s in enumerate(source.arrivals.starts_s):
                yield ("steps", "steps", i, "at"), at_s
        case Ramp() | Spike() if source.arrivals.at_s > 0:
            yield (source.arrivals.name, "at"), source.arrivals.at_s
