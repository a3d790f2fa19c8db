"""Wrong versions of the reference: each breaks one sentence of docs/semantics.md.

They measure how sharp the random models are: what no model can tell apart in the reference, no model can tell apart in
the engine either. Each takes pytest's `monkeypatch` and leaves its mistake behind.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from heapq import heappush
from itertools import count
from typing import Any

import simpy

from tests.reference import balancing, calls, clock, model, processor, steps
from tests.reference.draws import NETWORK_OUT, derive, uniform

MUTANTS: dict[str, Callable[[Any], None]] = {}


def mutant(plant: Callable[[Any], None]) -> Callable[[Any], None]:
    MUTANTS[plant.__name__] = plant
    return plant


@mutant
def node_splits_evenly_and_wastes_the_rest(patch: Any) -> None:
    def shares(capacity: float, demands: list[float]) -> list[float]:
        return [min(demand, capacity / max(1, sum(d > 0 for d in demands))) for demand in demands]

    patch.setattr(processor, "max_min_shares", shares)


@mutant
def instances_ignore_their_cap(patch: Any) -> None:
    patch.setattr(processor.CpuOfInstance, "demand", lambda self: float(len(self.running)))


@mutant
def nodes_ignore_their_speed(patch: Any) -> None:
    patch.setattr(processor.CpuOfNode, "speed", property(lambda self: 1.0, lambda self, speed: None), raising=False)


@mutant
def event_loop_shares(patch: Any) -> None:
    def admit(self: processor.CpuOfInstance) -> None:
        self.running += self.ready
        self.ready = []

    patch.setattr(processor.CpuOfInstance, "admit", admit)


@mutant
def event_loop_takes_the_last(patch: Any) -> None:
    def admit(self: processor.CpuOfInstance) -> None:
        while self.ready and not (self.one_at_a_time and self.running):
            self.running.append(self.ready.pop())

    patch.setattr(processor.CpuOfInstance, "admit", admit)


@mutant
def queue_takes_the_last(patch: Any) -> None:
    def end(self: model.Instance, task: model.Task, how: str) -> None:
        self.queue.reverse()
        original(self, task, how)
        self.queue.reverse()

    original = model.Instance.end
    patch.setattr(model.Instance, "end", end)


@mutant
def queue_holds_one_more(patch: Any) -> None:
    def accept(self: model.Instance, task: model.Task) -> None:
        full = isinstance(self.concurrency, model.Threads) and len(self.queue) == self.concurrency.queue
        if full and self.busy_workers() == self.concurrency.workers:
            self.tasks.append(task)
            self.queue.append(task)
        else:
            original(self, task)

    original = model.Instance.accept
    patch.setattr(model.Instance, "accept", accept)


@mutant
def timeout_stops_the_callee(patch: Any) -> None:
    def conclude(self: calls.Attempt, outcome: str) -> None:
        if outcome == "timeout" and self.waited_for:
            self.target.receive_cancel(self)
        original(self, outcome)

    original = calls.Attempt.conclude
    patch.setattr(calls.Attempt, "conclude", conclude)


@mutant
def node_crash_resets(patch: Any) -> None:
    original = model.Instance.die
    patch.setattr(model.Instance, "die", lambda self, answering: original(self, True))


@mutant
def instance_crash_is_silent(patch: Any) -> None:
    original = model.Instance.die
    patch.setattr(model.Instance, "die", lambda self, answering: original(self, False))


@mutant
def crash_spares_the_queue(patch: Any) -> None:
    def die(self: model.Instance, answering: bool) -> None:
        spared, self.tasks = self.queue, [task for task in self.tasks if task.handler]
        original(self, answering)
        self.tasks, self.queue = list(spared), spared

    original = model.Instance.die
    patch.setattr(model.Instance, "die", die)


@mutant
def faults_do_not_nest(patch: Any) -> None:
    for target in (model.Instance, model.Node):
        patch.setattr(target, "recover", lambda self: setattr(self, "faults", 0))


@mutant
def a_paused_process_computes_on(patch: Any) -> None:
    patch.setattr(processor.CpuOfInstance, "demand", lambda self: min(self.cores, float(len(self.running))))


@mutant
def a_pause_of_a_node_is_none_of_its_processes(patch: Any) -> None:
    patch.setattr(model.Instance, "is_paused", lambda self: self.pauses > 0)


@mutant
def a_paused_process_takes_requests(patch: Any) -> None:
    patch.setattr(model.Instance, "cannot_receive", lambda self: False)


@mutant
def timeouts_of_a_paused_caller_are_lost(patch: Any) -> None:
    def conclude(self: calls.Attempt, outcome: str) -> None:
        if outcome != "timeout" or not self.call.client.is_paused():
            original(self, outcome)

    original = calls.Attempt.conclude
    patch.setattr(calls.Attempt, "conclude", conclude)


@mutant
def a_crash_leaves_what_waits_for_a_paused_process(patch: Any) -> None:
    patch.setattr(model.Instance, "cannot_receive", lambda self: self.is_paused() and not self.node.faults)


@mutant
def a_slowdown_lasts(patch: Any) -> None:
    original = model.Node.slow
    patch.setattr(model.Node, "slow", lambda self, factor: original(self, factor) if factor < 1.0 else None)


@mutant
def balancers_survive_their_client(patch: Any) -> None:
    def start_empty(self: model.Instance) -> None:
        client = getattr(self, "client", None)
        original(self)
        self.client = client or self.client

    original = model.Instance.start_empty
    patch.setattr(model.Instance, "start_empty", start_empty)


@mutant
def retries_repeat_their_draws(patch: Any) -> None:
    patch.setattr(calls, "derive", lambda key, salt: derive(key, 0 if salt < 10 else salt))


@mutant
def kept_draws_are_fresh(patch: Any) -> None:
    def init(self: model.Task, instance: model.Instance, attempt: calls.Attempt) -> None:
        original(self, instance, attempt)
        self.kept = attempt.fresh

    original = model.Task.__init__
    patch.setattr(model.Task, "__init__", init)


@mutant
def loop_turns_repeat_their_draws(patch: Any) -> None:
    original = steps.step_key
    patch.setattr(steps, "step_key", lambda key, path, visit: original(key, path, 0))


@mutant
def depth_counts_from_two(patch: Any) -> None:
    def init(self: model.Task, instance: model.Instance, attempt: calls.Attempt) -> None:
        original(self, instance, attempt)
        self.depth = max(2, self.depth)

    original = model.Task.__init__
    patch.setattr(model.Task, "__init__", init)


@mutant
def back_off_grows_one_retry_early(patch: Any) -> None:
    original = calls.backoff_s
    patch.setattr(calls, "backoff_s", lambda retry, n, fresh: original(retry, n + 1, fresh))


@mutant
def join_waits_for_all(patch: Any) -> None:
    patch.setattr(steps.Join, "decided", lambda self: self.succeeded + self.failed == self.need + self.spare)


@mutant
def join_fails_at_the_first_failure(patch: Any) -> None:
    patch.setattr(steps.Join, "decided", lambda self: self.succeeded >= self.need or self.failed > 0)


@mutant
def cancel_messages_are_lost(patch: Any) -> None:
    patch.setattr(model.Instance, "receive_cancel", lambda self, attempt: None)


@mutant
def cancel_messages_miss_the_queue(patch: Any) -> None:
    def receive_cancel(self: model.Instance, attempt: calls.Attempt) -> None:
        if attempt.task is None or attempt.task not in self.queue:
            original(self, attempt)

    original = model.Instance.receive_cancel
    patch.setattr(model.Instance, "receive_cancel", receive_cancel)


@mutant
def a_cancelled_task_keeps_its_worker(patch: Any) -> None:
    def receive_cancel(self: model.Instance, attempt: calls.Attempt) -> None:
        if attempt.task in self.tasks and attempt.task.handler is not None:
            attempt.task.handler.stop("cancelled")
        else:
            original(self, attempt)

    original = model.Instance.receive_cancel
    patch.setattr(model.Instance, "receive_cancel", receive_cancel)


@mutant
def dead_hosts_refuse(patch: Any) -> None:
    def receive(self: model.Instance, attempt: calls.Attempt) -> None:
        if self.node.faults:
            self.answer(attempt, "refused")
        else:
            original(self, attempt)

    original = model.Instance.receive
    patch.setattr(model.Instance, "receive", receive)


@mutant
def handler_takes_its_branches_along(patch: Any) -> None:
    def end(self: model.Instance, task: model.Task, how: str) -> None:
        for fiber in task.left_behind:
            fiber.stop("cancelled")
        original(self, task, how)

    original = model.Instance.end
    patch.setattr(model.Instance, "end", end)


@mutant
def responses_draw_the_requests_latency(patch: Any) -> None:
    patch.setattr(model, "NETWORK_BACK", NETWORK_OUT)


@mutant
def responses_take_the_requests_way(patch: Any) -> None:
    patch.setattr(
        model.Simulation, "latency_back", lambda self, instance, client: self.latency_towards(client, instance)
    )


@mutant
def one_node_is_one_zone(patch: Any) -> None:
    original = model.Simulation.latency
    patch.setattr(
        model.Simulation, "latency", lambda self, sender, receiver, one_node: original(self, sender, receiver, False)
    )


@mutant
def round_robin_starts_at_the_second(patch: Any) -> None:
    def round_robin(self: balancing.Balancer, key: int) -> int:
        self.cursor += 1
        return self.cursor % len(self.view)

    patch.setattr(balancing.Balancer, "round_robin", round_robin)


@mutant
def outstanding_never_falls(patch: Any) -> None:
    class Rising(Counter[str]):
        def __setitem__(self, name: str, count: int) -> None:
            if count > self[name]:
                super().__setitem__(name, count)

    patch.setattr(balancing, "Counter", Rising)


@mutant
def least_outstanding_takes_the_first_tied(patch: Any) -> None:
    patch.setattr(balancing.Balancer, "least_outstanding", lambda self, key: min(range(len(self.view)), key=self.load))


@mutant
def power_of_two_draws_with_replacement(patch: Any) -> None:
    def power_of_two(self: balancing.Balancer, key: int) -> int:
        drawn = [int(uniform(key, k) * len(self.view)) for k in range(self.params["choices"])]
        return min(drawn, key=self.load)

    patch.setattr(balancing.Balancer, "power_of_two", power_of_two)


@mutant
def weighted_round_robin_goes_in_blocks(patch: Any) -> None:
    def weighted_round_robin(self: balancing.Balancer, key: int) -> int:
        blocks = [position for position, weight in enumerate(self.params["weights"]) for _ in range(int(weight))]
        self.cursor += 1
        return blocks[(self.cursor - 1) % len(blocks)]

    patch.setattr(balancing.Balancer, "weighted_round_robin", weighted_round_robin)


TIE_MUTANTS: dict[str, Callable[[Any], None]] = {}
"""Wrong orders of equal times: only models with ties can tell them."""


def tie_mutant(plant: Callable[[Any], None]) -> Callable[[Any], None]:
    TIE_MUTANTS[plant.__name__] = plant
    return plant


@tie_mutant
def timeouts_come_before_deliveries(patch: Any) -> None:
    patch.setattr(calls, "TIMEOUT", clock.CONTROL)


@tie_mutant
def the_youngest_event_comes_first(patch: Any) -> None:
    """But for those that were due at once."""

    def schedule(self: simpy.Environment, event: simpy.Event, priority: Any = 1, delay: float = 0) -> None:
        at_once = delay == 0
        heappush(self._queue, (self.now + delay, priority, next(older if at_once else younger), event))

    older, younger = count(0), count(-1, -1)
    patch.setattr(simpy.Environment, "schedule", schedule)


def wakes_late(patch: Any, which: Callable[[clock.Fiber, Any], bool]) -> None:
    """Some fibers go on one event later than they should."""

    def wake(self: clock.Fiber, value: Any = None) -> None:
        if which(self, value):
            self.clock.after(0.0, lambda: original(self, value))
        else:
            original(self, value)

    original = clock.Fiber.wake
    patch.setattr(clock.Fiber, "wake", wake)


@tie_mutant
def handlers_and_branches_start_late(patch: Any) -> None:
    wakes_late(patch, lambda fiber, value: inspect.getgeneratorstate(fiber.body) == inspect.GEN_CREATED)


@tie_mutant
def callers_go_on_late(patch: Any) -> None:
    wakes_late(patch, lambda fiber, outcome: outcome is not None)


@tie_mutant
def answers_leave_before_the_worker_is_free(patch: Any) -> None:
    def end(self: model.Instance, task: model.Task, how: str) -> None:
        if how in ("ok", "error"):
            self.answer(task.attempt, how)
        original(self, task, how)

    original = model.Instance.end
    patch.setattr(model.Instance, "end", end)


@tie_mutant
def a_crash_resets_the_last_first(patch: Any) -> None:
    def die(self: model.Instance, answering: bool) -> None:
        self.tasks.reverse()
        original(self, answering)

    original = model.Instance.die
    patch.setattr(model.Instance, "die", die)
