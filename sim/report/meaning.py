"""What a difference means for a reader: better or worse, equal, or not known yet."""

from __future__ import annotations

from typing import Literal

from sim.experiment.comparison import Difference
from sim.report.metrics import higher_is_better

Meaning = Literal["better", "worse", "differs", "equal", "undecided"]


def meaning_of(difference: Difference) -> Meaning:
    """The verdict, with its direction where one is better than the other."""
    if difference.verdict != "differs":
        return difference.verdict
    upwards = higher_is_better(difference.metric)
    if upwards is None:
        return "differs"
    return "better" if (difference.difference.value > 0) == upwards else "worse"
