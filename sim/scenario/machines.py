"""Nodes and the network between them: the sections `nodes` and `network`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from sim.forms import Form
from sim.forms.base import Mistake
from sim.forms.fields import Identifier, PositiveNumber, Size, count_field
from sim.forms.names import Names, Vertices
from sim.forms.transport import TransportField
from sim.scenario.links import BetweenForm, LinkForm, SameNodeForm
from sim.scenario.physical import ClockForm, DiskForm
from sim.scenario.topologies import TopologyField

MOST_NODES = 100_000


class PoolForm(Form):
    """Nodes called pool-1, pool-2 …, dealt over the zones in turn."""

    shape = "a mapping such as {count: 6, zones: [a, b], cores: 4}"
    later = frozenset({"title"})

    rules = ({"if": {"properties": {"count": False}}, "then": {"properties": {"zones": {"maxItems": 1}}}},)

    count: Annotated[int, *count_field(1, MOST_NODES)] = Field(1, examples=[6])
    zones: Names = Field(("default",), examples=["[a, b]"])
    cores: PositiveNumber = Field(1.0, examples=[4])
    speed: PositiveNumber = Field(1.0, examples=[1])
    racks: Annotated[int, *count_field(1, MOST_NODES)] | None = Field(None, examples=[2])
    at: Vertices | None = Field(None, examples=["[host-1, host-2]"])
    memory: Size | None = Field(None, examples=["8GB"])
    clock: ClockForm | None = Field(None, examples=["{drift: 50ppm}"])
    disk: DiskForm | None = Field(None, examples=["{access: 100us, throughput: 500MB/s, fsync: exponential(2ms)}"])


ZONED = ("same_rack", "same_zone", "across_zones", "across_regions", "between")
"""Keys of `network` about zones and racks, which have no place beside a graph."""


class NetworkForm(Form):
    shape = "a mapping such as {across_zones: {latency: 1ms}}"
    rules = (
        {"if": {"required": ["topology"]}, "then": {"properties": dict.fromkeys(ZONED, False)}},
        {"dependentRequired": {"across_regions": ["regions"]}},
    )

    transport: TransportField | None = Field(None, examples=["tcp"])
    same_node: SameNodeForm | None = Field(None, examples=["{latency: 20us}"])
    same_rack: LinkForm | None = Field(None, examples=["{latency: 50us}"])
    same_zone: LinkForm | None = Field(None, examples=["{latency: 0.25ms}"])
    across_zones: LinkForm | None = Field(None, examples=["{latency: 1ms}"])
    across_regions: LinkForm | None = Field(None, examples=["{latency: 40ms}"])
    regions: dict[Identifier, Names] = Field(default_factory=dict, examples=["{eu: [a, b], us: [c]}"])
    between: list[BetweenForm] = Field(default_factory=list, examples=["[{zones: [a, b], latency: 5ms}]"])
    topology: TopologyField | None = Field(None, examples=["{star: {leaves: 6, latency: 0.1ms}}"])

    def problems(self) -> Iterator[Mistake]:
        for key in ZONED if self.topology is not None else ():
            if key in self.given:
                yield Mistake(
                    (key,), "got a link between zones beside a topology, whose links are all there are; remove it"
                )
        if self.across_regions is not None and not self.regions:
            text = "got links between regions, but no regions; add regions: {eu: [a, b], us: [c]}"
            yield Mistake(("across_regions",), text)
        seen: dict[str, str] = {}
        for region, zones in self.regions.items():
            for i, zone in enumerate(zones):
                if zone in seen:
                    yield Mistake(
                        ("regions", region, i), f"got {zone}, which is in {seen[zone]} already; remove it from one"
                    )
                seen[zone] = region

    @property
    def region_of(self) -> dict[str, str]:
        """The region of each zone that is in one."""
        return {zone: region for region, zones in self.regions.items() for zone in zones}
