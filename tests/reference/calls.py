"""Calls: attempts one after the other, each with its pick, its two messages and its timeout."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim.model import Balance, CallPolicy, Retry
from tests.reference.accounts import Edge
from tests.reference.balancing import Balancer
from tests.reference.clock import DELIVERY, TIMEOUT, Timer, Why
from tests.reference.draws import BACKOFF_WORD, BALANCE, NETWORK_OUT, derive, sample, uniform

if TYPE_CHECKING:
    from tests.reference.model import Instance, Simulation, Task


class Client:
    """Who calls: a source, or one life of an instance. Owns the state of its balancers."""

    def __init__(self, simulation: Simulation, zone: str | None, process: Instance | None) -> None:
        self.simulation = simulation
        self.zone = zone
        self.process = process
        self.node = None if process is None else process.node.name
        self.balancers: dict[str, Balancer] = {}

    def is_paused(self) -> bool:
        return self.process is not None and self.process.is_paused()

    def balancer(self, service: str, balance: Balance) -> Balancer:
        identity = f"{service} {balance.policy} {sorted(balance.params.items())}"
        if identity not in self.balancers:
            view = self.simulation.services[service]
            self.balancers[identity] = Balancer(list(view), balance.policy, balance.params)
        return self.balancers[identity]


class Call:
    """One call, from `start` to `on_end`, or until it is stopped."""

    def __init__(
        self,
        client: Client,
        service: str,
        endpoint: str,
        policy: CallPolicy,
        *,
        fresh: int,
        kept: int,
        depth: int,
        edge: Edge,
        on_end: Callable[[str], None],
    ) -> None:
        self.simulation = client.simulation
        self.client = client
        self.service = service
        self.endpoint = endpoint
        self.policy = policy
        self.fresh, self.kept = fresh, kept
        self.depth = depth
        """Of the task that calls; 0 for a source."""
        self.edge = edge
        self.on_end = on_end
        self.attempts = 0
        self.ended = False
        self.attempt: Attempt | None = None
        """The outstanding one."""
        self.back_off: Timer | None = None

    def start(self) -> None:
        self.edge.call_begins()
        if self.depth >= self.simulation.model.run.depth_limit:
            self.end("too_deep")
        else:
            self.try_once()

    def try_again(self) -> None:
        if self.ended:
            return
        if self.client.is_paused():
            self.simulation.report.seen["back-off ends in a pause"] += 1
            self.simulation.clock.hold(lambda: not self.ended and self.client.is_paused(), self.try_again)
        else:
            self.try_once()

    def try_once(self) -> None:
        fresh = derive(self.fresh, self.attempts)
        self.attempts += 1
        self.edge.attempt_begins()
        balancer = self.client.balancer(self.service, self.policy.balance)
        target = balancer.pick(derive(fresh, BALANCE))
        if target is None:
            self.attempt_ended("unavailable", fresh)
        else:
            self.simulation.report.seen[f"pick by {balancer.policy}"] += len(balancer.view) > 1
            self.attempt = Attempt(self, fresh, target, balancer)

    def attempt_ended(self, outcome: str, fresh: int) -> None:
        """Retry after the back-off, if this outcome is retried and attempts are left."""
        self.attempt = None
        self.edge.attempt_ends(outcome)
        retry, seen = self.policy.retry, self.simulation.report.seen
        if retry is None or outcome not in retry.on or self.attempts == retry.attempts:
            seen["retry succeeded"] += self.attempts > 1 and outcome == "ok"
            self.end(outcome)
        else:
            seen[f"retry after {outcome}"] += 1
            seen[f"jitter {retry.jitter}"] += 1
            self.back_off = self.simulation.clock.after(backoff_s(retry, self.attempts, fresh), self.try_again)

    def end(self, outcome: str) -> None:
        self.ended = True
        self.edge.call_ends(outcome)
        self.on_end(outcome)

    def stop(self, why: Why) -> None:
        """The caller is cancelled or killed: the call ends, its back-off with it. Only the cancelled send a message."""
        if self.ended:
            return
        self.ended = True
        self.edge.call_ends("cancelled")
        if self.attempt is not None:
            self.attempt.give_up(cancel=why == "cancelled")
        elif self.back_off is not None:
            self.simulation.report.seen["stopped in a back-off"] += 1
            self.back_off.cancel()


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


class Attempt:
    """One request message and what becomes of it, as the caller sees it."""

    def __init__(self, call: Call, fresh: int, target: Instance, balancer: Balancer) -> None:
        self.call = call
        self.fresh = fresh
        self.target = target
        self.balancer = balancer
        self.waited_for = True
        self.task: Task | None = None
        """The task that it became at the instance."""
        clock, seen = call.simulation.clock, call.simulation.report.seen
        balancer.outstanding[target.name] += 1
        call.edge.messages += 1
        seen["requests in flight at the end"] += 1
        latency = call.simulation.latency_towards(call.client, target)
        self.latency_s = sample(latency, derive(fresh, NETWORK_OUT)) if latency else 0.0
        clock.after(self.latency_s, lambda: target.receive(self))
        if call.policy.timeout_s is not None:
            clock.after(call.policy.timeout_s, lambda: self.conclude("timeout"), TIMEOUT)

    def conclude(self, outcome: str) -> None:
        """A response arrives, or the timeout strikes. Nobody waits for a late response: it is dropped. A paused caller
        sees neither before it goes on, and then the response first."""
        client, simulation = self.call.client, self.call.simulation
        if self.waited_for and client.is_paused():
            simulation.report.seen[f"{'timeout' if outcome == 'timeout' else 'response'} in the caller's pause"] += 1
            priority = TIMEOUT if outcome == "timeout" else DELIVERY
            must_wait = lambda: self.waited_for and client.is_paused()  # noqa: E731
            simulation.clock.hold(must_wait, lambda: self.conclude(outcome), priority)
        elif self.waited_for:
            self.stop_waiting()
            self.call.attempt_ended(outcome, self.fresh)
        elif outcome != "timeout":
            self.call.simulation.report.seen["late response dropped"] += 1

    def give_up(self, cancel: bool) -> None:
        self.stop_waiting()
        self.call.edge.attempt_ends("cancelled")
        if cancel:
            self.call.simulation.clock.after(self.latency_s, lambda: self.target.receive_cancel(self))

    def stop_waiting(self) -> None:
        self.waited_for = False
        self.balancer.outstanding[self.target.name] -= 1
