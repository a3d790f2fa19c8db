"""From a machine model to its explanation, without simulating.

Sources: Denning & Buzen, "The Operational Analysis of Queueing Network Models", ACM Computing Surveys 10(3), 1978;
Lazowska, Zahorjan, Graham & Sevcik, Quantitative System Performance, 1984, chapters 3 and 5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sim.analysis import words
from sim.analysis.directories import directories
from sim.analysis.explanation import (
    CallLoad,
    EndpointLoad,
    Explanation,
    Fault,
    Link,
    Machine,
    Placed,
    SourceLoad,
    StationLoad,
)
from sim.analysis.failing import failing_endpoints
from sim.analysis.handlers import Handler, handlers, source_edges
from sim.analysis.latency import NoContention
from sim.analysis.rates import OpenRate, mix_of, open_rate
from sim.analysis.saturation import Saturation, saturation
from sim.analysis.sentences import limits, verdict
from sim.analysis.stations import stations
from sim.analysis.traffic import Traffic
from sim.model import Model
from sim.traffic import Closed

if TYPE_CHECKING:
    from sim.scenario import Scenario


def explain_scenario(scenario: Scenario, variant: str | None = None) -> Explanation:
    """Explain one variant of a scenario, by default its baseline. Raises DsimError for a name that is none."""
    return explain(scenario.resolve(variant or scenario.baseline))


def explain(model: Model) -> Explanation:
    """Demands, utilizations, bottleneck and saturation load of a model by operational analysis."""
    with np.errstate(invalid="ignore", over="ignore"):  # means may be infinite
        return _Analysis(model).explanation()


class _Analysis:
    """The steps of the analysis, each from those before it."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.failing = failing_endpoints(model)
        self.handlers = handlers(model, self.failing)
        duration_s = model.run.duration_s
        self.mixes = [mix_of(source, duration_s) for source in model.sources]
        self.roots = [
            source_edges(source.name, mix, source.policy, self.failing)
            for source, mix in zip(model.sources, self.mixes, strict=True)
        ]
        self.traffic = Traffic(self.handlers, self.roots, [source.name for source in model.sources])
        self.times = NoContention(model, self.failing)
        self.stations = stations(model, self.handlers, self.traffic, self.times)
        self.latencies = [self._latency(number) for number in range(len(model.sources))]
        self.asked = [self._asked(number) for number in range(len(model.sources))]
        self.wanted = np.array([rate.mean_per_s for rate in self.asked])
        self.saturation: Saturation = saturation(self.stations, self.wanted)
        self.rates = self._held_back(self.wanted)

    def explanation(self) -> Explanation:
        model, factor = self.model, self._factor()
        drawn = {name for name, _ in model.chaos.entries} if model.chaos else set()
        found = Explanation(
            scenario=model.scenario,
            variant=model.variant,
            title=model.title,
            factor=factor,
            even_factor=self.saturation.even_factor,
            sources=tuple(self._source(number, factor) for number in range(len(model.sources))),
            stations=self._stations(),
            endpoints=tuple(self._endpoint(handler) for handler in self.handlers.values()),
            calls=self._calls(),
            placement=self._placement(),
            nodes=tuple(Machine(n.name, n.zone, n.cores, n.speed) for n in model.nodes),
            links=_links(model),
            routed=model.network.routed,
            faults=tuple(
                Fault(f.name, f.subject, f.condition, words.when(f.when)) for f in model.faults if f.name not in drawn
            ),
            chaos_seed=model.chaos.seed if model.chaos else None,
            drawn=model.chaos.entries if model.chaos else (),
            directories=tuple(directories(model)),
        )
        return replace(found, verdict=verdict(found), limits=limits(model, found, self.handlers, self.traffic.endless))

    def _factor(self) -> float:
        return float("nan") if self.traffic.endless else self.saturation.factor

    def _latency(self, number: int) -> float:
        source = self.model.sources[number]
        if source.name in self.traffic.endless:
            return float("nan")
        return float(self.times.latency(source, self.mixes[number]).mean[0])

    def _asked(self, number: int) -> OpenRate:
        """A source's rate; of closed users the most that they can ask for."""
        arrivals = self.model.sources[number].arrivals
        if not isinstance(arrivals, Closed):
            return open_rate(arrivals, self.model.run.duration_s)
        cycle_s = arrivals.think.mean() + self.latencies[number]
        bound = arrivals.users / cycle_s if cycle_s > 0.0 else float("inf")
        return OpenRate(bound, bound)

    def _held_back(self, rates: np.ndarray) -> np.ndarray:
        """Rates at the declared load: closed users ask for what open traffic leaves at most."""
        closed = np.array([isinstance(source.arrivals, Closed) for source in self.model.sources])
        if not closed.any() or self.saturation.factor >= 1.0:
            return rates
        if closed.all():
            return rates * self.saturation.factor
        demands = self.stations.demands()
        left = np.maximum(self.stations.capacity - demands[:, ~closed] @ rates[~closed], 0.0)
        wish = demands[:, closed] @ rates[closed]
        share = np.min(left[wish > 0.0] / wish[wish > 0.0], initial=1.0)
        return np.where(closed, rates * share, rates)

    def _source(self, number: int, factor: float) -> SourceLoad:
        source, arrivals = self.model.sources[number], self.model.sources[number].arrivals
        closed = arrivals if isinstance(arrivals, Closed) else None
        wanted = float(self.wanted[number])
        return SourceLoad(
            name=source.name,
            arrivals=arrivals.name,
            targets={".".join(target): share for target, share in self.mixes[number].items()},
            rate_per_s=wanted,
            peak_per_s=self.asked[number].peak_per_s,
            what_peaks=self.asked[number].what_peaks,
            latency_s=self.latencies[number],
            saturation_per_s=wanted * factor,
            alone_per_s=self._alone(number),
            slo_latency_s=source.slo_latency_s,
            users=closed.users if closed else None,
            think_s=closed.think.mean() if closed else None,
            knee_users=closed.users * factor if closed else None,
        )

    def _alone(self, number: int) -> float:
        if self.traffic.endless or self.saturation.spread:
            return float("nan")
        demands = self.stations.demands()
        others = np.where(np.arange(len(self.rates)) == number, 0.0, self.rates)
        left = np.array([c - _busy(row, others) for c, row in zip(self.stations.capacity, demands, strict=True)])
        own = demands[:, number]
        return max(float(np.min(left[own > 0.0] / own[own > 0.0], initial=np.inf)), 0.0)

    def _stations(self) -> tuple[StationLoad, ...]:
        demands = np.nan_to_num(self.stations.demands(), nan=np.inf, posinf=np.inf)
        peaks = np.array([rate.peak_per_s for rate in self.asked])
        held = np.where(self.rates < self.wanted, self.rates, peaks)
        names = [source.name for source in self.model.sources]
        found = []
        for row, place in enumerate(self.stations.places):
            asked = dict(zip(names, demands[row].tolist(), strict=True))
            use, peak = (_busy(demands[row], rates) / place.capacity for rates in (self.rates, held))
            full = row in self.saturation.full and not self.traffic.endless
            found.append(StationLoad(place.kind, place.name, place.capacity, asked, use, peak, full))
        return tuple(sorted(found, key=lambda s: (-s.utilization, not s.limits, s.kind, s.capacity)))

    def _endpoint(self, handler: Handler) -> EndpointLoad:
        visits = self.traffic.visits[:, self.traffic.number[handler.name]]
        residence = self.times.residence[handler.name].mean
        return EndpointLoad(
            name=handler.text,
            visits=dict(zip([source.name for source in self.model.sources], visits.tolist(), strict=True)),
            rate_per_s=_busy(visits, self.rates),
            failing=handler.failing.share,
            cpu_s=handler.cpu_s,
            residence_s=float(residence.mean()),
        )

    def _calls(self) -> tuple[CallLoad, ...]:
        found = []
        for number, edge in enumerate(self.traffic.edges):
            attempts, calls = self.traffic.per_request(number), self.traffic.calls_per_request(number)
            policy = edge.policy
            found.append(
                CallLoad(
                    caller=edge.caller,
                    callee=f"{edge.service}.{edge.endpoint}",
                    balance=policy.balance.policy,
                    calls_per_s=_busy(calls, self.rates),
                    attempts_per_s=_busy(attempts, self.rates),
                    attempt_s=self._attempt_s(number),
                    timeout_s=policy.timeout_s,
                )
            )
        return tuple(found)

    def _attempt_s(self, number: int) -> float:
        edge = self.traffic.edges[number]
        if number < sum(len(edges) for edges in self.roots):
            source = next(source for source in self.model.sources if source.name == edge.caller)
            seats = self.times.client(source)
        else:
            seats = self.times.seats[edge.client]
        return float(self.times.attempt(seats, edge.callee, edge.policy).mean.mean())

    def _placement(self) -> tuple[Placed, ...]:
        zones = {node.name: node.zone for node in self.model.nodes}
        found = []
        for service in self.model.services:
            low, high = self._spread(service.name, len(service.instances))
            found += [
                Placed(i.name, service.name, i.node, zones[i.node], i.cores, float(low[n]), float(high[n]))
                for n, i in enumerate(service.instances)
            ]
        return tuple(found)

    def _spread(self, service: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Shares of a service's attempts at low load and at saturation, over all of its channels."""
        low, high, total = np.zeros(count), np.zeros(count), 0.0
        for number, channel in enumerate(self.stations.channels):
            if channel.service == service:
                weight = _busy(channel.attempts, self.rates)
                even = self.stations.even_shares(channel)
                low += weight * even
                high += weight * self.saturation.spread.get(number, even)
                total += weight
        if total == 0.0 or not np.isfinite(total):
            return np.full(count, 1.0 / count), np.full(count, 1.0 / count)
        return low / total, high / total


def _busy(demands: np.ndarray, rates: np.ndarray) -> float:
    """Σ rate · demand, where nothing times infinity is nothing, and sources without end ask for nothing."""
    product = np.where((demands == 0.0) | (rates == 0.0) | np.isnan(demands) | np.isnan(rates), 0.0, demands * rates)
    return float(product.sum())


def _links(model: Model) -> tuple[Link, ...]:
    found = []
    for (sender, receiver), link in model.network.links.items():
        latency_s = link.latency.mean() + (0.0 if link.jitter is None else link.jitter.mean())
        found.append(Link(sender, receiver, latency_s, link.bandwidth_bps, link.loss))
    same = model.network.same_node
    return (*found, *([] if same is None else [Link(None, None, same.mean())]))
