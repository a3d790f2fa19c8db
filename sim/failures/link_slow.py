"""`link_slow`: a link is slower than it was, in the time that it takes, in what it carries per second, or in both.

A degraded link (Zhuo et al., Understanding and Mitigating Packet Corruption in Data Center Networks, SIGCOMM 2017, and
Gunawi et al., FAST 2018: NICs that fall back from 10 Gbps to 100 Mbps). Routes see its latency: a routed network goes
round a link that has become the slower way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from sim.failures.links import LinkFault, LinkNameForm, LinksField, LinksForm
from sim.failures.system import System
from sim.forms import MistakeError, listed
from sim.forms.base import Mistake, read_as
from sim.forms.fields import PositiveNumber
from sim.model import Link

if TYPE_CHECKING:
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class LinkSlow(LinkFault):
    """Latency times `latency_factor` (at least 1), bandwidth times `bandwidth_factor` (in (0, 1])."""

    latency_factor: float
    bandwidth_factor: float

    @property
    def condition(self) -> str:
        parts = [
            *([f"{self.latency_factor:g} times its latency"] if self.latency_factor != 1.0 else []),
            *([f"{self.bandwidth_factor:g} of its bandwidth"] if self.bandwidth_factor != 1.0 else []),
        ]
        return f"slowed to {listed(parts)}"

    def change(self) -> Mapping[str, Any]:
        return {"latency_factor": self.latency_factor, "bandwidth_factor": self.bandwidth_factor}


class LinkSlowForm(LinksForm):
    kind = "link_slow"
    example = "{at: 40s, link_slow: {between: [a, b]}, latency_factor: 10, bandwidth_factor: 0.1, for: 20s}"
    rules: ClassVar[Sequence[Mapping[str, Any]]] = (
        *LinksForm.rules,
        {"anyOf": [{"required": ["latency_factor"]}, {"required": ["bandwidth_factor"]}]},
        {"properties": {"latency_factor": {"exclusiveMinimum": 1}, "bandwidth_factor": {"exclusiveMaximum": 1}}},
    )

    link_slow: LinksField = Field(examples=["{between: [a, b]}"])
    latency_factor: PositiveNumber | None = Field(None, examples=[10])
    bandwidth_factor: PositiveNumber | None = Field(None, examples=[0.1])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.latency_factor is None and self.bandwidth_factor is None:
            yield Mistake((), "how slow is missing; write e.g. latency_factor: 10, or bandwidth_factor: 0.1")
        if self.latency_factor is not None and self.latency_factor <= 1.0:
            text = f"got {self.latency_factor:g}; must be above 1, since latency grows; write e.g. latency_factor: 10"
            yield Mistake(("latency_factor",), text)
        if self.bandwidth_factor is not None and self.bandwidth_factor >= 1.0:
            text = f"got {self.bandwidth_factor:g}; must be above 0 and below 1; write e.g. bandwidth_factor: 0.1"
            yield Mistake(("bandwidth_factor",), text)

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        found = places.system.network.links
        links = [
            link
            for link in places.links
            if all(_takes_time(found[pair]) for pair in read_as(LinkNameForm, link, {}).pairs())
        ]
        return {"link_slow": dice.choice(links), "latency_factor": round(dice.between(2, 20), 1)} if links else None

    def made(self, target: LinkNameForm, system: System, cause: str) -> LinkSlow:
        for pair in target.pairs():
            link, text = system.network.links[pair], f"got the link {pair[0]} → {pair[1]}, which has no"
            if self.bandwidth_factor is not None and link.bandwidth_bps is None:
                raise MistakeError(f"{text} bandwidth to take from; give it one in network, or remove bandwidth_factor")
            if self.latency_factor is not None and not _takes_time(link):
                raise MistakeError(f"{text} latency to lengthen; give it one in network, or remove latency_factor")
        factors = self.latency_factor or 1.0, self.bandwidth_factor or 1.0
        return LinkSlow(cause, cause, "link", str(target), self.when, target.pairs(), *factors)


def _takes_time(link: Link) -> bool:
    """The factor is of both latency and jitter."""
    return link.latency.mean() > 0.0 or (link.jitter is not None and link.jitter.mean() > 0.0)
