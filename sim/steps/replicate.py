"""`replicate`: a write that a quorum of the service's members has on its disk before the handler goes on; or a
linearizable read, which waits until the leader has made sure that it still leads.

A write is proposed to the leader (forwarded where the instance is not it), and answered where it was made once it is
known there to be committed: etcd's `processInternalRaftRequestOnce`. It fails after the group's patience, without
word of whether it will be committed yet (etcd: ErrTimeout). Without a leader it waits for one. Reads go by rounds, one
at a time for each member (`linearizableReadLoop`); a round that still waits when another leader comes fails
(ErrLeaderChanged). See `sim.kernel.log`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.kernel.codes import IN_IO, PROPOSE, READ_INDEX
from sim.kernel.hooks import ask_log
from sim.kernel.jit import i8, kernel, void
from sim.kernel.tables import STATE_TYPE
from sim.steps.program import Program


@dataclass(frozen=True, slots=True)
class Replicate:
    """A write of so many `bytes`; None: a linearizable read. Only in services that have a `log`."""

    bytes: float | None


CODE = 13


def lower(step: Replicate, program: Program, path: str, level: int) -> None:
    """Row fields: x bytes, b a read."""
    program.emit(CODE, path, x=step.bytes or 0.0, b=step.bytes is None)


@kernel(void, STATE_TYPE, i8, inline=True)
def enter(S, row):
    task = S.task[row]
    task.state = IN_IO
    ask_log(S, READ_INDEX if S.step[task.pc].b else PROPOSE, row, 0)
