"""The machine model: one variant of a scenario with nothing left to decide.

The resolver (`sim.scenario`) builds it, the engine (`sim.engine`) runs it. Every default has been applied, every
name checked, every quantity is in SI units (seconds, requests per second, cores). Times are absolute simulated
seconds from 0. Names are unique within their kind; cross references are by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from sim.distributions import Distribution
from sim.traffic import Arrivals

Outcome = Literal["ok", "error", "timeout", "refused", "reset", "shed", "unavailable", "too_deep", "cancelled"]
FAILURES: tuple[Outcome, ...] = ("error", "timeout", "refused", "reset", "shed", "unavailable", "too_deep")
Draw = Literal["attempt", "request"]
TargetKind = Literal["node", "instance", "service", "zone", "rack", "region", "link", "traffic", "several"]
"""What a fault may strike; `traffic` are messages between some places, `several` are several of the others at once."""


@dataclass(frozen=True, slots=True)
class Disk:
    """One device with one queue. An operation that moves bytes takes an `access` and bytes / `bytes_per_s`, a flush an
    `fsync`. None: no time (of `fsync`: nothing flushes)."""

    access: Distribution | None = None
    fsync: Distribution | None = None
    bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a process: `base_bytes` when it has nothing to do, `task_bytes` for each request present, waiting or in
    service. Above `limit_bytes` (None: none of its own) it is killed."""

    limit_bytes: float | None = None
    base_bytes: float = 0.0
    task_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class Clock:
    """A node's clocks: both run (1 + `drift`) times as fast as time; the wall clock is `offset_s` ahead at 0."""

    drift: float = 0.0
    offset_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Node:
    """A machine. `speed` divides work: a burst of w core-seconds alone on a free core takes w / speed seconds."""

    name: str
    zone: str
    cores: float
    speed: float = 1.0
    site: str = ""
    """Where it stands in the network: its zone, its rack, or a vertex of a graph."""
    rack: str | None = None
    region: str | None = None
    disk: Disk | None = None
    memory_bytes: float | None = None
    clock: Clock | None = None
    """None: true."""

    def __post_init__(self) -> None:
        if not self.site:
            object.__setattr__(self, "site", self.zone)


@dataclass(frozen=True, slots=True)
class Threads:
    """A worker is held for the whole handler. `queue` is the bound of waiting requests (None: unbounded)."""

    workers: int
    queue: int | None = None


@dataclass(frozen=True, slots=True)
class EventLoop:
    """One core; CPU bursts run one at a time in the order in which they became ready; waits overlap."""


@dataclass(frozen=True, slots=True)
class Goroutines:
    """Unbounded tasks that share the instance's cores; waits cost nothing."""


Concurrency = Threads | EventLoop | Goroutines


@dataclass(frozen=True, slots=True)
class Instance:
    """A process of a service on a node. `cores` caps what it may use of the node (GOMAXPROCS, a cgroup quota)."""

    name: str
    node: str
    cores: float


@dataclass(frozen=True, slots=True)
class Balance:
    """A registered balancing policy with its checked parameters."""

    policy: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retry:
    """`attempts` counts all tries, the first included. Retry n (1, 2 …) waits b = min(max_s, initial_s·factor^(n-1)),
    made U(0, b) by jitter `full`, b/2 + U(0, b/2) by `equal`, b by `none`. `on` lists the outcomes that are retried."""

    attempts: int
    initial_s: float
    factor: float
    max_s: float
    jitter: Literal["none", "full", "equal"]
    on: tuple[Outcome, ...] = FAILURES


@dataclass(frozen=True, slots=True)
class Ideal:
    """Messages over connections that are always open and whose windows are never full. What is lost is sent again
    after `resend_s`, then after twice as long, and so on up to `resend_max_s`."""

    resend_s: float = 0.2
    resend_max_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Udp:
    """A message goes in datagrams of up to `datagram_bytes`; it is lost with the first of them that is."""

    datagram_bytes: float = 1472.0


@dataclass(frozen=True, slots=True)
class Tcp:
    """Requests over pooled connections.

    `streams`: requests that a connection carries at once (1: HTTP/1.1; more: HTTP/2). `max_connections`: to one server
    (None: no bound); `max_idle`: kept without a request (None: no bound), for `idle_timeout_s` at most. A dial takes
    one round trip, and `tls_round_trips` more; it fails after `connect_timeout_s` (None: when its retries are used
    up). Windows: `initial_window` segments of `segment_bytes` at first, at most `receive_window_bytes`. A lost segment
    is sent again after the smoothed round trip and at least `rto_min_s`, a handshake's after `rto_initial_s`, doubling
    up to `rto_max_s`, at most `retries` (`dial_retries`) times. A connection that was silent for `keep_alive_s` (None:
    for however long) is probed, every `keep_alive_every_s`, and given up after `keep_alive_probes` without an answer.
    Linux's defaults (tcp(7), RFC 6298, RFC 6928).
    """

    streams: int = 1
    max_connections: int | None = None
    max_idle: int | None = None
    idle_timeout_s: float = 90.0
    connect_timeout_s: float | None = None
    tls_round_trips: int = 0
    segment_bytes: float = 1460.0
    initial_window: float = 10.0
    receive_window_bytes: float = 6291456.0
    rto_initial_s: float = 1.0
    rto_min_s: float = 0.2
    rto_max_s: float = 120.0
    retries: int = 15
    dial_retries: int = 6
    keep_alive_s: float | None = None
    keep_alive_every_s: float = 75.0
    keep_alive_probes: int = 9


Transport = Ideal | Udp | Tcp


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How a client probes the servers that it balances over, by the rules of `system`.

    A probe is a request to `endpoint` (None: a connection), and fails when it is refused, reset, answered badly or not
    within `timeout_s`. `fall` failures in a row take a server out, `rise` successes in a row bring it back. The next
    probe begins `interval_s` after the end of the last; where some, but not all, that a change takes have been counted
    `fast_interval_s`, and while the server is out and none has `down_interval_s`.
    """

    system: str
    interval_s: float
    fast_interval_s: float
    down_interval_s: float
    timeout_s: float
    fall: int
    rise: int
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How a caller calls. `timeout_s` bounds each attempt (None: the caller waits for ever)."""

    balance: Balance
    timeout_s: float | None = None
    retry: Retry | None = None
    transport: Transport = Ideal()
    health: HealthCheck | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    name: str
    steps: tuple[Any, ...]
    """Instances of the step classes in `sim.steps` (Cpu, Io, Call, Parallel, Choose, Repeat, Fail, Behaviour)."""
    request_bytes: float = 1000.0
    response_bytes: float = 1000.0


@dataclass(frozen=True, slots=True)
class WarmUp:
    """For a time drawn from `for_s`, bursts run at `speed` (below 1) times what they would."""

    for_s: Distribution
    speed: float


@dataclass(frozen=True, slots=True)
class Start:
    """How an instance comes back after a crash: it boots, dead to callers, then warms up. All are warm at time 0."""

    boot: Distribution | None
    warm_up: WarmUp | None


@dataclass(frozen=True, slots=True)
class ReplicatedLog:
    """A service's instances are the members of one group, which replicates a log (Raft, as etcd runs it). `members` are
    those that count (None: all). The control plane tells them who leads. `heartbeat_s` is the leader's period; a
    request that has waited for `patience_s` is answered with an error (etcd: 5 s and two election timeouts)."""

    members: tuple[str, ...] | None = None
    heartbeat_s: float = 0.1
    patience_s: float = 7.0


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    concurrency: Concurrency
    instances: tuple[Instance, ...]
    endpoints: tuple[Endpoint, ...]
    start: Start | None = None
    """None: back at once, and warm."""
    memory: Memory | None = None
    """None: none."""
    drain_s: float = 0.0
    """How long a process that is told to stop serves on before it ends."""
    log: ReplicatedLog | None = None
    """None: none."""


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint of a traffic mix; weights are positive and sum to 1."""

    service: str
    endpoint: str
    weight: float


@dataclass(frozen=True, slots=True)
class Source:
    """A class of traffic. `zone` None: the clients stand at the service's door (no network between)."""

    name: str
    arrivals: Arrivals
    targets: tuple[Target, ...]
    zone: str | None
    policy: CallPolicy
    slo_latency_s: float | None = None
    slo_availability: float | None = None
    """The share of requests that has to be good: answered well, and within `slo_latency_s` where that is declared."""


@dataclass(frozen=True, slots=True)
class Once:
    """During [at_s, at_s + for_s); for_s None: until the end."""

    at_s: float
    for_s: float | None = None


@dataclass(frozen=True, slots=True)
class Renewal:
    """At random, from 0 on: well for a time drawn from `mtbf`, struck for one drawn from `mttr`, and so on: an
    alternating renewal process. The share of time struck tends to mttr / (mtbf + mttr), with their means."""

    mtbf: Distribution
    mttr: Distribution


When = Once | Renewal


@dataclass(frozen=True, slots=True)
class Fault(ABC):
    """Something breaks; what, the kinds in `sim.failures` say. `cause` is the entry of `failures` that it comes from;
    `name` has the target beside it where one entry strikes several. `target` is the name of a thing of `target_kind`,
    or says in words which it is (`between zone a and zone b`)."""

    name: str
    cause: str
    target_kind: TargetKind
    target: str
    when: When

    @property
    def subject(self) -> str:
        """What it strikes, as the subject of a sentence: `node app-2`."""
        return f"{self.target_kind} {self.target}"

    @property
    def stream(self) -> str:
        """Name of the stream that its times are drawn from, if they are."""
        return f"fault:{self.cause}:{self.target_kind}:{self.target}"

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the hosts that it strikes as such."""
        return (self.target,) if self.target_kind == "node" else ()

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of the processes that it strikes as such."""
        return (self.target,) if self.target_kind == "instance" else ()

    @property
    def kills(self) -> bool:
        """Are its nodes and instances dead meanwhile?"""
        return False

    def has_target(self, cluster: Any) -> bool:
        """Is there anything to strike now? Else the episode does not happen."""
        return True

    touches_network: ClassVar[bool] = False
    """Does it need more of the network than latencies?"""

    @property
    @abstractmethod
    def condition(self) -> str:
        """What the target then is: `down`."""

    @property
    def takes_down(self) -> tuple[tuple[TargetKind, str], ...]:
        """The nodes and instances that serve nobody while it is in force, as (kind, name)."""
        return ()

    @abstractmethod
    def start(self, cluster: Any) -> None:
        """Strike, through the control plane's handle (`sim.engine.cluster.Cluster`). Faults may overlap."""

    @abstractmethod
    def stop(self, cluster: Any) -> None:
        """Undo what `start` did."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Requests that daemons at the instances of `client` (a service, or `source:NAME`) may send to single instances of
    a service, beside all traffic. `policy` bounds and carries them; nothing is balanced."""

    name: str
    client: str
    service: str
    endpoint: str
    policy: CallPolicy


@dataclass(frozen=True, slots=True)
class Chaos:
    """What `chaos` drew with `seed`: names of entries of `failures`, and what would stand there in a scenario file."""

    seed: int
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One direction from a site to another: one-way `latency`, to which `jitter` adds; each packet is lost with the
    probability `loss`; messages occupy the `bandwidth_bps` (bits per second) one after the other (`first_come`) or
    all at once in equal shares (`fair`)."""

    latency: Distribution
    jitter: Distribution | None = None
    loss: float = 0.0
    bandwidth_bps: float | None = None
    sharing: Literal["first_come", "fair"] = "first_come"


@dataclass(frozen=True, slots=True)
class Network:
    """Links by (site of the sender, site of the receiver), both directions listed.

    A site is what the nodes' `site` names: a zone, or a vertex of a graph. Without `routed` a message takes the link
    of its pair of sites, and where there is none no time at all; with it, the links on the way of least mean latency.
    A message within one node takes `same_node`; where that is None, what the pair of sites says.
    """

    links: dict[tuple[str, str], Link] = field(default_factory=dict)
    same_node: Distribution | None = None
    routed: bool = False


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is measured: requests whose intended arrival lies in [warmup_s, duration_s]. The run then drains for at
    most `drain_s`. With `warmup_auto`, `warmup_s` is 0 and who reads the runs finds the cut (MSER-5).
    `window_s` is the step of the time series. `record` writes a row a request: none, all, or the
    share `record_share` of them. `max_in_flight` stops an overload."""

    duration_s: float
    warmup_s: float
    drain_s: float
    window_s: float
    seed: int
    replications: int
    record: Literal["none", "sample", "all"] = "none"
    record_share: float = 0.01
    max_in_flight: int = 100_000
    depth_limit: int = 64
    warmup_auto: bool = False


@dataclass(frozen=True, slots=True)
class Directory:
    """A registry or a store, for readers: what of it runs is among the components. `services` are found through it
    (none through a store), `members` are its own, of the service that it adds first."""

    name: str
    kind: str
    version: str
    services: tuple[str, ...]
    members: tuple[str, ...]


class Component(ABC):
    """Something of the control plane that runs through the whole simulation: a registry, a store, health checks."""

    name: str

    @abstractmethod
    def start(self, cluster: Any) -> None:
        """Make its daemons and give clients their first views, before time 0."""


@dataclass(frozen=True, slots=True)
class Model:
    scenario: str
    variant: str
    title: str
    run: RunPlan
    nodes: tuple[Node, ...]
    network: Network
    services: tuple[Service, ...]
    sources: tuple[Source, ...]
    faults: tuple[Fault, ...] = ()
    """All that breaks, what `chaos` drew at the end."""
    chaos: Chaos | None = None
    components: tuple[Component, ...] = ()
    """The registry, if there is one, the stores, and health checks."""
    directories: tuple[Directory, ...] = ()
    probes: tuple[Probe, ...] = ()
    checks: tuple[str, ...] = ()
    """What runs are held against while they go on: `raft`, `linearizable`."""
