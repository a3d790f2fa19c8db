"""Calls: attempts one after the other, each with its pick, its two messages and its timeout."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.model import Balance, CallPolicy, Retry
from tests.reference.accounts import Edge
from tests.reference.balancing import Balancer
from tests.reference.clock import TIMEOUT, Fiber, Stopped
from tests.reference.draws import BACKOFF_WORD, BALANCE, NETWORK_OUT, derive, sample, uniform

if TYPE_CHECKING:
    from tests.reference.model import Instance, Simulation, Task


class Client:
    """Who calls: a source, or one life of an instance. Owns the state of its balancers."""

    def __init__(self, simulation: Simulation, zone: str | None, node: str | None) -> None:
        self.simulation = simulation
        self.zone = zone
        self.node = node
        self.balancers: dict[str, Balancer] = {}

    def balancer(self, service: str, balance: Balance) -> Balancer:
        identity = f"{service} {balance.policy} {sorted(balance.params.items())}"
        if identity not in self.balancers:
            view = self.simulation.services[service]
            self.balancers[identity] = Balancer(list(view), balance.policy, balance.params)
        return self.balancers[identity]


@dataclass
class Call:
    client: Client
    service: str
    endpoint: str
    policy: CallPolicy
    fresh: int
    kept: int
    depth: int
    """Of the task that calls; 0 for a source."""
    edge: Edge
    attempts: int = 0


class Attempt:
    """One request message and what became of it, as the caller sees it."""

    def __init__(self, call: Call, fresh: int, target: Instance, fiber: Fiber) -> None:
        self.call = call
        self.fresh = fresh
        self.target = target
        self.fiber = fiber
        self.waited_for = True
        self.task: Task | None = None
        """The task that it became at the instance."""

    def conclude(self, outcome: str) -> None:
        """A response arrives, or the timeout strikes. Nobody waits for a late response: it is dropped."""
        if self.waited_for:
            self.waited_for = False
            self.fiber.resume(outcome)
        else:
            self.call.client.simulation.report.seen["late response dropped"] += 1


def make_call(simulation: Simulation, fiber: Fiber, call: Call) -> Generator[None, str, str]:
    """Run one call to its outcome."""
    call.edge.call_begins()
    try:
        outcome = yield from attempts(simulation, fiber, call)
    except Stopped:
        call.edge.call_ends("cancelled")
        raise
    call.edge.call_ends(outcome)
    return outcome


def attempts(simulation: Simulation, fiber: Fiber, call: Call) -> Generator[None, str, str]:
    if call.depth >= simulation.model.run.depth_limit:
        return "too_deep"
    retry = call.policy.retry
    while True:
        fresh = derive(call.fresh, call.attempts)
        call.attempts += 1
        outcome = yield from make_attempt(simulation, fiber, call, fresh)
        if retry is None or outcome not in retry.on or call.attempts == retry.attempts:
            simulation.report.seen["retry succeeded"] += call.attempts > 1 and outcome == "ok"
            return outcome
        simulation.report.seen[f"retry after {outcome}"] += 1
        simulation.report.seen[f"jitter {retry.jitter}"] += 1
        yield from sleep(simulation, fiber, backoff_s(retry, call.attempts, fresh))


def backoff_s(retry: Retry, n: int, fresh: int) -> float:
    """The wait before retry n = 1, 2, …; the jitter is a word of the failed attempt's key."""
    base_s = min(retry.max_s, retry.initial_s * retry.factor ** (n - 1))
    u = uniform(fresh, BACKOFF_WORD)
    match retry.jitter:
        case "none":
            return base_s
        case "full":
            return u * base_s
        case "equal":
            return base_s / 2 + u * base_s / 2


def sleep(simulation: Simulation, fiber: Fiber, wait_s: float) -> Generator[None, str, None]:
    timer = simulation.clock.after(wait_s, fiber.resume)
    try:
        yield
    except Stopped:
        timer.cancel()
        simulation.report.seen["stopped in a wait"] += 1
        raise


def make_attempt(simulation: Simulation, fiber: Fiber, call: Call, fresh: int) -> Generator[None, str, str]:
    clock, edge = simulation.clock, call.edge
    edge.attempt_begins()
    balancer = call.client.balancer(call.service, call.policy.balance)
    target = balancer.pick(derive(fresh, BALANCE))
    if target is None:
        edge.attempt_ends("unavailable")
        return "unavailable"

    simulation.report.seen[f"pick by {balancer.policy}"] += len(balancer.view) > 1
    attempt = Attempt(call, fresh, target, fiber)
    latency = simulation.latency_towards(call.client, target)
    latency_s = sample(latency, derive(fresh, NETWORK_OUT)) if latency else 0.0
    balancer.outstanding[target.name] += 1
    edge.messages += 1
    simulation.report.seen["requests in flight at the end"] += 1
    clock.after(latency_s, lambda: target.receive(attempt))
    timeout = None
    if call.policy.timeout_s is not None:
        timeout = clock.after(call.policy.timeout_s, lambda: attempt.conclude("timeout"), TIMEOUT)

    def over(outcome: str) -> None:
        attempt.waited_for = False
        balancer.outstanding[target.name] -= 1
        edge.attempt_ends(outcome)
        if timeout is not None:
            timeout.cancel()

    try:
        outcome = yield
    except Stopped as stop:
        over("cancelled")
        if stop.why == "cancelled":
            clock.after(latency_s, lambda: target.receive_cancel(attempt))
        raise
    over(outcome)
    return outcome
