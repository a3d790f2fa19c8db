"""Stations, what each request asks of them, and the load at which the first of them is full.

A station has a capacity: the cores of a node, the cores that an instance may use where that is less, the workers of a
thread pool, the one message at a time of a disk's queue or a link. The utilization law (Denning & Buzen, ACM Computing
Surveys 10(3), 1978) says how much of it a load keeps busy: the sum over sources of rate · demand, whatever the
distributions and the order of service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sim.analysis.carried import link_demands
from sim.analysis.disks import operation_time
from sim.analysis.explanation import StationKind
from sim.analysis.failing import EndpointName
from sim.analysis.handlers import Handler
from sim.analysis.latency import NoContention, cores_of
from sim.analysis.spread import choices, shares
from sim.analysis.traffic import Traffic
from sim.model import Balance, EventLoop, Model, Threads

NOWHERE = -1
ROUNDING = 1e-9
"""Relative difference below which two numbers are one, or a station full."""


@dataclass(frozen=True, slots=True)
class Place:
    """A station before anything is asked of it."""

    kind: StationKind
    name: str
    capacity: float


@dataclass(slots=True)
class Channel:
    """A balancer: what one client sends to one service with one policy, per request of each source."""

    service: str
    balance: Balance
    attempts: np.ndarray
    """Shape (sources,)."""
    core_s: np.ndarray
    """Core-seconds at speed 1, shape (sources,)."""
    held_s: np.ndarray
    """Worker-seconds on each instance if all went there, shape (sources, instances)."""
    disk_s: np.ndarray
    """Seconds of the disk of each instance's node, likewise."""


@dataclass(slots=True)
class Seating:
    """Where a service's instances stand: numbers of stations, arrays with an entry an instance; NOWHERE for none."""

    node: np.ndarray
    own: np.ndarray
    workers: np.ndarray
    disk: np.ndarray
    speed: np.ndarray

    def loads(self, channel: Channel) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(stations of shape (n,), seconds there per request if all went to that instance, shape (sources, n))."""
        cores = channel.core_s[:, None] / self.speed
        used = (self.node, cores), (self.own, cores), (self.workers, channel.held_s), (self.disk, channel.disk_s)
        for stations, amount in used:
            here = stations != NOWHERE
            if here.any():
                yield np.where(here, stations, 0), np.where(here, amount, 0.0)


@dataclass(slots=True)
class Stations:
    """All stations of a model, and the channels that lead to them."""

    places: list[Place]
    channels: list[Channel]
    seating: Mapping[str, Seating]
    sources: int
    fixed: np.ndarray
    """Seconds of each station per request of each source that no balancer moves, shape (stations, sources)."""
    capacity: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.capacity = np.array([place.capacity for place in self.places])

    def even_shares(self, channel: Channel) -> np.ndarray:
        return shares(channel.balance, len(self.seating[channel.service].speed))

    def demands(self) -> np.ndarray:
        """Seconds of each station per request of each source, shape (stations, sources), spread as at low load."""
        found = self.fixed.copy()
        for channel in self.channels:
            found += self.demands_of(channel, self.even_shares(channel))
        return found

    def demands_of(self, channel: Channel, spread: np.ndarray) -> np.ndarray:
        """Of one channel, with these shares of its instances."""
        found = np.zeros((len(self.places), self.sources))
        for stations, amount in self.seating[channel.service].loads(channel):
            np.add.at(found, stations, (amount * spread).T)
        return found

    def choices(self, channel: Channel) -> int:
        return choices(channel.balance, len(self.seating[channel.service].speed))


def stations(model: Model, handlers: Mapping[EndpointName, Handler], traffic: Traffic, times: NoContention) -> Stations:
    """The stations of a model under some traffic; sources without end (`traffic.endless`) ask for nothing."""
    places = [Place("node", node.name, node.cores) for node in model.nodes]
    number = {place.name: row for row, place in enumerate(places)}
    disk = {node.name: len(places) + row for row, node in enumerate(n for n in model.nodes if n.disk is not None)}
    places += [Place("disk", name, 1.0) for name in disk]
    seating = {}
    for service in model.services:
        rows = []
        for instance in service.instances:
            node = model.nodes[number[instance.node]]
            cores = cores_of(service, instance.cores)
            own = workers = NOWHERE
            if cores < node.cores:
                own = len(places)
                kind: StationKind = "event loop" if isinstance(service.concurrency, EventLoop) else "instance"
                places.append(Place(kind, instance.name, cores))
            if isinstance(service.concurrency, Threads):
                workers = len(places)
                places.append(Place("workers", instance.name, service.concurrency.workers))
            rows.append((number[instance.node], own, workers, disk.get(instance.node, NOWHERE), node.speed))
        seating[service.name] = Seating(*(np.array(column) for column in zip(*rows, strict=True)))
    carried = link_demands(model, traffic, times)
    fixed = np.zeros((len(places) + len(carried), len(model.sources)))
    for name, seconds in carried.items():
        fixed[len(places)] = seconds
        places.append(Place("link", name, 1.0))
    channels = _channels(model, handlers, traffic, times)
    return Stations(places, channels, seating, len(model.sources), fixed)


def _channels(
    model: Model, handlers: Mapping[EndpointName, Handler], traffic: Traffic, times: NoContention
) -> list[Channel]:
    found: dict[tuple[str, str, str], Channel] = {}
    sizes = {service.name: len(service.instances) for service in model.services}
    for number, edge in enumerate(traffic.edges):
        flow = np.nan_to_num(traffic.per_request(number), nan=0.0)
        key = (edge.client, edge.service, repr(edge.policy.balance))
        if key not in found:
            sources = len(model.sources)
            each = sources, sizes[edge.service]
            nothing = np.zeros(sources), np.zeros(sources), np.zeros(each), np.zeros(each)
            found[key] = Channel(edge.service, edge.policy.balance, *nothing)
        found[key].attempts += flow
        found[key].core_s += _times(flow, handlers[edge.callee].cpu_s)
        found[key].held_s += _times(flow[:, None], times.residence[edge.callee].mean)
        for reached, operation in handlers[edge.callee].disk:
            once = operation_time(operation, times.seats[edge.service].disks)
            found[key].disk_s += _times(flow[:, None], reached * once.mean)
    return list(found.values())


def _times(flow: np.ndarray, amount: float | np.ndarray) -> np.ndarray:
    """Their product, in which nothing times an infinite amount is nothing."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(flow == 0.0, 0.0, flow * amount))


def largest_factor(use: np.ndarray, capacity: np.ndarray) -> float:
    """The largest factor on the load such that no station exceeds its capacity; inf where nothing is used."""
    ratio = np.divide(use, capacity)
    return float(1.0 / ratio.max()) if ratio.max() > 0.0 else float("inf")


def is_level(values: Sequence[float] | np.ndarray) -> bool:
    array = np.asarray(values)
    return bool(array.max() - array.min() <= ROUNDING * max(abs(array.max()), 1e-300))
