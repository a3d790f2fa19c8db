"""A Eureka server: leases, self-preservation, the eviction task, the response cache, replication between peers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sim.engine.daemons import Answer, Daemon, Timer
from sim.registries.eureka.lease import RATE_S, Lease, Renewals, eviction_limit
from sim.registries.eureka.settings import (
    BATCH_DELAY_S,
    PEER_RETRY_S,
    PEER_TIMEOUT_S,
    READ_TIMEOUT_S,
    REPLICATION_EXPIRY_S,
    SYNC_RETRY_S,
    SYNC_TRIES,
    Act,
    Fetch,
    Members,
    Replicated,
    Settings,
    Status,
)

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

NAME = "eureka-server"


class Server(Daemon):
    """One peer of a Eureka cluster. All peers take registrations, and none waits for another."""

    def __init__(self, cluster: Cluster, host: str, settings: Settings, component: str, order: Sequence[str]) -> None:
        super().__init__(cluster, host, NAME)
        self.settings, self.component = settings, component
        self._order = {instance: place for place, instance in enumerate(order)}
        self.peers: tuple[str, ...] = ()
        """Addresses of the other servers."""
        self.first: dict[str, float] = {}
        """At time 0: who is registered, and how long ago each renewed last."""
        self.cache_phase_s = 0.0
        """When the response caches of all servers are filled for the first time: at multiples of the interval of the
        wall clock."""
        self.leases: dict[str, Lease] = {}
        self.renewals = Renewals(settings.expected_renewal_s, settings.threshold)
        self._outboxes: dict[str, list[Act]] = {}
        self._cached: Members | None = None
        self._evicted_s = 0.0
        self._opens_s = 0.0
        self._preserves = False
        self._is_ready = False
        self._is_first_life = True

    def started(self) -> None:
        settings = self.settings
        self.leases, self._cached, self._preserves, self._is_ready = {}, None, False, False
        self.renewals = Renewals(settings.expected_renewal_s, settings.threshold)
        self._outboxes = {peer: [] for peer in self.peers}
        if settings.response_cache_s is not None:
            offset_s = self._at.clock.wall() - self._at.clock.monotonic()
            wait_s = (self.cache_phase_s - self.clock_s - offset_s) % settings.response_cache_s
            self.every(settings.response_cache_s, self._fill_cache, first_s=wait_s)
        if self._is_first_life:
            self._is_first_life = False
            self._begin_in_the_middle()
        else:
            self.every(RATE_S, self._roll)
            self._sync(1, self.peers)

    def received(self, sender: str, message: Any) -> None:
        raise AssertionError(f"{self.address}: Eureka speaks HTTP, and answers; got {message}")

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        if not self._is_ready:
            reply(Status(503))
            return
        match message:
            case Fetch():
                reply(self._fetched(sender))
            case Replicated(acts):
                unknown = [act.instance for act in acts if self._take(act).code == 404 and act.kind == "renew"]
                reply(Status(200, unknown=tuple(unknown)))
            case Act():
                status = self._take(message)
                if status.code == 200:
                    self._replicate(Act(message.kind, message.instance, self.clock_s))
                reply(status)

    # The registry

    def _take(self, act: Act) -> Status:
        now_s, lease = self._at.clock.wall(), self.leases.get(act.instance)
        if act.kind == "register":
            if lease is None:
                self.renewals.joined()
                self.cluster.record(self.component, "registered", act.instance, self.host)
            self.leases[act.instance] = Lease(self.settings.lease_s, now_s)
            return Status(200)
        if lease is None:
            return Status(404)
        if act.kind == "renew":
            self.renewals.current += 1
            lease.renew(now_s)
        else:
            self._cancel(act.instance)
            self.cluster.record(self.component, "deregistered", act.instance, self.host)
        return Status(200)

    def _cancel(self, instance: str) -> None:
        del self.leases[instance]
        self.renewals.left()

    def _evict(self) -> None:
        """A round later than planned lets leases last that much longer, and of those that are over it ends at most
        the share that self-preservation would bear, at random."""
        elapsed_s, self._evicted_s = self.clock_s - self._evicted_s, self.clock_s
        self._plan_eviction()
        if self.settings.self_preservation and not self.renewals.are_enough:
            self._preserve(True)
            return
        self._preserve(False)
        now_s, compensation_s = self._at.clock.wall(), max(0.0, elapsed_s - self.settings.evict_s)
        expired = [name for name, lease in self.leases.items() if lease.is_expired(now_s, compensation_s)]
        limit = min(len(expired), eviction_limit(len(self.leases), self.settings.threshold))
        for _ in range(limit):
            instance = expired.pop(int(self.uniform() * len(expired)))
            self._cancel(instance)
            self.cluster.record(self.component, "expired", instance, self.host)

    def _preserve(self, preserves: bool) -> None:
        if preserves != self._preserves:
            self._preserves = preserves
            self.cluster.record(self.component, "preserving" if preserves else "evicting", self.host)

    def _plan_eviction(self, wait_s: float | None = None) -> Timer:
        return self.after(self.settings.evict_s if wait_s is None else wait_s, self._evict)

    def _roll(self) -> None:
        self.renewals.roll()

    def _recount(self) -> None:
        """A real server counts what its own client has fetched from its peers, which is what it knows itself or will
        within half a minute."""
        self.renewals.recount(len(self.leases), self.settings.self_preservation)

    # Answers

    def _known(self) -> Members:
        return tuple(sorted(self.leases, key=self._order.__getitem__))

    def _fetched(self, sender: str) -> Status:
        if self.clock_s < self._opens_s:
            return Status(503)
        if self.settings.response_cache_s is None:
            return Status(200, self._known())
        if self._cached is None:
            self._cached = self._known()
        return Status(200, self._cached)

    def _fill_cache(self) -> None:
        """The cache behind the one that clients read is emptied at each change, so this reads the registry."""
        if self._cached is not None:
            self._cached = self._known()

    # Peers

    def _replicate(self, act: Act) -> None:
        for peer, outbox in self._outboxes.items():
            outbox.append(act)
            if len(outbox) == 1:
                self.after(BATCH_DELAY_S, self._send, peer)

    def _send(self, peer: str) -> None:
        outbox = self._outboxes[peer]
        sent = [act for act in outbox if self.clock_s - act.since_s < REPLICATION_EXPIRY_S]
        outbox[:] = sent
        if not sent:
            return

        def ended(answer: Answer) -> None:
            if answer.outcome != "ok" or answer.message.code != 200:
                self.after(PEER_RETRY_S, self._send, peer)
                return
            del outbox[: outbox.index(sent[-1]) + 1]
            missing = [Act("register", name, self.clock_s) for name in answer.message.unknown if name in self.leases]
            outbox.extend(missing)
            if outbox:
                self.after(BATCH_DELAY_S, self._send, peer)

        self.ask(peer, Replicated(tuple(sent)), ended, PEER_TIMEOUT_S)

    # Beginnings

    def _begin_in_the_middle(self) -> None:
        """As if it had run for long: every lease is where its last renewal left it."""
        settings, now_s = self.settings, self._at.clock.wall()
        for instance, ago_s in self.first.items():
            self.leases[instance] = Lease(settings.lease_s, now_s - ago_s)
            self.leases[instance].renew(now_s - ago_s)
        minute_s = RATE_S * self.uniform()
        into_s = RATE_S - minute_s
        ages = [ago_s + turn * settings.renew_s for ago_s in self.first.values() for turn in _turns(settings.renew_s)]
        self.renewals.current = sum(age_s < into_s for age_s in ages)
        self.renewals.last = sum(into_s <= age_s < into_s + RATE_S for age_s in ages)
        self.renewals.clients = len(self.first)
        self.every(RATE_S, self._roll, first_s=minute_s)
        self._open(self.uniform())
        self._cached = self._known()

    def _sync(self, attempt: int, peers: Sequence[str]) -> None:
        """A server that starts copies what a peer knows, before it answers anybody."""
        if not peers:
            if attempt < SYNC_TRIES and self.peers:
                self.after(SYNC_RETRY_S, self._sync, attempt + 1, self.peers)
            else:
                self.renewals.clients = self.settings.open_for
                self._opens_s = self.clock_s + self.settings.wait_when_empty_s
                self._open(1.0)
            return

        def ended(answer: Answer) -> None:
            if answer.outcome != "ok" or not answer.message.members:
                self._sync(attempt, peers[1:])
                return
            self._copy(answer.message.members)

        self.ask(peers[0], Fetch(), ended, READ_TIMEOUT_S)

    def _copy(self, members: Iterable[str]) -> None:
        now_s = self._at.clock.wall()
        self.leases = {instance: Lease(self.settings.lease_s, now_s) for instance in members}
        self.renewals.clients = len(self.leases)
        self._opens_s = self.clock_s
        self._open(1.0)

    def _open(self, phase: float) -> None:
        self._is_ready = True
        self._evicted_s = self.clock_s - (1.0 - phase) * self.settings.evict_s
        self._plan_eviction(phase * self.settings.evict_s)
        self.every(self.settings.threshold_update_s, self._recount, first_s=phase * self.settings.threshold_update_s)


def _turns(renew_s: float) -> range:
    """Renewals back from the last one that reach over two minutes."""
    return range(int(2 * RATE_S / renew_s) + 2)
