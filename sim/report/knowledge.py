"""What clients knew of who was up, as tables: deaths, stale views, registries that could not commit, locks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sim.experiment import Results
from sim.experiment.registry import Duration, Knowledge, is_logged, knowledge_of, tells_clients
from sim.report.grid import Grid
from sim.report.numbers import MISSING, with_interval

Cell = Callable[[Knowledge], str]

READS = (
    "Detect: from a death to the registry's decision; converge: until no client lists it any more; back: from "
    "its being up again until all list it. Stale-view seconds: over all clients, the time for which they list one that "
    "is dead."
)
CENSORED = "Never: not before it was back, or the run ended; means leave those out."
HANDOFF = "Hand-off: from a lock's being free to its next holder; never: nobody took it again."
VIOLATIONS_SHOWN = 5


def knowledge_grids(results: Results) -> tuple[list[Grid], list[str]]:
    """A table of what clients knew, or of leaders alone where lists are static, and one of locks, each where there
    is any, with what is to be known of them."""
    if not is_logged(results):
        return [], []
    found = knowledge_of(results)
    grids, sentences = [], []
    has_led = any(_counted(of, "unwritable", "elections") for of in found)
    if tells_clients(results):
        grids.append(_grid("What clients knew", found, KNOWLEDGE | (LEADERS if has_led else {})))
        sentences.append(READS)
        if by_fault := _by_fault(found):
            grids.append(by_fault)
        if any(of.times[time].unseen for of in found for time in ("detect", "converge_all", "back_all")):
            sentences.append(CENSORED)
    elif has_led:
        grids.append(_grid("Leaders: a replication", found, LEADERS))
    if any(_counted(of, "acquired", "accepted", "stale", "fenced") for of in found):
        grids.append(_grid("Locks: a replication", found, LOCKS))
        sentences.append(HANDOFF)
    return grids, sentences


def violation_sentences(results: Results) -> list[str]:
    """What the scenario's `checks` found broken, the first few."""
    several, found = len(results.variants) > 1, []
    for run in results.runs:
        where = f"{run.variant}, replication {run.replication}" if several else f"replication {run.replication}"
        found += [f"Violated ({where}): {violation}" for violation in run.violations]
    more = len(found) - VIOLATIONS_SHOWN
    return found[:VIOLATIONS_SHOWN] + ([f"and {more} more violations."] if more > 0 else [])


def _by_fault(found: Sequence[Knowledge]) -> Grid | None:
    """A row a fault that killed, a column a variant; none where there is one such fault."""
    causes = list(dict.fromkeys(cause for of in found for cause in of.by_fault))
    if len(causes) < 2:
        return None
    rows = [
        [
            cause or "no fault of the file",
            *(duration(of.by_fault[cause]) if cause in of.by_fault else MISSING for of in found),
        ]
        for cause in causes
    ]
    return Grid(
        "From a death until no client lists it any more, in s, by fault", ["fault", *(of.variant for of in found)], rows
    )


KNOWLEDGE: dict[str, Cell] = {
    "deaths": lambda of: str(of.deaths),
    "detect s": lambda of: duration(of.times["detect"]),
    "converge all s": lambda of: duration(of.times["converge_all"]),
    "back s": lambda of: duration(of.times["back_all"]),
    "stale-view s": lambda of: with_interval(of.sums["stale_view_s"]),
    "requests to dead": lambda of: with_interval(of.sums["requests_to_dead"]),
    "false ejections": lambda of: with_interval(of.sums["false_ejections"]),
}
LEADERS: dict[str, Cell] = {
    "unwritable s": lambda of: with_interval(of.sums["unwritable_s"]),
    "elections": lambda of: with_interval(of.sums["elections"]),
}
LOCKS: dict[str, Cell] = {
    "acquired": lambda of: with_interval(of.sums["acquired"]),
    "hand-off s": lambda of: duration(of.times["handoff"]),
    "writes accepted": lambda of: with_interval(of.sums["accepted"]),
    "stale ones accepted": lambda of: with_interval(of.sums["stale"]),
    "stale ones fenced": lambda of: with_interval(of.sums["fenced"]),
}


def duration(of: Duration) -> str:
    """`3.2 ±0.1`, with how many were never over; `never` where none was."""
    if not of.seen:
        return f"never ({of.unseen})" if of.unseen else MISSING
    return with_interval(of.mean_s) + (f" ({of.unseen} never)" if of.unseen else "")


def _grid(title: str, found: Sequence[Knowledge], columns: dict[str, Cell]) -> Grid:
    rows = [[of.variant, *(cell(of) for cell in columns.values())] for of in found]
    return Grid(title, ["variant", *columns], rows)


def _counted(of: Knowledge, *sums: str) -> bool:
    return any(of.sums[name].value > 0.0 for name in sums)
