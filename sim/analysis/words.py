"""Numbers and names as sentences give them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from sim.forms import listed
from sim.model import Renewal, When
from sim.units import format_duration

MOST_NAMES, MOST_PARTS = 3, 4
LEAST_SHARE = 1e-6
CAPACITIES = {
    "node": "cores",
    "instance": "share of cores",
    "event loop": "event loop",
    "workers": "workers",
    "disk": "disk",
    "link": "bandwidth",
}


def rate(per_second: float) -> str:
    """`2,667/s`, `12.5/s`."""
    return f"{number(per_second)}/s"


def number(value: float, significant: int = 3) -> str:
    """Thousands with commas, small ones with so many digits."""
    if not math.isfinite(value):
        return "∞" if value > 0.0 else "–"
    if abs(value) >= 10 ** (significant - 1):
        return f"{value:,.0f}"
    return f"{float(f'{value:.{significant}g}'):.{significant}g}"


def time(seconds: float) -> str:
    """`15.2 ms`."""
    if math.isnan(seconds):
        return "–"
    if math.isinf(seconds):
        return "∞"
    text = format_duration(seconds, 3)
    unit = text.lstrip("0123456789.-")
    return f"{text.removesuffix(unit)} {unit}"


def percentage(share: float) -> str:
    """`15 %`, `0.42 %`."""
    if 0.0 < share < LEAST_SHARE:
        return f"< {100.0 * LEAST_SHARE:g} %"
    return f"{number(100.0 * share, 2 if share < 0.0995 else 3)} %"


def factor(value: float) -> str:
    """`6.67 times`."""
    return f"{number(value)} times"


def first_few(parts: Sequence[str]) -> str:
    """`a, b, c and 5 more`."""
    more = len(parts) - MOST_PARTS
    return listed([*parts[:MOST_PARTS], f"{more} more"] if more > 1 else parts)


def several(names: Sequence[str]) -> str:
    """`app-1, app-2 and db-1`, `app-1 … app-9 (9)` of many, `old-1 … old-5 and new-1 … new-5` of several kinds; of many
    links `a → b and 5 more`."""
    if len(names) <= MOST_NAMES:
        return listed(names)
    if any(" → " in name for name in names):
        return f"{names[0]} and {len(names) - 1} more"
    kinds = [list(group) for _, group in groupby(names, key=lambda name: name.rpartition("-")[0])]
    if len(kinds) == 1 or len(kinds) > MOST_NAMES:
        return f"{names[0]} … {names[-1]} ({len(names)})"
    return listed([f"{kind[0]} … {kind[-1]}" if len(kind) > 1 else kind[0] for kind in kinds])


def when(schedule: When) -> str:
    """`at 40s for 20s`, `at random: after 10min, for 30s, on average`."""
    if isinstance(schedule, Renewal):
        after_s, for_s = schedule.mtbf.mean(), schedule.mttr.mean()
        return f"at random: after {format_duration(after_s, 3)}, for {format_duration(for_s, 3)}, on average"
    until = "" if schedule.for_s is None else f" for {format_duration(schedule.for_s)}"
    return f"{'from' if schedule.for_s is None else 'at'} {format_duration(schedule.at_s)}{until or ' on'}"
