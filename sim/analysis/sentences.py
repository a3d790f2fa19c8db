"""What an explanation says in words: the verdict, and what was not counted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from sim.analysis import words
from sim.analysis.explanation import Explanation, SourceLoad, StationLoad
from sim.analysis.failing import EndpointName
from sim.analysis.handlers import Handler
from sim.analysis.spread import is_known
from sim.forms import listed
from sim.model import CallPolicy, Model, Tcp
from sim.steps.call import Call
from sim.traffic import Renewal

MOST_OF_A_KIND = 4
"""Sentences of one kind; more of them help nobody."""


def verdict(found: Explanation) -> tuple[str, ...]:
    """Where the load ends, and what is remarkable on the way there."""
    return (*_saturation(found), *_steering(found), *_peaks(found), *_slow(found))


def _saturation(found: Explanation) -> Iterator[str]:
    if math.isnan(found.factor):
        yield "Requests go in circles for ever on average: no saturation load can be given."
    elif found.factor == math.inf:
        yield "Nothing counted is ever full: nothing that is reached needs a core, and no pool of workers is bounded."
    elif found.factor == 0.0:
        yield f"{_stations(found.bottleneck)} can carry no load for long: the mean demand is infinite."
    else:
        yield _first_full(found)
        yield from _flat(found)


def _first_full(found: Explanation) -> str:
    limiting = found.bottleneck
    busy = max(station.utilization for station in limiting)
    verb = "is" if len(limiting) == 1 and limiting[0].kind in ("event loop", "disk", "link") else "are"
    subject = _stations(limiting)
    if _only_closed(found) and found.factor < 1.0:
        return f"{subject} {verb} full: the declared users ask for more."
    if found.factor < 1.0:
        return f"{subject} {verb} overloaded: the declared load asks for {words.percentage(busy)} of them."
    at_most = "at most " if found.is_steered else ""
    return f"{subject} {verb} full first: {at_most}{words.percentage(busy)} busy at the declared load."


def _flat(found: Explanation) -> Iterator[str]:
    opened = [source for source in found.sources if source.users is None and source.rate_per_s > 0.0]
    if len(opened) == 1 and len(found.sources) == 1:
        source = opened[0]
        yield (
            f"Throughput flattens at {words.rate(source.saturation_per_s)}, {words.factor(found.factor)} "
            f"the declared {words.rate(source.rate_per_s)}."
        )
    elif opened:
        each = words.first_few([f"{source.name} at {words.rate(source.saturation_per_s)}" for source in opened])
        yield f"With all sources growing alike, throughput flattens at {words.factor(found.factor)} the load: {each}."
    for source in found.sources:
        if source.users is not None:
            yield _closed(source, alone=len(found.sources) == 1)


def _closed(source: SourceLoad, alone: bool) -> str:
    assert source.users is not None and source.knee_users is not None
    users = "1 user asks" if source.users == 1 else f"{source.users:,} users ask"
    most = "the most that can be served" if alone else "its most, all sources growing alike"
    return (
        f"{source.name}: {users} for at most {words.rate(source.rate_per_s)}; "
        f"{words.rate(source.saturation_per_s)} is {most}. "
        f"Beyond {words.number(source.knee_users, 2)} users, more of them only wait longer."
    )


def _steering(found: Explanation) -> Iterator[str]:
    if found.is_steered:
        yield (
            "Balancers that look at the load send less to what is nearly full; without that, the first station would "
            f"be full at {words.factor(found.even_factor)} the declared load."
        )


def _peaks(found: Explanation) -> Iterator[str]:
    peaks = [s for s in found.sources if s.peak_per_s > s.rate_per_s * (1.0 + 1e-9)]
    if not peaks or not found.stations:
        return
    busiest = max(found.stations, key=lambda station: station.peak_utilization)
    when = words.first_few([f"{s.name} {s.what_peaks} ({words.rate(s.peak_per_s)})" for s in peaks])
    share = words.percentage(busiest.peak_utilization)
    after = ", so queues grow meanwhile" if busiest.peak_utilization >= 1.0 else ""
    yield f"With {when}, {_lower(_stations([busiest]))} would be {share} busy{after}."


def _slow(found: Explanation) -> Iterator[str]:
    """Times that are too long even without contention."""
    for source in found.sources:
        if source.slo_latency_s is not None and source.latency_s > source.slo_latency_s:
            yield (
                f"{source.name}: the mean latency is {words.time(source.latency_s)} at no contention already, "
                f"above the objective of {words.time(source.slo_latency_s)}."
            )
    slow = [c for c in found.calls if c.timeout_s is not None and c.attempt_s > c.timeout_s and c.calls_per_s > 0.0]
    for call in slow[:MOST_OF_A_KIND]:
        assert call.timeout_s is not None
        yield (
            f"{call.caller} → {call.callee}: an attempt takes {words.time(call.attempt_s)} on average at no "
            f"contention, longer than its timeout of {words.time(call.timeout_s)}."
        )


def limits(
    model: Model,
    found: Explanation,
    handlers: Mapping[EndpointName, Handler],
    endless: Mapping[str, Sequence[EndpointName]],
) -> tuple[str, ...]:
    """What was not counted, or only approximately."""
    return (
        "Queueing, timeouts, full queues and crashes, and the retries that they cause, are not counted.",
        *_failing(handlers),
        *_endless(model, endless),
        *_handlers(handlers),
        *_workers(found),
        *_policies(model, handlers),
        *(["Steering is taken as perfect: throughput flattens between the two loads."] if found.is_steered else []),
        *_arrivals(model, found),
        *_network(model, handlers),
    )


def _failing(handlers: Mapping[EndpointName, Handler]) -> Iterator[str]:
    if any(handler.failing.share > 0.0 for handler in handlers.values()):
        yield "Failures that the scenario declares (fail) are counted, with their retries."


def _endless(model: Model, endless: Mapping[str, Sequence[EndpointName]]) -> Iterator[str]:
    for source, circle in endless.items():
        names = words.several([".".join(name) for name in circle])
        yield (
            f"{source}: {names} call each other again at least once for each time, on average, until "
            f"run.depth_limit ({model.run.depth_limit}); the source is left out."
        )


def _handlers(handlers: Mapping[EndpointName, Handler]) -> Iterator[str]:
    for handler in handlers.values():
        for behaviour in handler.behaviours:
            calls = listed([f"{call.service}.{call.endpoint}" for call in behaviour.calls])
            besides = f" and how often it calls {calls}" if calls else ""
            yield f"{handler.text} is Python ({behaviour.function}): its work{besides} are unknown and not counted."
        for kind in sorted(handler.infinite):
            yield f"{handler.text}: a {kind} step has an infinite mean; the longer a run, the more of it shows."
        if handler.locks:
            yield (
                f"{handler.text} waits for the lock {listed(sorted(handler.locks))}, which one at a time has: neither "
                "the wait nor the store's round trips are counted."
            )
        if handler.is_elected:
            yield (
                f"{handler.text} runs at the leader of {handler.name[0]} alone: its load is counted as if all "
                "instances shared it, and neither the refusals of the others nor the retries after them are counted."
            )
        for kind in sorted(handler.unknown):
            yield f"{handler.text}: steps of the kind {kind} are not counted."
    cancelling = [handler.text for handler in handlers.values() if handler.cancels]
    if cancelling:
        them = words.several(cancelling)
        yield f"{them}: branches that are cancelled are counted in full; the true saturation load may be higher."


def _workers(found: Explanation) -> Iterator[str]:
    if any(station.kind == "workers" for station in found.stations):
        fewer = any(station.kind == "workers" for station in found.bottleneck)
        end = "; they may be full at a lower load than this" if fewer else ""
        yield f"Workers are held while their requests wait elsewhere: their utilization is a lower bound{end}."


def _policies(model: Model, handlers: Mapping[EndpointName, Handler]) -> Iterator[str]:
    policies: list[CallPolicy] = [source.policy for source in model.sources]
    policies += [edge.policy for handler in handlers.values() for edge in handler.edges]
    for handler in handlers.values():
        policies += [call.policy for b in handler.behaviours for call in b.calls if isinstance(call, Call)]
    unknown = sorted({p.balance.policy for p in policies if not is_known(p.balance)})
    if unknown:
        yield f"How {listed(unknown)} spreads requests is not known here; taken to be even."


def _arrivals(model: Model, found: Explanation) -> Iterator[str]:
    if any(source.users is not None for source in found.sources):
        yield "The rate of closed users is their upper bound, users / (latency at no contention + think time)."
    for source in model.sources:
        if isinstance(source.arrivals, Renewal) and math.isinf(source.arrivals.gap.mean()):
            yield f"{source.name}: the gaps have an infinite mean, so the rate falls towards 0 for ever."


def _network(model: Model, handlers: Mapping[EndpointName, Handler]) -> Iterator[str]:
    links = model.network.links.values()
    if any(link.loss > 0.0 for link in links):
        yield "Messages that links lose, and the time until they are sent again, are not counted."
    if any(link.bandwidth_bps is not None for link in links):
        yield "Of bandwidths, only messages are counted: no headers, acknowledgements or set-up of connections."
    policies = [source.policy for source in model.sources]
    policies += [edge.policy for handler in handlers.values() for edge in handler.edges]
    tcps = [policy.transport for policy in policies if isinstance(policy.transport, Tcp)]
    if any(tcp.max_connections is not None for tcp in tcps):
        yield "Pools of connections (max_connections) are not counted; they may be full at a lower load than this."
    if tcps:
        yield "Of tcp, the set-up of connections and the growth of windows are not counted: latencies are lower bounds."


def _only_closed(found: Explanation) -> bool:
    return all(source.users is not None for source in found.sources)


def _stations(stations: Sequence[StationLoad]) -> str:
    """`The cores of db-1`."""
    kinds: dict[str, list[StationLoad]] = {}
    for station in stations:
        kinds.setdefault(station.kind, []).append(station)
    parts = [f"{_what(same)} of {words.several([station.name for station in same])}" for same in kinds.values()]
    text = listed([f"the {part}" for part in parts])
    return text[:1].upper() + text[1:]


def _what(stations: Sequence[StationLoad]) -> str:
    first = stations[0]
    if first.kind == "event loop":
        return "event loop" if len(stations) == 1 else "event loops"
    if first.kind == "disk":
        return "disk" if len(stations) == 1 else "disks"
    if first.kind == "link":
        return "bandwidth"
    if first.kind == "instance":
        return f"{words.number(first.capacity)} cores" if len(stations) == 1 else "cores"
    if first.kind == "workers" and len(stations) == 1:
        return f"{first.capacity:,.0f} worker{'s' if first.capacity > 1 else ''}"
    return "workers" if first.kind == "workers" else "cores"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
