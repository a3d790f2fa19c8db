"""`lock`: steps that run while the process holds a lock of a store.

The task waits for the lock (in `IN_BEHAVIOUR`: its worker is held, no core is) and its steps run when the store says
that it has it. The process keeps the lock's lease alive meanwhile, but nothing stops the steps when the lease is lost:
a process that stood still does not know (Kleppmann 2016, "How to do distributed locking"). What the steps call carries
the lock's fencing token (`guard`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from sim.forms import Form, MistakeError, StepForm, Steps, StepScope, inside
from sim.forms.fields import Duration, Identifier
from sim.kernel.codes import BODY
from sim.steps import behaviour
from sim.steps.choose import Choose
from sim.steps.leads import Leads
from sim.steps.parallel import Parallel
from sim.steps.program import END_CODE, Program
from sim.steps.repeat import Repeat

LEASE_S = 60.0
"""The time to live of a session in etcd's concurrency package."""


@dataclass(frozen=True, slots=True)
class Lock:
    """`wait_s`: after which the step fails (None: never)."""

    store: str
    key: str
    lease_s: float
    wait_s: float | None
    steps: tuple[Any, ...]

    def handle(self, request: Any) -> Generator[Any, Any, None]:
        """Acquire, run the steps, release: by the store's own rules (`sim.registries.store`)."""
        locks = request.cluster.component(self.store).locks
        holding = yield from locks.acquire(request.instance, self.key, self.lease_s, self.wait_s)
        if holding is None:
            request.fail()
        before = request.hold(holding)
        try:
            outcome = yield request.run_body()
            request.hold(before)
            yield from holding.released()
        finally:
            holding.abandon()
            request.hold(before)
        if outcome != "ok":
            request.fail()


class HeldForm(Form):
    shape = "a mapping such as {store: locks, key: orders, steps: [{call: ledger.write}]}"

    store: Identifier = Field(examples=["locks"])
    key: Identifier = Field(examples=["orders"])
    lease: Duration = Field(LEASE_S, examples=["10s"])
    wait: Duration | None = Field(None, examples=["5s"])
    steps: Steps = Field(examples=["[{call: ledger.write}]"])


class LockForm(StepForm):
    kind = "lock"

    lock: HeldForm = Field(examples=["{store: locks, key: orders, steps: [{call: ledger.write}]}"])

    def resolve(self, scope: StepScope) -> Lock:
        form = self.lock
        with inside("lock", "store"):
            scope.check_store(form.store)
        steps = scope.steps(form.steps)
        if any((lock.store, lock.key) == (form.store, form.key) for lock in locks_in(steps)):
            with inside("lock", "key"):
                text = f"got {form.key}, for which a lock among its steps waits too, until this one is released: never"
                raise MistakeError(f"{text}; give that one another key, or remove it")
        return Lock(form.store, form.key, form.lease, form.wait, steps)


def lower(step: Lock, program: Program, path: str, level: int) -> None:
    """Row field a: the generator's number. Its body is a program of its own, in a branch of the task."""
    row = program.emit(behaviour.CODE, path)

    def body() -> None:
        entry = program.sequence(step.steps, f"{path}/lock", 0)
        program.emit(END_CODE, a=BODY)
        program.rows[row]["a"] = program.names.behaviour(step, [entry])

    program.later(body)


def locks_in(steps: Iterable[Any]) -> Iterator[Lock | Leads]:
    """All steps that need a lock, those inside others too."""
    for step in steps:
        match step:
            case Leads():
                yield step
            case Lock():
                yield step
                yield from locks_in(step.steps)
            case Parallel() | Choose():
                for branch in step.branches:
                    yield from locks_in(branch)
            case Repeat():
                yield from locks_in(step.steps)
