"""Nodes share their cores over instances, instances over bursts: every rate is computed anew at every change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tests.reference.clock import Clock, Timer


def max_min_shares(capacity: float, demands: list[float]) -> list[float]:
    """Max–min fair shares: serve the smallest demands first, each with at most an equal part of what is left."""
    shares = [0.0] * len(demands)
    left = capacity
    by_demand = sorted(range(len(demands)), key=lambda i: demands[i])
    for served, i in enumerate(by_demand):
        shares[i] = min(demands[i], left / (len(demands) - served))
        left -= shares[i]
    return shares


class Burst:
    def __init__(self, work: float, on_finish: Callable[[], None]) -> None:
        self.remaining = work
        """Core-seconds at speed 1."""
        self.rate = 0.0
        self.on_finish = on_finish


class CpuOfInstance:
    """The running set of one instance, in order of joining. An event loop runs one burst; the others are `ready`."""

    def __init__(
        self, node: CpuOfNode, cores: float, one_at_a_time: bool, is_paused: Callable[[], bool] = lambda: False
    ) -> None:
        self.is_paused = is_paused
        self.node = node
        self.cores = cores
        self.one_at_a_time = one_at_a_time
        self.running: list[Burst] = []
        self.ready: list[Burst] = []
        node.instances.append(self)

    def demand(self) -> float:
        return 0.0 if self.is_paused() else min(self.cores, float(len(self.running)))

    def has(self, burst: Burst) -> bool:
        return burst in self.running or burst in self.ready

    def join(self, burst: Burst) -> None:
        self.node.advance()
        self.ready.append(burst)
        self.admit()
        self.node.seen["burst waits for the event loop"] += bool(self.ready)
        self.node.share_out()

    def leave(self, burst: Burst) -> None:
        self.node.advance()
        (self.running if burst in self.running else self.ready).remove(burst)
        self.admit()
        self.node.share_out()

    def admit(self) -> None:
        while self.ready and not (self.one_at_a_time and self.running):
            self.running.append(self.ready.pop(0))


class CpuOfNode:
    def __init__(self, clock: Clock, cores: float, speed: float, seen: Counter[str]) -> None:
        self.clock = clock
        self.cores = cores
        self.speed = speed
        self.factor = 1.0
        """Of all slowdowns in force."""
        self.instances: list[CpuOfInstance] = []
        self.advanced_s = 0.0
        self.next_finish: Timer | None = None
        self.seen = seen

    def advance(self) -> None:
        """Work off what the bursts did since the last change."""
        elapsed_s = self.clock.now - self.advanced_s
        self.advanced_s = self.clock.now
        for instance in self.instances:
            for burst in instance.running:
                burst.remaining = max(0.0, burst.remaining - burst.rate * elapsed_s)

    def share_out(self) -> None:
        """Give every burst its rate and await the first to finish (equal times: the order of joining)."""
        demands = [instance.demand() for instance in self.instances]
        self.seen["node oversubscribed"] += sum(demands) > self.cores and sum(demand > 0 for demand in demands) > 1
        if self.next_finish is not None:
            self.next_finish.cancel()
        self.next_finish = None
        soonest_s, first = float("inf"), None
        for instance, share in zip(self.instances, max_min_shares(self.cores, demands), strict=True):
            for burst in instance.running:
                burst.rate = share / len(instance.running) * self.speed * self.factor
                if burst.rate > 0.0 and burst.remaining / burst.rate < soonest_s:
                    soonest_s, first = burst.remaining / burst.rate, (instance, burst)
        if first is not None:
            instance, burst = first
            self.next_finish = self.clock.after(soonest_s, lambda: self.finish(instance, burst))

    def change(self) -> None:
        """A pause begins or ends."""
        self.advance()
        self.share_out()

    def finish(self, instance: CpuOfInstance, burst: Burst) -> None:
        instance.leave(burst)
        burst.on_finish()
