"""Downtime: when a class of traffic, or a service, was down, for how long, and what had broken then.

A window is down where more than 10 % of the requests that ended in it were not good. So do service level agreements
have it (Google, Cloud Functions Service Level Agreement, 6 April 2018: downtime is an error rate of more than ten percent, a
downtime period one or more consecutive minutes of it); here, the window is `run.window`. A window without requests is
neither up nor down, and does not end an episode.
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
    struck = _struck(run, faults)
    episodes = []
    for first, beyond in edges.reshape(-1, 2):
        of = chosen[first:beyond]
        start_s, end_s = float(windows.start_s[of[0]]), float(windows.end_s[of[-1]])
        causes = dict.fromkeys(c for c, since_s, until_s in struck if since_s < end_s and until_s + lag_s > start_s)
        episodes.append(
            Downtime(
                start_s,
                end_s,
                float(lengths_s[first:beyond].sum()),
                round(float(windows.bad[of].sum())),
                tuple(causes) or (NO_FAULT,),
                bool(beyond == len(chosen)),
            )
        )
    totals_s = float(lengths_s[~down].sum()), float(lengths_s[down].sum())
    return Course(tuple(episodes), *totals_s, int((~down).sum()), len(down))


def _struck(run: Run, faults: Sequence[FaultOutline]) -> list[tuple[str, float, float]]:
    """Cause, start and end of each fault episode, in order of time."""
    cause_of = causes_of(faults)
    found = [(cause_of.get(name, name), start_s, end_s) for name, start_s, end_s in run.faults]
    return sorted(found, key=lambda of: of[1])


def causes_of(faults: Sequence[FaultOutline]) -> Mapping[str, str]:
    """The entry of `failures` by the name that its episodes have."""
    return {fault.name: fault.cause for fault in faults}
