"""When a fault strikes, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from sim.distributions import draw_many
from sim.kernel.draws import stream_key
from sim.model import Fault, Once

DRAWN_AT_ONCE = 64


def episodes(fault: Fault, seed: int, replication: int) -> Iterator[tuple[float, float]]:
    """(start, end) of each episode in s, without end where they are random; an end of inf: it lasts.

    Episode n of a random fault draws from its streams (its entry's and its target's) at position n: another target or
    another fault changes nothing of it.
    """
    when = fault.when
    if isinstance(when, Once):
        yield when.at_s, float("inf") if when.for_s is None else when.at_s + when.for_s
        return
    well, struck = (stream_key(seed, replication, f"{fault.stream}:{which}") for which in ("mtbf", "mttr"))
    now_s = 0.0
    for first in count(step=DRAWN_AT_ONCE):
        wells_s = draw_many(when.mtbf, well, DRAWN_AT_ONCE, first).tolist()
        for well_s, struck_s in zip(wells_s, draw_many(when.mttr, struck, DRAWN_AT_ONCE, first).tolist(), strict=True):
            yield now_s + well_s, now_s + well_s + struck_s
            now_s += well_s + struck_s
