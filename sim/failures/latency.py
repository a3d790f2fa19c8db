"""`latency`: messages between some places, or everywhere, take longer for a time.

A fail-slow network (Gunawi et al., Fail-Slow at Scale, FAST 2018): a detour, a congested uplink, a failing optic. Each
message takes a time drawn for it more than it would have taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sim.distributions import Distribution
from sim.failures.impairment import Impairment, Way, WaysForm
from sim.forms import DistributionField
from sim.forms.base import Mistake
from sim.units import format_duration

if TYPE_CHECKING:
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class Latency(Impairment):
    """Each message takes `extra` longer, in s."""

    extra: Distribution

    @property
    def condition(self) -> str:
        average = "" if self.extra.variance() == 0.0 else " on average"
        return f"slower by {format_duration(self.extra.mean(), 3)}{average}"

    def harm(self) -> Mapping[str, Any]:
        return {"latency": self.extra}


class LatencyForm(WaysForm):
    kind = "latency"
    example = "{at: 40s, latency: 50ms, between: [{zone: a}, {zone: b}], for: 20s}"

    latency: DistributionField = Field(examples=["50ms"])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.latency.mean() <= 0.0:
            yield Mistake(("latency",), "got a mean of 0s; must be above 0s; write e.g. latency: 50ms")

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        """Between two groups, or in one case of three everywhere."""
        groups = places.apart(dice)
        extra = {"latency": f"exponential({dice.between(5, 200):.0f}ms)"}
        return extra if groups is None or dice.number() < 1 / 3 else {**extra, "between": groups}

    def fault(self, cause: str, target: str, ways: tuple[Way, ...]) -> Latency:
        return Latency(cause, cause, "traffic", target, self.when, ways, self.latency)
