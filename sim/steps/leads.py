"""What stands before the steps of a service that elects a leader: only the instance that believes to lead goes on.

The others answer `error`, as a standby says that it is not the leader. Who leads does so under a lock of a store, and
what its steps call carries that lock's fencing token (`guard`). What has begun goes on when the lead is lost.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from sim.steps import behaviour
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Leads:
    """`key`: of the lock, the service's name; `election`: the component that campaigns for it."""

    store: str
    key: str
    lease_s: float
    election: str

    def handle(self, request: Any) -> Generator[Any, Any, None]:
        """Go on where this process believes that it leads."""
        yield from ()
        holding = request.cluster.component(self.election)[request.instance].holding
        if holding is None:
            request.fail()
        request.hold(holding)


def lower(step: Leads, program: Program, path: str, level: int) -> None:
    """Row field a: the generator's number."""
    program.emit(behaviour.CODE, path, a=program.names.behaviour(step, []))
