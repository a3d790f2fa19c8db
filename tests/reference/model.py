"""The reference: docs/semantics.md as plain objects on a SimPy clock. Slow and obvious; never used by the engine.

It covers everything but `behaviour`. Sources are traces and closed users, distributions constant, exponential and
uniform: what a draw's position means is checked here, what the samplers compute is checked elsewhere.
Sources go on until the end of the drain, and every request is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sim.distributions import Distribution
from sim.failures import Crash, Pause, Slow
from sim.model import Concurrency, Endpoint, EventLoop, Fault, Model, Source, Threads
from sim.model import Instance as InstanceModel
from sim.model import Node as NodeModel
from sim.traffic import Closed, Trace
from tests.reference.accounts import Arrivals, Report, Row
from tests.reference.calls import Attempt, Call, Client
from tests.reference.clock import CONTROL, Clock, Fiber
from tests.reference.draws import MIX_WORD, NETWORK_BACK, THINK, choice, derive, sample, stream_key, uniform
from tests.reference.processor import CpuOfInstance, CpuOfNode
from tests.reference.steps import run_steps


def simulate(model: Model, replication: int = 0) -> list[Row]:
    """What became of every request, in order of source and index."""
    return report(model, replication).rows


def report(model: Model, replication: int = 0) -> Report:
    """The rows, with the counters of every call edge and instance."""
    simulation = Simulation(model, replication)
    simulation.clock.run_until(model.run.duration_s + model.run.drain_s)
    simulation.report.rows.sort(key=lambda row: (row.source, row.index))
    return simulation.report


class Simulation:
    def __init__(self, model: Model, replication: int) -> None:
        self.model = model
        self.clock = Clock()
        self.report = Report()
        self.nodes = {node.name: Node(self, node) for node in model.nodes}
        self.services = {
            service.name: [Instance(self, service.name, service.concurrency, one) for one in service.instances]
            for service in model.services
        }
        self.instances = {one.name: one for instances in self.services.values() for one in instances}
        self.endpoints: dict[tuple[str, str], Endpoint] = {
            (service.name, endpoint.name): endpoint for service in model.services for endpoint in service.endpoints
        }
        for fault in model.faults:
            target = self.nodes[fault.target] if fault.target_kind == "node" else self.instances[fault.target]
            begin, end = acts_of(fault, target)
            self.clock.after(fault.when.at_s, begin, CONTROL)
            if fault.when.for_s is not None:
                self.clock.after(fault.when.at_s + fault.when.for_s, end, CONTROL)
        for source in model.sources:
            Traffic(self, source, stream_key(model.run.seed, replication, f"source:{source.name}"))

    def latency_towards(self, client: Client, instance: Instance) -> Distribution | None:
        return self.latency(client.zone, instance.node.zone, client.node == instance.node.name)

    def latency_back(self, instance: Instance, client: Client) -> Distribution | None:
        return self.latency(instance.node.zone, client.zone, client.node == instance.node.name)

    def latency(self, sender: str | None, receiver: str | None, one_node: bool) -> Distribution | None:
        """None is no time at all: a source without a zone, or a pair of zones that is not listed."""
        network = self.model.network
        if one_node and network.same_node is not None:
            return network.same_node
        if sender is None or receiver is None:
            return None
        link = network.links.get((sender, receiver))
        return link.latency if link else None


def acts_of(fault: Fault, target: Node | Instance) -> tuple[Callable[[], None], Callable[[], None]]:
    """How a fault begins, and how it ends."""
    match fault:
        case Crash():
            return target.crash, target.recover
        case Pause():
            return lambda: target.pause(1), lambda: target.pause(-1)
        case Slow():
            assert isinstance(target, Node)
            return lambda: target.slow(fault.factor), lambda: target.slow(1.0 / fault.factor)
    raise NotImplementedError(f"the reference does not know {fault!r}")


class Traffic:
    """One source: a client that creates requests."""

    def __init__(self, simulation: Simulation, source: Source, key: int) -> None:
        self.simulation = simulation
        self.source = source
        self.key = key
        self.client = Client(simulation, source.zone, process=None)
        arrivals = source.arrivals
        match arrivals:
            case Trace():
                assert arrivals.endpoints is None and arrivals.keys is None, "of a trace, only the times"
                for index, time_s in enumerate(arrivals.times_s):
                    simulation.clock.after(float(time_s), partial(self.request, index, derive(key, index)))
            case Closed():
                for user in range(arrivals.users):
                    self.think(user, 0, arrivals)
            case _:
                raise NotImplementedError(f"the reference does not know {arrivals!r}")

    def think(self, user: int, cycle: int, arrivals: Closed) -> None:
        """A user thinks, asks, waits for the outcome whatever it is, and thinks again."""
        key = derive(derive(self.key, user), cycle)

        def ask() -> None:
            self.request(cycle * arrivals.users + user, key, then=lambda: self.think(user, cycle + 1, arrivals))

        self.simulation.clock.after(sample(arrivals.think, derive(key, THINK)), ask)

    def request(self, index: int, key: int, then: Callable[[], None] | None = None) -> None:
        simulation, clock = self.simulation, self.simulation.clock
        targets = self.source.targets
        target = targets[choice(uniform(key, MIX_WORD), tuple(one.weight for one in targets))]
        endpoint = f"{target.service}.{target.endpoint}"
        row = Row(self.source.name, index, endpoint, intended_s=clock.now)
        simulation.report.rows.append(row)

        def ended(outcome: str) -> None:
            row.outcome, row.finished_s, row.attempts = outcome, clock.now, call.attempts
            if then is not None:
                then()

        edge = simulation.report.edge(self.source.name, endpoint)
        call = Call(
            self.client,
            target.service,
            target.endpoint,
            self.source.policy,
            fresh=key,
            kept=key,
            depth=0,
            edge=edge,
            on_end=ended,
        )
        call.start()


class Node:
    """A host."""

    def __init__(self, simulation: Simulation, model: NodeModel) -> None:
        self.name = model.name
        self.zone = model.zone
        self.seen = simulation.report.seen
        self.clock = simulation.clock
        self.cpu = CpuOfNode(simulation.clock, model.cores, model.speed, self.seen)
        self.instances: list[Instance] = []
        self.faults = 0
        """How many crash faults hold it down now."""
        self.pauses = 0

    def slow(self, factor: float) -> None:
        self.seen["slow in a pause"] += self.pauses > 0
        self.seen["slowed twice"] += self.cpu.factor < 1.0 and factor < 1.0
        self.cpu.advance()
        self.cpu.factor *= factor
        self.cpu.share_out()

    def pause(self, by: int) -> None:
        """One pause more or fewer in force."""
        self.pauses += by
        self.cpu.change()
        self.clock.release()

    def crash(self) -> None:
        self.seen["overlapping node crashes"] += self.faults > 0
        self.faults += 1
        for instance in self.instances:
            instance.die(answering=False)
        self.clock.release()

    def recover(self) -> None:
        self.faults -= 1


class Task:
    """A request that has reached a living process."""

    def __init__(self, instance: Instance, attempt: Attempt) -> None:
        self.simulation = instance.simulation
        self.instance = instance
        self.attempt = attempt
        self.fresh = attempt.fresh
        self.kept = derive(attempt.call.kept, 0)
        self.depth = attempt.call.depth + 1
        self.handler: Fiber | None = None
        """None while it waits in the queue."""
        self.left_behind: list[Fiber] = []
        """Branches that a decided `parallel` left running: for coverage only."""


class Instance:
    """A process of a service on a node."""

    def __init__(self, simulation: Simulation, service: str, concurrency: Concurrency, model: InstanceModel) -> None:
        self.simulation = simulation
        self.service = service
        self.name = model.name
        self.concurrency = concurrency
        self.node = simulation.nodes[model.node]
        self.node.instances.append(self)
        self.cpu = CpuOfInstance(
            self.node.cpu,
            min(1.0, model.cores) if isinstance(concurrency, EventLoop) else model.cores,
            one_at_a_time=isinstance(concurrency, EventLoop),
            is_paused=self.is_paused,
        )
        self.faults = 0
        """How many crash faults of its own hold it down now; its node may be down besides."""
        self.pauses = 0
        """How many pauses of its own are in force; its node may be paused besides."""
        self.counts = simulation.report.instances[self.name] = Arrivals()
        self.start_empty()

    def start_empty(self) -> None:
        self.client = Client(self.simulation, self.node.zone, self)
        self.tasks: list[Task] = []
        """Those whose handler has not ended, the queue included, in order of arrival."""
        self.queue: list[Task] = []
        self.fibers: list[Fiber] = []

    def new_fiber(self, visit: int) -> Fiber:
        fiber = Fiber(self.simulation.clock, self, visit)
        self.fibers.append(fiber)
        return fiber

    # Pauses

    def is_paused(self) -> bool:
        return self.pauses > 0 or self.node.pauses > 0

    def pause(self, by: int) -> None:
        """One pause more or fewer in force."""
        seen = self.simulation.report.seen
        seen["overlapping pauses"] += by > 0 and self.is_paused()
        seen["pause of a dead process"] += by > 0 and (self.faults > 0 or self.node.faults > 0)
        self.pauses += by
        self.node.cpu.change()
        self.simulation.clock.release()

    def cannot_receive(self) -> bool:
        """Must a request that arrives wait? A dead host loses it; a dead process refuses it, if its host runs."""
        if self.node.faults or (self.faults and not self.node.pauses):
            return False
        return self.is_paused()

    # Messages

    def receive(self, attempt: Attempt) -> None:
        seen = self.simulation.report.seen
        if self.cannot_receive():
            seen["request arrives in a pause"] += 1
            self.simulation.clock.hold(self.cannot_receive, lambda: self.receive(attempt))
            return
        seen["requests in flight at the end"] -= 1
        seen["request arrives after its caller has left"] += not attempt.waited_for
        if self.node.faults:
            self.counts.lost += 1
        elif self.faults:
            self.counts.refused += 1
            self.answer(attempt, "refused")
        else:
            attempt.task = Task(self, attempt)
            self.counts.task_begins()
            self.accept(attempt.task)

    def answer(self, attempt: Attempt, outcome: str) -> None:
        latency = self.simulation.latency_back(self, attempt.call.client)
        latency_s = sample(latency, derive(attempt.fresh, NETWORK_BACK)) if latency else 0.0
        self.simulation.clock.after(latency_s, lambda: attempt.conclude(outcome))

    def receive_cancel(self, attempt: Attempt) -> None:
        """Nothing is left to cancel if the request was lost or refused, or its task has ended."""
        if self.is_paused():
            self.simulation.report.seen["cancel arrives in a pause"] += 1
            self.simulation.clock.hold(self.is_paused, lambda: self.receive_cancel(attempt))
            return
        task = attempt.task
        if task is None or task not in self.tasks:
            self.simulation.report.seen["cancel came too late"] += 1
            return
        self.simulation.report.seen["cancelled while running" if task.handler else "cancelled in the queue"] += 1
        if task.handler is None:
            self.queue.remove(task)
        else:
            task.handler.stop("cancelled")
        self.end(task, "cancelled")

    # Tasks and workers

    def busy_workers(self) -> int:
        return sum(task.handler is not None for task in self.tasks)

    def accept(self, task: Task) -> None:
        self.tasks.append(task)
        if not isinstance(self.concurrency, Threads) or self.busy_workers() < self.concurrency.workers:
            self.run(task)
        elif self.concurrency.queue is None or len(self.queue) < self.concurrency.queue:
            self.queue.append(task)
        else:
            self.answer(task.attempt, "shed")
            self.end(task, "shed")

    def run(self, task: Task) -> None:
        endpoint = self.simulation.endpoints[self.service, task.attempt.call.endpoint]
        task.handler = self.new_fiber(visit=0)

        def ended(succeeded: bool) -> None:
            outcome = "ok" if succeeded else "error"
            self.simulation.report.seen["branches outlived their handler"] += any(f.alive for f in task.left_behind)
            self.end(task, outcome)
            self.answer(task.attempt, outcome)

        task.handler.start(run_steps(task, task.handler, endpoint.steps, f"{self.service}.{endpoint.name}"), ended)

    def end(self, task: Task, how: str) -> None:
        """The task is over: its worker, if it held one, takes the head of the queue."""
        self.tasks.remove(task)
        self.counts.task_ends(how)
        if self.queue and isinstance(self.concurrency, Threads) and self.busy_workers() < self.concurrency.workers:
            self.run(self.queue.pop(0))

    # Crashes

    def crash(self) -> None:
        seen = self.simulation.report.seen
        seen["overlapping instance crashes"] += self.faults > 0
        seen["instance crash on a dead node"] += self.node.faults > 0
        seen["crash in a pause"] += self.is_paused()
        self.faults += 1
        self.die(answering=True)
        self.simulation.clock.release()

    def recover(self) -> None:
        self.faults -= 1

    def die(self, answering: bool) -> None:
        """Everything here ends at once. A dead process resets its connections if its host lives; else it is silent."""
        if not answering:
            self.simulation.report.seen["tasks silenced"] += len(self.tasks)
        for task in self.tasks:
            self.counts.task_ends("killed")
            if answering:
                self.answer(task.attempt, "reset")
        for fiber in self.fibers:
            fiber.stop("killed")
        self.start_empty()
