"""What a handler does: one function per kind of step, each a generator that returns whether the step succeeded."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from sim.steps.call import Call as CallStep
from sim.steps.choose import Choose
from sim.steps.cpu import Cpu
from sim.steps.fail import Fail
from sim.steps.io import Io
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat
from tests.reference.calls import Call
from tests.reference.clock import Fiber, Stopped
from tests.reference.draws import BRANCH, choice, derive, sample, step_key, uniform
from tests.reference.processor import Burst

if TYPE_CHECKING:
    from tests.reference.model import Task

Steps = tuple[Any, ...]
Running = Generator[None, Any, bool]


def run_steps(task: Task, fiber: Fiber, steps: Steps, path: str) -> Running:
    """The steps in order; the first that fails ends them. `path` names where they stand, and so their draws."""
    for position, step in enumerate(steps):
        succeeded = yield from run_step(task, fiber, step, f"{path}/{position}")
        if not succeeded:
            return False
    return True


def run_step(task: Task, fiber: Fiber, step: Any, path: str) -> Running:
    task.simulation.report.seen[f"step {type(step).__name__}"] += 1
    match step:
        case Cpu():
            yield from burst(task, fiber, sample(step.work, own_key(task, fiber, step, path)))
            return True
        case Io():
            yield from wait(task, fiber, sample(step.wait, own_key(task, fiber, step, path)))
            return True
        case CallStep():
            return (yield from call(task, fiber, step, path))
        case Parallel():
            return (yield from parallel(task, fiber, step, path))
        case Choose():
            chosen = choice(uniform(own_key(task, fiber, step, path), 0), step.weights)
            return (yield from run_steps(task, fiber, step.branches[chosen], f"{path}/choose/{chosen}"))
        case Repeat():
            return (yield from repeat(task, fiber, step, path))
        case Fail():
            return uniform(own_key(task, fiber, step, path), 0) >= step.probability
    raise NotImplementedError(f"the reference does not know {step!r}")


def own_key(task: Task, fiber: Fiber, step: Any, path: str) -> int:
    """The key of this visit to the step: a retry draws anew (`attempt`), or the same again (`request`)."""
    return step_key(task.fresh if step.draw == "attempt" else task.kept, path, fiber.visit)


def burst(task: Task, fiber: Fiber, work: float) -> Running:
    cpu = task.instance.cpu
    own = Burst(work, fiber.wake)
    cpu.join(own)
    try:
        yield
    except Stopped:
        if cpu.has(own):
            cpu.leave(own)
            task.simulation.report.seen["stopped in a burst"] += 1
        raise
    return True


def wait(task: Task, fiber: Fiber, wait_s: float) -> Running:
    timer = task.simulation.clock.after(wait_s, fiber.resume)
    try:
        yield
    except Stopped:
        timer.cancel()
        task.simulation.report.seen["stopped in a wait"] += 1
        raise
    return True


def call(task: Task, fiber: Fiber, step: CallStep, path: str) -> Running:
    task.simulation.report.seen["service calls itself"] += step.service == task.instance.service
    own = Call(
        task.instance.client,
        step.service,
        step.endpoint,
        step.policy,
        fresh=step_key(task.fresh, path, fiber.visit),
        kept=step_key(task.kept, path, fiber.visit),
        depth=task.depth,
        edge=task.simulation.report.edge(path, f"{step.service}.{step.endpoint}"),
        on_end=fiber.wake,
    )
    own.start()
    try:
        outcome = yield
    except Stopped as stop:
        own.stop(stop.why)
        raise
    return outcome == "ok" or step.optional


def repeat(task: Task, fiber: Fiber, step: Repeat, path: str) -> Running:
    for turn in range(step.times):
        if turn > 0:
            fiber.visit += 1
        succeeded = yield from run_steps(task, fiber, step.steps, f"{path}/repeat")
        if not succeeded:
            return False
    return True


class Join:
    """Counts how branches end. It is decided by `need` successes, or by so many failures that they cannot come."""

    def __init__(self, branches: int, need: int) -> None:
        self.need = need
        self.spare = branches - need
        self.succeeded = 0
        self.failed = 0

    def count(self, succeeded: bool) -> None:
        if succeeded:
            self.succeeded += 1
        else:
            self.failed += 1

    def has_succeeded(self) -> bool:
        return self.succeeded >= self.need

    def decided(self) -> bool:
        return self.has_succeeded() or self.failed > self.spare


def parallel(task: Task, fiber: Fiber, step: Parallel, path: str) -> Running:
    seen = task.simulation.report.seen
    join = Join(len(step.branches), step.need)

    def branch_ended(succeeded: bool) -> None:
        if join.decided():
            return
        join.count(succeeded)
        if join.decided():
            dispose_of_the_rest()
            fiber.wake()

    def dispose_of_the_rest() -> None:
        rest = [branch for branch in branches if branch.alive]
        seen["join succeeded with branches running"] += join.has_succeeded() and bool(rest)
        seen["branches cancelled" if step.cancel else "branches left behind"] += len(rest)
        if step.cancel:
            for branch in rest:
                branch.stop("cancelled")
        else:
            task.left_behind += rest

    branches = [task.instance.new_fiber(derive(fiber.visit, BRANCH)) for _ in step.branches]
    for b, branch in enumerate(branches):
        branch.start(run_steps(task, branch, step.branches[b], f"{path}/parallel/{b}"), branch_ended)
    try:
        yield
    except Stopped as stop:
        if not join.decided():
            for branch in branches:
                branch.stop(stop.why)
        raise
    seen["join failed"] += not join.has_succeeded()
    seen["join of fewer than all"] += join.has_succeeded() and step.need < len(branches)
    return join.has_succeeded() or step.optional
