"""`rolling_restart`: the instances of a service are restarted one after the other, as at a deployment.

As a Kubernetes rolling update with maxSurge 0 that waits `every` from one to the next (Kubernetes documentation,
Deployments, section Rolling Update Deployment), without a health check in between: what takes longer overlaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from sim.failures.form import FaultForm, Strike
from sim.failures.restart import Restart, down_s, drain_of
from sim.failures.system import System
from sim.forms import inside
from sim.forms.base import Mistake, MistakeError, unknown
from sim.forms.fields import Duration, Flag, Identifier
from sim.model import Once


@dataclass(frozen=True, slots=True)
class RollingRestart(Restart):
    """One instance's turn."""


class RollingRestartForm(FaultForm):
    kind = "rolling_restart"
    example = "{at: 40s, rolling_restart: api, every: 30s, for: 5s}"
    rules: ClassVar[Sequence[Mapping[str, Any]]] = (*FaultForm.rules, {"required": ["every"]})

    rolling_restart: Identifier = Field(examples=["api"])
    every: Duration | None = Field(None, examples=["30s"])
    graceful: Flag = Field(False, examples=["true"])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.every is None:
            yield Mistake((), "the key every is missing, from one instance to the next; write e.g. every: 30s")

    def strikes(self, cause: str, system: System) -> list[Strike]:
        assert self.at is not None
        assert self.every is not None
        with inside(self.kind):
            if self.rolling_restart not in system.instances:
                raise MistakeError(unknown("service", self.rolling_restart, system.instances))
            drain_s = drain_of(self.rolling_restart, system) if self.graceful else None
            for_s = (drain_s or 0.0) + down_s(self.for_, self.rolling_restart, system)
        turns = [
            (instance.name, Once(self.at + turn * self.every, for_s))
            for turn, instance in enumerate(system.instances[self.rolling_restart])
        ]
        where = ("every",) if len(turns) > 1 else ("at",)
        return [
            Strike(where, RollingRestart(f"{cause} ({name})", cause, "instance", name, once, drain_s))
            for name, once in turns
        ]
