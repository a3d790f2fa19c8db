"""`guard`: a resource that only the holder of a lock should write to, and what it does about those who are so no more.

With `fencing` it keeps the highest token that it has seen and refuses older ones (Kleppmann 2016, "How to do
distributed locking"; Burrows 2006, "The Chubby lock service", section 2.4: sequencers). Without, or where the store
gives no tokens, it takes every write; that of a holder that is one no longer, after a newer one's, is `stale`: it may
have destroyed what the newer one wrote. What a resource has seen is on disk: it survives crashes, and all instances of
a service know it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from sim.checks import GuardedWrite
from sim.forms import Form, StepForm, StepScope
from sim.forms.fields import Flag, Identifier
from sim.steps import behaviour
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Guard:
    resource: str
    fencing: bool

    def handle(self, request: Any) -> Generator[Any, Any, None]:
        """Take the write that the request is, or refuse it. What comes without a token, no holder's, is refused."""
        yield from ()
        cluster, holding = request.cluster, request.held
        newest = cluster.components.setdefault(f"resource {self.resource}", Seen())
        if holding is None:
            cluster.record(self.resource, "unlocked", request.instance)
            request.fail()
        is_stale = holding.order < newest.order
        newest.order = max(newest.order, holding.order)
        is_taken = not (is_stale and self.fencing and holding.token is not None)
        event = "accepted" if not is_stale else "stale" if is_taken else "fenced"
        cluster.record(self.resource, event, holding.holder, f"{holding.key} {holding.order}")
        cluster.observe(GuardedWrite(cluster.env.now, self.resource, holding.holder, holding.order, is_taken))
        if not is_taken:
            request.fail()


@dataclass(slots=True)
class Seen:
    """The highest token that a resource has seen."""

    order: int = 0


class ResourceForm(Form):
    shape = "a mapping such as {resource: ledger, fencing: true}"

    resource: Identifier = Field(examples=["ledger"])
    fencing: Flag = Field(examples=["true"])


class GuardForm(StepForm):
    kind = "guard"

    guard: ResourceForm = Field(examples=["{resource: ledger, fencing: true}"])

    def resolve(self, scope: StepScope) -> Guard:
        return Guard(self.guard.resource, self.guard.fencing)


def lower(step: Guard, program: Program, path: str, level: int) -> None:
    """Row field a: the generator's number."""
    program.emit(behaviour.CODE, path, a=program.names.behaviour(step, []))
