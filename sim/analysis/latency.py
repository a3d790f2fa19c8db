"""Times at no contention: how long a handler and a request take when they have every core and worker to themselves.

Queues are empty and cores free; messages take the network's latency, a burst runs at its node's speed (but never on
more than one core, nor on more than the instance's share of one), a call that fails by design is tried again after its
back-off. Instances are met as often as the balancing policy would at low load.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.analysis.disks import operation_time
from sim.analysis.failing import EndpointName, FailingOf, failing_step, failing_steps
from sim.analysis.moments import Moments, kth, mixed
from sim.analysis.spread import shares
from sim.analysis.wires import Wires
from sim.model import CallPolicy, Disk, EventLoop, Model, Retry, Service, Source
from sim.steps.call import Call
from sim.steps.choose import Choose
from sim.steps.cpu import Cpu
from sim.steps.disk import DiskOperation
from sim.steps.io import Io
from sim.steps.lock import Lock
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat

MOST_ROUNDS = 200
SETTLED = 1e-9
"""Calls that go in circles are followed until no mean changes by more than this share of it."""
NEGLIGIBLE = 1e-15


@dataclass(frozen=True, slots=True)
class Seats:
    """Where instances (or the one client of a source) are: arrays with an entry an instance."""

    site: np.ndarray
    """Its number in the `Wires`; -1: at the callee's door, no network."""
    node: np.ndarray
    """Number of the node; -1: on none."""
    burst_s: np.ndarray
    """Seconds that a core-second takes."""
    disks: tuple[Disk | None, ...] = ()
    """Of their nodes."""


class NoContention:
    """Residence times of all endpoints and latencies of calls. `residence` holds, an endpoint, the Moments of its
    handler's time on each instance of its service."""

    def __init__(self, model: Model, failing: FailingOf) -> None:
        self.failing = failing
        self.wires = Wires(model)
        self.same_node = model.network.same_node
        self.sizes = {
            (s.name, e.name): (e.request_bytes, e.response_bytes) for s in model.services for e in s.endpoints
        }
        """Bytes of requests and responses."""
        self.seats = {service.name: self._seats(service, model) for service in model.services}
        programs = {(s.name, e.name): e.steps for s in model.services for e in s.endpoints}
        self.residence = {name: Moments.zero(len(self.seats[name[0]].site)) for name in programs}
        self._settle(programs)

    def latency(self, source: Source, mix: Mapping[EndpointName, float]) -> Moments:
        """Of a request of the source, shape (1,)."""
        client = self.client(source)
        return mixed(list(mix.values()), [self._call(client, target, source.policy) for target in mix])

    def client(self, source: Source) -> Seats:
        """Where a source's requests come from."""
        site = -1 if source.zone is None else self.wires.number[source.zone]
        return Seats(np.array([site]), np.array([-1]), np.ones(1))

    def attempt(self, caller: Seats, callee: EndpointName, policy: CallPolicy) -> Moments:
        """From an attempt's start to its answer, for each of the caller's instances."""
        to = self.seats[callee[0]]
        weights = shares(policy.balance, len(to.site))
        request_bytes, response_bytes = self.sizes[callee]
        away, back = self._hop(caller, to, request_bytes), self._hop(to, caller, response_bytes)
        residence = self.residence[callee]
        mean = away[0] + residence.mean + back[0].T
        variance = away[1] + residence.variance + back[1].T
        return Moments(mean @ weights, (variance + mean**2) @ weights)

    def _settle(self, programs: Mapping[EndpointName, Sequence[Any]]) -> None:
        """One round suffices where callees stand before their callers; circles take more."""
        order = _callees_first(programs)
        for _ in range(MOST_ROUNDS):
            before = {name: self.residence[name].mean for name in order}
            for name in order:
                self.residence[name] = self._steps(programs[name], self.seats[name[0]])
            if all(np.allclose(self.residence[n].mean, before[n], rtol=SETTLED, atol=0.0) for n in order):
                return

    def _steps(self, steps: Sequence[Any], seats: Seats) -> Moments:
        rest = Moments.zero(len(seats.site))
        for step in reversed(steps):
            rest = self._step(step, seats).then(rest, 1.0 - failing_step(step, self.failing).share)
        return rest

    def _step(self, step: Any, seats: Seats) -> Moments:
        match step:
            case Cpu():
                return Moments.of(step.work.mean(), step.work.variance(), seats.burst_s)
            case Io():
                return Moments.of(step.wait.mean(), step.wait.variance(), np.ones(len(seats.site)))
            case DiskOperation():
                return operation_time(step, seats.disks)
            case Call():
                return self._call(seats, (step.service, step.endpoint), step.policy)
            case Parallel():
                return kth([self._steps(branch, seats) for branch in step.branches], step.need)
            case Choose():
                return mixed(step.weights, [self._steps(branch, seats) for branch in step.branches])
            case Repeat():
                goes_on = 1.0 - failing_steps(step.steps, self.failing).share
                return _chain(self._steps(step.steps, seats), None, goes_on, step.times)
            case Lock():
                return self._steps(step.steps, seats)
            case _:
                return Moments.zero(len(seats.site))

    def _call(self, caller: Seats, callee: EndpointName, policy: CallPolicy) -> Moments:
        attempt, retry = self.attempt(caller, callee, policy), policy.retry
        if retry is None or "error" not in retry.on:
            return attempt
        failing = self.failing[callee]
        mended = _chain(attempt, retry, failing.passing, retry.attempts)
        if failing.lasting == 0.0:
            return mended
        lasting = _chain(attempt, retry, 1.0, retry.attempts)
        return mixed((1.0 - failing.lasting, failing.lasting), (mended, lasting))

    def _seats(self, service: Service, model: Model) -> Seats:
        nodes = {node.name: (number, node) for number, node in enumerate(model.nodes)}
        rows = []
        for instance in service.instances:
            number, node = nodes[instance.node]
            speed = min(1.0, instance.cores, node.cores) * node.speed
            rows.append((self.wires.number[node.site], number, 1.0 / speed))
        site, number_of, burst_s = zip(*rows, strict=True)
        disks = tuple(model.nodes[number].disk for number in number_of)
        return Seats(np.array(site), np.array(number_of), np.array(burst_s), disks)

    def _hop(self, sender: Seats, receiver: Seats, size_bytes: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of a message's time on its way, shape (senders, receivers)."""
        way = self.wires.way(sender.site, receiver.site)
        outside = (sender.site[:, None] < 0) | (receiver.site[None, :] < 0)
        mean = np.where(outside, 0.0, way.mean_s + 8.0 * size_bytes * way.s_per_bit)
        variance = np.where(outside, 0.0, way.variance_s2)
        if self.same_node is not None:
            same = on_one_node(sender, receiver)
            mean = np.where(same, self.same_node.mean(), mean)
            variance = np.where(same, self.same_node.variance(), variance)
        return mean, variance


def on_one_node(sender: Seats, receiver: Seats) -> np.ndarray:
    """Mask of shape (senders, receivers)."""
    return np.asarray((sender.node[:, None] == receiver.node[None, :]) & (sender.node[:, None] >= 0))


def cores_of(service: Service, cores: float) -> float:
    """What an instance may use of its node: an event loop at most one core."""
    return min(1.0, cores) if isinstance(service.concurrency, EventLoop) else cores


def _chain(once: Moments, retry: Retry | None, again: float, most: int) -> Moments:
    """Up to `most` rounds, each followed by another with probability `again`, after the retry's back-off if any."""
    if again == 1.0 and retry is None:
        return Moments(most * once.mean, most * once.variance + (most * once.mean) ** 2)
    rounds = most
    if again < 1.0:
        rounds = 1 if again == 0.0 else min(most, int(math.log(NEGLIGIBLE) / math.log(again)) + 1)
    total = once
    for number in range(rounds - 1, 0, -1):
        wait = Moments.zero(len(once.mean)) if retry is None else _backoff(retry, number, len(once.mean))
        total = once.then(wait.then(total), again)
    return total


def _backoff(retry: Retry, number: int, count: int) -> Moments:
    """The wait before retry `number` (1, 2 …), for `count` callers."""
    grown = math.log(retry.initial_s) + (number - 1) * math.log(retry.factor)
    base = math.exp(grown) if grown < math.log(retry.max_s) else retry.max_s
    mean, variance = {
        "none": (base, 0.0),
        "full": (base / 2.0, base**2 / 12.0),
        "equal": (0.75 * base, base**2 / 48.0),
    }[retry.jitter]
    return Moments.of(mean, variance, np.ones(count))


def _callees_first(programs: Mapping[EndpointName, Sequence[Any]]) -> list[EndpointName]:
    """The endpoints in an order in which callees stand before callers, as far as there are no circles."""
    order: dict[EndpointName, None] = {}
    seen: set[EndpointName] = set()
    for root in programs:
        stack = [(root, iter(_called(programs[root])))] if root not in seen else []
        seen.add(root)
        while stack:
            name, callees = stack[-1]
            following = next((callee for callee in callees if callee not in seen), None)
            if following is None:
                order[name] = None
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(_called(programs[following]))))
    return list(order)


def _called(steps: Sequence[Any]) -> list[EndpointName]:
    found: list[EndpointName] = []
    for step in steps:
        match step:
            case Call():
                found.append((step.service, step.endpoint))
            case Parallel() | Choose():
                found += [name for branch in step.branches for name in _called(branch)]
            case Repeat() | Lock():
                found += _called(step.steps)
    return found
