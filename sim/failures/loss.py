"""`loss`: a burst of lost messages between some places, or everywhere.

Each is lost with the probability given, independently (Gilbert's model, Capacity of a burst-noise channel, Bell System
Technical Journal 39, 1960, with the burst on a schedule or as an alternating renewal process). It adds to what links
lose anyway. A transport that sends again turns it into delay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from sim.failures.impairment import Impairment, Way, WaysForm
from sim.forms.base import Mistake
from sim.forms.fields import Probability
from sim.units import format_share

if TYPE_CHECKING:
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class Loss(Impairment):
    """Each message is lost with `probability`, in (0, 1]."""

    probability: float

    @property
    def condition(self) -> str:
        return f"losing {format_share(self.probability, 3)} of messages"

    def harm(self) -> Mapping[str, Any]:
        return {"loss": self.probability}


class LossForm(WaysForm):
    kind = "loss"
    example = "{at: 40s, loss: 5%, between: [{zone: a}, {zone: b}], for: 20s}"
    rules: ClassVar[Sequence[Mapping[str, Any]]] = (*WaysForm.rules, {"properties": {"loss": {"pattern": "[1-9]"}}})

    loss: Probability = Field(examples=["5%"])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.loss == 0.0:
            yield Mistake(("loss",), "got 0%; must be above 0%; write e.g. loss: 5%")

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        """Between two groups, or in one case of three everywhere."""
        groups = places.apart(dice)
        share = {"loss": f"{dice.between(1, 30):.0f}%"}
        return share if groups is None or dice.number() < 1 / 3 else {**share, "between": groups}

    def fault(self, cause: str, target: str, ways: tuple[Way, ...]) -> Loss:
        return Loss(cause, cause, "traffic", target, self.when, ways, self.loss)
