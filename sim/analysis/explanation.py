"""What an explanation holds. Times are in seconds, rates per second; everything is a mean unless it says otherwise."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

StationKind = Literal["node", "instance", "event loop", "workers", "disk", "link"]
"""A node's cores; the cores that one instance may use, where fewer; the same of an event loop; a pool of threads; a
node's disk; the bandwidth of a link in one direction."""


@dataclass(frozen=True, slots=True)
class SourceLoad:
    """A source and what becomes of its load.

    For closed users `rate_per_s` is their asymptotic bound users / (latency + think), which no system exceeds, and
    `knee_users` the number of them at which it meets `saturation_per_s` (Denning & Buzen 1978, section 4).
    """

    name: str
    arrivals: str
    targets: dict[str, float]
    """Share of the requests, by endpoint."""
    rate_per_s: float
    peak_per_s: float
    """The highest expected rate during the run; the mean where it is steady."""
    what_peaks: str
    latency_s: float
    """Mean at no contention. nan where requests go in circles for ever."""
    saturation_per_s: float
    """The source's rate when the first station is full, all sources growing alike. inf: none ever is."""
    alone_per_s: float
    """Its rate when the first station that it visits is full while the other sources stay as they are declared. nan
    where balancers steer: they would then spread the others anew."""
    slo_latency_s: float | None = None
    users: int | None = None
    think_s: float | None = None
    knee_users: float | None = None


@dataclass(frozen=True, slots=True)
class EndpointLoad:
    """`visits`: executions per request, by source. Retries of what fails by design are counted."""

    name: str
    visits: dict[str, float]
    rate_per_s: float
    failing: float
    """Share of the executions that fail by design."""
    cpu_s: float
    """Core-seconds at speed 1 an execution."""
    residence_s: float
    """From start to end of the handler at no contention."""


@dataclass(frozen=True, slots=True)
class CallLoad:
    """Calls along one edge. A source's name, or `service.endpoint`, is the caller."""

    caller: str
    callee: str
    balance: str
    calls_per_s: float
    attempts_per_s: float
    attempt_s: float
    """From an attempt's start to its answer, network included, at no contention."""
    timeout_s: float | None


@dataclass(frozen=True, slots=True)
class StationLoad:
    """`demands_s`: seconds of a core or a worker per request, by source. `utilization` at the declared mean load,
    `peak_utilization` with every source at its peak. Of workers both are lower bounds: they are also held while their
    requests queue elsewhere."""

    kind: StationKind
    name: str
    capacity: float
    demands_s: dict[str, float]
    utilization: float
    peak_utilization: float
    limits: bool
    """Is it one of those that are full at the saturation load?"""


@dataclass(frozen=True, slots=True)
class Placed:
    """An instance, and the share of its service's attempts that it gets at low load and at the saturation load."""

    instance: str
    service: str
    node: str
    zone: str
    cores: float
    share: float
    saturated_share: float


@dataclass(frozen=True, slots=True)
class Machine:
    name: str
    zone: str
    cores: float
    speed: float


@dataclass(frozen=True, slots=True)
class Link:
    """One-way, from site to site; both None: within one node."""

    sender: str | None
    receiver: str | None
    latency_s: float
    """With the jitter."""
    bandwidth_bps: float | None = None
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    target: str
    condition: str
    """What the target then is."""
    when: str
    """In words."""


@dataclass(frozen=True)
class Explanation:
    """What can be said about one variant without simulating it: operational analysis.

    `factor` is the largest factor on the declared load, all sources alike, at which no station is more than full: 2
    means that twice the load can just be carried; inf that nothing is ever full; nan that requests go round for ever.
    `verdict` says so in sentences, `limits` what was not counted.
    """

    scenario: str
    variant: str
    title: str
    factor: float
    even_factor: float
    """The same if no balancer looked at the load."""
    sources: tuple[SourceLoad, ...]
    stations: tuple[StationLoad, ...]
    """The busiest first."""
    endpoints: tuple[EndpointLoad, ...]
    calls: tuple[CallLoad, ...]
    placement: tuple[Placed, ...]
    nodes: tuple[Machine, ...]
    links: tuple[Link, ...]
    faults: tuple[Fault, ...]
    """Without those that `chaos` drew."""
    chaos_seed: int | None = None
    drawn: tuple[tuple[str, str], ...] = ()
    """What `chaos` drew: names of entries of `failures`, and the entries."""
    routed: bool = False
    """Is the network a graph, in which messages pass several links?"""
    directories: tuple[str, ...] = ()
    """Sentences on how clients learn where services are."""
    verdict: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    @property
    def bottleneck(self) -> tuple[StationLoad, ...]:
        """The stations that are full first."""
        return tuple(station for station in self.stations if station.limits)

    @property
    def is_steered(self) -> bool:
        """Do balancers that look at the load move the saturation load?"""
        return self.factor > self.even_factor * (1.0 + 1e-6)

    def source(self, name: str) -> SourceLoad:
        return next(source for source in self.sources if source.name == name)

    def station(self, name: str, kind: StationKind = "node") -> StationLoad:
        return next(station for station in self.stations if (station.kind, station.name) == (kind, name))

    def endpoint(self, name: str) -> EndpointLoad:
        return next(endpoint for endpoint in self.endpoints if endpoint.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; numbers may be inf or nan."""
        return asdict(self)

    def __str__(self) -> str:
        from sim.analysis.text import as_text

        return as_text(self)
