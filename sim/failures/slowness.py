"""What is common to faults that let a part of a node work at a fraction of its speed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from sim.failures.targets import MachinesForm
from sim.forms.base import Mistake
from sim.forms.fields import PositiveNumber
from sim.model import Fault, TargetKind

MOST_DRAWN, LEAST_DRAWN = 0.5, 0.05
"""Bounds of the factors that chaos draws."""


@dataclass(frozen=True, slots=True)
class Slowness(Fault):
    """Something of a node runs at `factor` times its speed, in (0, 1); factors of faults that overlap multiply."""

    factor: float


class SlownessForm(MachinesForm):
    target_kinds: ClassVar[tuple[TargetKind, ...]] = ("node",)
    rules: ClassVar[Sequence[Mapping[str, Any]]] = (
        *MachinesForm.rules,
        {"properties": {"factor": {"exclusiveMaximum": 1}}},
    )

    factor: PositiveNumber = Field(examples=[0.2])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.factor >= 1.0:
            yield Mistake(("factor",), f"got {self.factor:g}; must be above 0 and below 1; write e.g. factor: 0.2")
