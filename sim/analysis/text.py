"""An explanation as a person reads it: sentences, then tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.analysis import words
from sim.analysis.explanation import Explanation, Link, Placed, StationLoad
from sim.units import format_bit_rate

WIDTH = 120
ROWS_SHOWN = 16
"""Of each table; what is left out is counted below it."""


class Row(NamedTuple):
    cells: Sequence[str]
    style: str | None = None


def as_text(found: Explanation) -> str:
    """Without colours."""
    console = Console(width=WIDTH, color_system=None, force_terminal=False)
    with console.capture() as captured:
        print_explanation(found, console)
    return captured.get().rstrip()


def print_explanation(found: Explanation, console: Console) -> None:
    title = f": {found.title}" if found.title else ""
    name = f"[bold]{escape(found.scenario)}[/bold], variant {escape(found.variant)}{escape(title)}"
    console.print(name, highlight=False)
    _print_lines(console, found.verdict)
    for table in (traffic_table, stations_table, endpoints_table, calls_table, placement_table, links_table):
        made = table(found)
        if made is not None:
            console.print()
            console.print(made)
    if found.directories:
        console.print("\nWho knows where services are", highlight=False, style="italic")
        _print_lines(console, found.directories)
    if found.faults:
        console.print("\nFaults, not analysed", highlight=False, style="italic")
        _print_lines(console, _faults(found))
    if found.chaos_seed is not None:
        console.print(f"\nDrawn by chaos with seed {found.chaos_seed}, as failures", highlight=False, style="italic")
        for name, entry in found.drawn:
            console.print(f"  {name}: {entry}", highlight=False, markup=False, soft_wrap=True)
    console.print("\nWhat these numbers are", highlight=False, style="italic")
    _print_lines(console, found.limits)


def traffic_table(found: Explanation) -> Table | None:
    peaks = any(source.peak_per_s > source.rate_per_s for source in found.sources)
    several = len(found.sources) > 1 and not found.is_steered
    rows = []
    for source in found.sources:
        users = "" if source.users is None else f" ({source.users:,})"
        targets = [
            name if share == 1.0 else f"{words.percentage(share)} {name}" for name, share in source.targets.items()
        ]
        peak = [words.rate(source.peak_per_s)] if peaks else []
        alone = [words.rate(source.alone_per_s)] if several else []
        rates = [words.rate(source.rate_per_s), *peak, words.rate(source.saturation_per_s), *alone]
        rows.append(
            Row((source.name, source.arrivals + users, words.several(targets), *rates, words.time(source.latency_s)))
        )
    flat = ["flattens at", "if only it grows, at"] if several else ["flattens at"]
    numbers = ["declared", *(["peak"] if peaks else []), *flat, "latency at no contention"]
    return _table("Traffic", ["source", "arrivals", "to"], numbers, rows, "sources")


def stations_table(found: Explanation) -> Table | None:
    """Alike stations share a row."""
    single = found.sources[0] if len(found.sources) == 1 else None
    peaks = any(station.peak_utilization > station.utilization for station in found.stations)
    rows = []
    for _, group in groupby(found.stations, key=_look):
        members = list(group)
        station = members[0]
        demand = [words.time(station.demands_s[single.name])] if single else []
        peak = [words.percentage(station.peak_utilization)] if peaks else []
        cells = [
            words.several([member.name for member in members]),
            words.CAPACITIES[station.kind],
            words.number(station.capacity),
            *demand,
            words.percentage(station.utilization),
            *peak,
            _full_at(found, station),
        ]
        rows.append(Row(cells, "bold" if station.limits else None))
    full = "full at, if not steered" if found.is_steered else "full at"
    numbers = ["capacity", *(["a request"] if single else []), "busy", *(["at peak"] if peaks else []), full]
    return _table("Stations, the busiest first", ["of", "station"], numbers, rows, "less busy")


def endpoints_table(found: Explanation) -> Table | None:
    single = found.sources[0].name if len(found.sources) == 1 else None
    fails = any(endpoint.failing > 0.0 for endpoint in found.endpoints)
    rows = []
    for endpoint in found.endpoints:
        visits = [words.number(endpoint.visits[single])] if single else []
        failing = [words.percentage(endpoint.failing) if endpoint.failing else "–"] if fails else []
        times = words.time(endpoint.cpu_s), words.time(endpoint.residence_s)
        rows.append(Row((endpoint.name, words.rate(endpoint.rate_per_s), *visits, *times, *failing)))
    numbers = ["executions", *(["a request"] if single else []), "core time", "time at no contention"]
    return _table("Endpoints", ["endpoint"], [*numbers, *(["fails"] if fails else [])], rows, "endpoints")


def calls_table(found: Explanation) -> Table | None:
    rows = [
        Row(
            (
                call.caller,
                call.callee,
                call.balance,
                words.rate(call.calls_per_s),
                words.rate(call.attempts_per_s),
                words.time(call.attempt_s),
                "–" if call.timeout_s is None else words.time(call.timeout_s),
            )
        )
        for call in found.calls
    ]
    numbers = ["calls", "attempts", "attempt at no contention", "timeout"]
    return _table("Calls", ["from", "to", "balanced by"], numbers, rows, "calls")


def placement_table(found: Explanation) -> Table | None:
    on: dict[str, list[Placed]] = {}
    for placed in found.placement:
        on.setdefault(placed.node, []).append(placed)
    counts: dict[str, int] = {}
    for placed in found.placement:
        counts[placed.service] = counts.get(placed.service, 0) + 1
    rows = []
    for node in found.nodes:
        instances = ", ".join(_placed(placed, counts[placed.service]) for placed in on.get(node.name, ())) or "–"
        rows.append(Row((node.name, node.zone, instances, words.number(node.cores), words.number(node.speed))))
    return _table("Placement", ["node", "zone", "instances (share, where uneven)"], ["cores", "speed"], rows, "nodes")


def links_table(found: Explanation) -> Table | None:
    groups = list(_edges(found.links) if found.routed else _pairs(found.links))
    bandwidths, losses = (any(look[i] for _, look in groups) for i in (1, 2))
    rows = []
    for name, (latency_s, bandwidth_bps, loss) in groups:
        bandwidth = ["∞" if bandwidth_bps is None else format_bit_rate(bandwidth_bps)] if bandwidths else []
        rows.append(Row((name, words.time(latency_s), *bandwidth, *([words.percentage(loss)] if losses else []))))
    numbers = ["latency", *(["bandwidth"] if bandwidths else []), *(["loss"] if losses else [])]
    return _table("Network, one way", ["link" if found.routed else "between"], numbers, rows, "pairs")


def _table(title: str, words_: list[str], numbers: list[str], rows: Sequence[Row], what: str) -> Table | None:
    """Columns of words, then of numbers; None without rows."""
    if not rows:
        return None
    hidden = len(rows) - ROWS_SHOWN
    caption = f"and {hidden:,} more {what}" if hidden > 0 else None
    table = Table(title=title, title_justify="left", header_style="bold", caption=caption, caption_justify="left")
    for header in words_:
        table.add_column(header, overflow="fold")
    for header in numbers:
        table.add_column(header, justify="right")
    for row in rows[:ROWS_SHOWN]:
        table.add_row(*(escape(cell) for cell in row.cells), style=row.style)
    return table


def _print_lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False)


def _look(station: StationLoad) -> tuple[object, ...]:
    """What makes two rows of the table alike."""
    times = tuple(words.time(demand) for demand in station.demands_s.values())
    shares = words.percentage(station.utilization), words.percentage(station.peak_utilization)
    return station.kind, station.capacity, *times, *shares, station.limits


def _full_at(found: Explanation, station: StationLoad) -> str:
    """The load at which this station alone would be full: a rate of the only source, or a factor."""
    asking = [source for source in found.sources if station.demands_s[source.name] > 0.0 and source.rate_per_s > 0.0]
    demand = sum(station.demands_s[source.name] * source.rate_per_s for source in asking)
    if demand == 0.0 or math.isnan(found.factor):
        return "–"
    factor = station.capacity / demand
    if len(found.sources) == 1:
        return words.rate(found.sources[0].rate_per_s * factor)
    return f"{words.number(factor)} ×"


def _placed(placed: Placed, instances: int) -> str:
    low, full = words.percentage(placed.share), words.percentage(placed.saturated_share)
    if abs(placed.saturated_share - placed.share) > 5e-4:
        return f"{placed.instance} ({low}, {full} when full)"
    return f"{placed.instance} ({low})" if abs(placed.share * instances - 1.0) > 1e-6 else placed.instance


Look = tuple[float, float | None, float]
"""Of a link: latency, bandwidth, loss."""


def _edges(links: Sequence[Link]) -> Iterator[tuple[str, Look]]:
    """Links that are alike together, both ways of one as one."""
    looks: dict[tuple[str, str], Look] = {}
    for link in links:
        if link.sender is None:
            yield "instances of one node", _look_of(link)
        else:
            looks[str(link.sender), str(link.receiver)] = _look_of(link)
    names: dict[Look, list[str]] = {}
    for (a, b), look in looks.items():
        both = looks.get((b, a)) == look
        if not both or a < b:
            names.setdefault(look, []).append(f"{a} {'↔' if both else '→'} {b}")
    for look, same in names.items():
        yield words.several(same) if len(same) <= words.MOST_NAMES else f"{same[0]} and {len(same) - 1} more", look


def _pairs(links: Sequence[Link]) -> Iterator[tuple[str, Look]]:
    """Both ways in one row where they are alike, all zones in one where those are."""
    looks = {(link.sender, link.receiver): _look_of(link) for link in links}
    within = {looks[pair] for pair in looks if pair[0] == pair[1] and pair[0] is not None}
    across = {looks[pair] for pair in looks if pair[0] != pair[1]}
    if (None, None) in looks:
        yield "instances of one node", looks[None, None]
    if len(within) == 1:
        yield "instances of one zone", within.pop()
        looks = {pair: look for pair, look in looks.items() if pair[0] != pair[1]}
    if len(across) == 1 and len(looks) > 2:
        yield "any two zones", across.pop()
        looks = {pair: look for pair, look in looks.items() if pair[0] == pair[1]}
    for (sender, receiver), look in looks.items():
        if sender is None:
            continue
        back = looks.get((receiver, sender))
        if sender == receiver:
            yield f"within {sender}", look
        elif back != look:
            yield f"{sender} → {receiver}", look
        elif str(sender) < str(receiver):
            yield f"{sender} ↔ {receiver}", look


def _look_of(link: Link) -> Look:
    return link.latency_s, link.bandwidth_bps, link.loss


def _faults(found: Explanation) -> Iterator[str]:
    for fault in found.faults:
        yield f"{fault.name}: {fault.target} is {fault.condition} {fault.when}."
