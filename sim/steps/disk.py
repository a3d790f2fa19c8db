"""`disk`: an operation of the node's disk.

Operations of all processes on the node stand in one queue, first come, first served. One takes as long as an access of
the disk, the transfer of its bytes and, with `sync`, a flush take together: what a write followed by fsync(2) waits for
(POSIX.1-2017, fsync; etcd's write-ahead log waits so for each batch of entries). Without `sync` bytes are read, or
written past the page cache: what stays in the cache takes no step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from sim.distributions import sample
from sim.forms import Form, StepForm, StepScope
from sim.forms.base import Mistake
from sim.forms.fields import Draw, Flag, Size, choices_schema, quantity_schema
from sim.kernel.codes import ERRAND_PC, IN_IO, NONE
from sim.kernel.draws import derive
from sim.kernel.errands import set_out
from sim.kernel.hooks import data_of
from sim.kernel.jit import f8, i8, kernel, u8, void
from sim.kernel.tables import STATE_TYPE
from sim.steps.draws import draw_key
from sim.steps.program import Program
from sim.units import SIZES


@dataclass(frozen=True, slots=True)
class DiskOperation:
    """`bytes` are moved, if any, after an access; with `sync` a flush follows."""

    bytes: float
    sync: bool
    draw: str = "attempt"


class OperationForm(Form):
    shape = "a size such as 4kB, sync, or a mapping such as {bytes: 4kB, sync: true}"
    shorthand: ClassVar[dict[str, Any] | None] = {
        "anyOf": [choices_schema("sync"), quantity_schema(SIZES, "above zero")]
    }
    rules = ({"anyOf": [{"required": ["bytes"]}, {"required": ["sync"], "properties": {"sync": {"const": True}}}]},)

    bytes: Size | None = Field(None, examples=["4kB"])
    sync: Flag = Field(False, examples=["true"])

    @classmethod
    def expand(cls, value: Any) -> Any:
        if value == "sync":
            return {"sync": True}
        return {"bytes": value} if isinstance(value, str | int | float) and not isinstance(value, bool) else value

    def problems(self) -> Iterator[Mistake]:
        if self.bytes is None and not self.sync:
            yield Mistake((), "nothing is done; must have bytes, or sync: true; write e.g. {bytes: 4kB, sync: true}")


class DiskStepForm(StepForm):
    kind = "disk"

    disk: OperationForm = Field(examples=["{bytes: 4kB, sync: true}"])
    draw: Draw = Field("attempt", examples=["request"])

    def resolve(self, scope: StepScope) -> DiskOperation:
        return DiskOperation(self.disk.bytes or 0.0, self.disk.sync, self.draw)


CODE = 11
ACCESS, FLUSH = np.uint64(1), np.uint64(2)
"""Salts by which the step's key is derived into those of the two draws."""


def lower(step: DiskOperation, program: Program, path: str, level: int) -> None:
    """Row fields: x bytes, b with a flush."""
    program.emit(CODE, path, x=step.bytes, b=step.sync, kept=step.draw == "request")


@kernel(f8, STATE_TYPE, i8, f8, i8, u8, i8)
def disk_time(S, node_row, size_bytes, sync, key, index):
    """Seconds that an operation takes the disk of a node."""
    node = S.node[node_row]
    work = size_bytes * node.disk_byte
    if size_bytes > 0.0 and node.disk_access != NONE:
        work += sample(S.distribution[node.disk_access], data_of(S), derive(key, ACCESS), index)
    if sync and node.disk_fsync != NONE:
        work += sample(S.distribution[node.disk_fsync], data_of(S), derive(key, FLUSH), index)
    return work


@kernel(void, STATE_TYPE, i8, inline=True)
def enter(S, row):
    task = S.task[row]
    step = S.step[task.pc]
    node = S.instance[task.instance].node
    work = disk_time(S, node, step.x, step.b, draw_key(S, row), task.index)
    task.pc += 1
    task.state = IN_IO
    set_out(S, row, S.node[node].disk, ERRAND_PC, work)
