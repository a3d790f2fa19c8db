"""What processes and machines are made of: how instances start, what they hold, what disks do, how clocks go."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from sim.forms import DistributionField, Form
from sim.forms.base import Mistake
from sim.forms.fields import ByteRate, Drift, Offset, PositiveNumber, Size
from sim.model import Clock, Disk, Memory, Start, WarmUp
from sim.units import format_size


class WarmUpForm(Form):
    shape = "a mapping such as {for: 30s, speed: 0.3}"
    rules = ({"properties": {"speed": {"exclusiveMaximum": 1}}},)

    for_: DistributionField = Field(alias="for", examples=["30s"])
    speed: PositiveNumber = Field(examples=[0.3])

    def problems(self) -> Iterator[Mistake]:
        if self.speed >= 1.0:
            yield Mistake(("speed",), f"got {self.speed:g}; must be above 0 and below 1; write e.g. speed: 0.3")
        if self.for_.mean() <= 0.0:
            yield Mistake(("for",), "got a mean of 0s; must be above 0s; write e.g. for: 30s")


class StartForm(Form):
    shape = "a mapping such as {boot: 5s, warm_up: {for: 30s, speed: 0.3}}"
    rules = ({"anyOf": [{"required": ["boot"]}, {"required": ["warm_up"]}]},)

    boot: DistributionField | None = Field(None, examples=["5s"])
    warm_up: WarmUpForm | None = Field(None, examples=["{for: 30s, speed: 0.3}"])

    def problems(self) -> Iterator[Mistake]:
        if self.boot is None and self.warm_up is None:
            yield Mistake((), "nothing is declared; must have boot or warm_up; write e.g. boot: 5s")
        if self.boot is not None and self.boot.mean() <= 0.0:
            yield Mistake(("boot",), "got a mean of 0s; must be above 0s; write e.g. boot: 5s")

    def start(self) -> Start:
        warm_up = None if self.warm_up is None else WarmUp(self.warm_up.for_, self.warm_up.speed)
        return Start(self.boot, warm_up)


class MemoryForm(Form):
    shape = "a mapping such as {limit: 512MB, base: 200MB, per_request: 2MB}"
    rules = ({"anyOf": [{"required": ["base"]}, {"required": ["per_request"]}]},)

    limit: Size | None = Field(None, examples=["512MB"])
    base: Size | None = Field(None, examples=["200MB"])
    per_request: Size | None = Field(None, examples=["2MB"])

    def problems(self) -> Iterator[Mistake]:
        least = (self.base or 0.0) + (self.per_request or 0.0)
        if not least:
            yield Mistake((), "nothing is held; must have base or per_request; write e.g. per_request: 2MB")
        elif self.limit is not None and self.limit < least:
            text = f"got {format_size(self.limit)}, but the process with one request holds {format_size(least)}"
            yield Mistake(("limit",), f"{text}; must be at least that")

    def memory(self) -> Memory:
        return Memory(self.limit, self.base or 0.0, self.per_request or 0.0)


class DiskForm(Form):
    shape = "a mapping such as {access: 100us, throughput: 500MB/s, fsync: exponential(2ms)}"
    rules = ({"minProperties": 1},)

    access: DistributionField | None = Field(None, examples=["100us"])
    throughput: ByteRate | None = Field(None, examples=["500MB/s"])
    fsync: DistributionField | None = Field(None, examples=["exponential(2ms)"])

    def problems(self) -> Iterator[Mistake]:
        if self.access is None and self.throughput is None and self.fsync is None:
            text = "nothing is declared; must have access, throughput or fsync"
            yield Mistake((), f"{text}; write e.g. fsync: exponential(2ms)")

    def disk(self) -> Disk:
        return Disk(self.access, self.fsync, self.throughput)


class ClockForm(Form):
    shape = "a mapping such as {drift: 50ppm}"
    rules = ({"minProperties": 1},)

    drift: Drift | None = Field(None, examples=["50ppm"])
    offset: Offset | None = Field(None, examples=["-20ms"])

    def problems(self) -> Iterator[Mistake]:
        if self.drift is None and self.offset is None:
            yield Mistake((), "nothing is declared; must have drift or offset; write e.g. drift: 50ppm")

    def clock(self) -> Clock:
        return Clock(self.drift or 0.0, self.offset or 0.0)
