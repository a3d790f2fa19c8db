"""Downtime: when a class of traffic, or a service, was down, for how long, and what had broken then.

A window is down where more than 10 % of the requests that ended in it were not good. So do service level agreements
have it (Google, Cloud Functions Service Level Agreement, 6 April 2018: downtime is an error rate of more than ten
percent, a downtime period one or more consecutive minutes of it); here, the window is `run.window`. A window without
requests is neither up nor down, and does not end an episode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.engine.run import Run
from sim.experiment.outline import FaultOutline
from sim.experiment.windows import Windows

DOWN_BELOW = 0.9
"""Share of good requests below which a window is down."""
NO_FAULT = "no fault"


@dataclass(frozen=True, slots=True)
class Downtime:
    """One episode, from the start of its first window to the end of its last. Without windows that had no request,
    it is `down_s` long."""

    start_s: float
    end_s: float
    down_s: float
    failed: int
    """Requests that were not good."""
    causes: tuple[str, ...]
    """Entries of `failures` that struck in it or shortly before; `no fault` alone where there is none."""
    lasts: bool
    """Until the end of what was measured."""


@dataclass(frozen=True, slots=True)
class Course:
    """What one replication saw of one thing between warm-up and end."""

    episodes: tuple[Downtime, ...]
    up_s: float
    down_s: float
    windows_up: int
    windows: int
    """With requests."""


def course(run: Run, windows: Windows, faults: Sequence[FaultOutline], lag_s: float, down_below: float) -> Course:
    """`lag_s` is how long after a fault its failures may end."""
    chosen = np.flatnonzero(windows.measured & windows.had_requests)
    down = windows.good_share[chosen] < down_below
    lengths_s = windows.length_s[chosen]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], down, [False]]).astype(np.int8)))
    struck = Struck(run, faults)
    episodes = []
    for first, beyond in edges.reshape(-1, 2):
        of = chosen[first:beyond]
        start_s, end_s = float(windows.start_s[of[0]]), float(windows.end_s[of[-1]])
        episodes.append(
            Downtime(
                start_s,
                end_s,
                float(lengths_s[first:beyond].sum()),
                round(float(windows.bad[of].sum())),
                struck.between(start_s - lag_s, end_s) or (NO_FAULT,),
                bool(beyond == len(chosen)),
            )
        )
    totals_s = float(lengths_s[~down].sum()), float(lengths_s[down].sum())
    return Course(tuple(episodes), *totals_s, int((~down).sum()), len(down))


class Struck:
    """The fault episodes of a run, in order of time."""

    def __init__(self, run: Run, faults: Sequence[FaultOutline]) -> None:
        cause_of = causes_of(faults)
        found = sorted(run.faults, key=lambda of: of[1])
        self._causes = [cause_of.get(name, name) for name, _, _ in found]
        self._starts_s = np.array([start_s for _, start_s, _ in found])
        self._ends_s = np.array([end_s for _, _, end_s in found])
        self._sorted_ends_s = np.sort(self._ends_s)

    def between(self, start_s: float, end_s: float) -> tuple[str, ...]:
        """Causes in force at some time in (start_s, end_s), in the order in which they began."""
        inside = (self._starts_s < end_s) & (self._ends_s > start_s)
        return tuple(dict.fromkeys(self._causes[place] for place in np.flatnonzero(inside)))

    def count(self, start_s: float, end_s: float) -> int:
        """Episodes in force at some time in (start_s, end_s)."""
        begun = int(np.searchsorted(self._starts_s, end_s, side="left"))
        return begun - int(np.searchsorted(self._sorted_ends_s, start_s, side="right"))


def causes_of(faults: Sequence[FaultOutline]) -> Mapping[str, str]:
    """The entry of `failures` by the name that its episodes have."""
    return {fault.name: fault.cause for fault in faults}
