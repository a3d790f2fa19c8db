"""`link_down`: a link carries nothing for a time.

In a routed network messages go round it from then on, along the fastest way that is left, and back again when it is up
(as link-state routing converges, RFC 2328, here at once and without loops); elsewhere, and where no way is left, they
are lost. What is on the link is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sim.failures.links import LinkFault, LinkNameForm, LinksField, LinksForm
from sim.failures.system import System

if TYPE_CHECKING:
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class LinkDown(LinkFault):
    """Links carry nothing."""

    @property
    def condition(self) -> str:
        return "down"

    def change(self) -> Mapping[str, Any]:
        return {"down": True}


class LinkDownForm(LinksForm):
    kind = "link_down"
    example = "{at: 40s, link_down: {between: [a, b]}, for: 20s}"

    link_down: LinksField = Field(examples=["{between: [a, b]}"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        return {"link_down": dice.choice(places.links)} if places.links else None

    def made(self, target: LinkNameForm, system: System, cause: str) -> LinkDown:
        return LinkDown(cause, cause, "link", str(target), self.when, target.pairs())
