"""What the picture of a network shows: places with what stands there, and the links between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sim.analysis import Explanation, words
from sim.model import Link, Model
from sim.units import format_bit_rate

NAMES_SHOWN = 4
"""Nodes, and sources, that are named at a place."""


@dataclass
class Place:
    """A zone, or a vertex. `region` is that of a zone."""

    name: str
    lines: list[str] = field(default_factory=list)
    region: str = ""


@dataclass(frozen=True)
class Wire:
    """A link between two places, or the alike ones of both directions; `busy` is the share of the busier direction."""

    ends: tuple[str, str]
    look: str
    """Its latency, bandwidth and loss, in words."""
    one_way: bool = False
    busy: float = 0.0
    is_full: bool = False


def look_of(link: Link) -> str:
    """`1 ms ± 0.1 ms, 10Gbps, 0.01 % lost`."""
    parts = [words.time(link.latency.mean() + (link.jitter.mean() if link.jitter else 0.0))]
    if link.bandwidth_bps is not None:
        parts.append(format_bit_rate(link.bandwidth_bps, 3) + (", shared" if link.sharing == "fair" else ""))
    return ", ".join([*parts, *([f"{words.percentage(link.loss)} lost"] if link.loss else [])])


def vertices(model: Model) -> dict[str, Place]:
    """The vertices of a graph, in its order."""
    places = {site: Place(site) for pair in model.network.links for site in pair}
    _fill(places, ((node.site, node.name) for node in model.nodes), _clients(model))
    return places


def zones(model: Model) -> dict[str, Place]:
    """Of nodes and of clients, with what links there are within: a line for each rack."""
    zone_of = {node.site: node.zone for node in model.nodes}
    regions = {node.zone: node.region or "" for node in model.nodes}
    clients = [(zone_of.get(site, site), name) for site, name in _clients(model)]
    names = dict.fromkeys([*sorted(regions), *(zone for zone, _ in clients)])
    places = {name: Place(name, region=regions.get(name, "")) for name in names}
    for zone, place in places.items():
        racks = sorted({node.rack for node in model.nodes if node.zone == zone and node.rack})
        for rack in racks:
            held = [node.name for node in model.nodes if node.rack == rack]
            place.lines.append(f"{rack.removeprefix(zone + '-')}: {_several(held)}")
        place.lines += _within(model, zone, zone_of)
    _fill(places, ((node.zone, node.name) for node in model.nodes if not node.rack), clients)
    return places


def wires(model: Model, found: Explanation) -> list[Wire]:
    """Links between places, one for both directions where these are alike. Of zones with racks, one for all links
    between two zones."""
    zone_of = {} if model.network.routed else {node.site: node.zone for node in model.nodes}
    stations = {station.name: station for station in found.stations if station.kind == "link"}
    looks: dict[tuple[str, str], Wire] = {}
    for (sender, receiver), link in model.network.links.items():
        ends = zone_of.get(sender, sender), zone_of.get(receiver, receiver)
        if ends[0] == ends[1]:
            continue
        station = stations.get(f"{sender} → {receiver}")
        busy, full = (station.utilization, station.limits) if station else (0.0, False)
        known = looks.get(ends)
        if known is not None:
            busy, full = max(busy, known.busy), full or known.is_full
        looks[ends] = Wire(ends, look_of(link), True, busy, full)
    return list(_merged(looks))


def _merged(looks: dict[tuple[str, str], Wire]) -> Iterator[Wire]:
    for (a, b), wire in looks.items():
        back = looks.get((b, a))
        if back is None or back.look != wire.look:
            yield wire
        elif a < b:
            yield Wire((a, b), wire.look, False, max(wire.busy, back.busy), wire.is_full or back.is_full)


def _clients(model: Model) -> list[tuple[str, str]]:
    return [(source.zone, source.name) for source in model.sources if source.zone is not None]


def _fill(places: dict[str, Place], nodes: Iterable[tuple[str, str]], clients: Iterable[tuple[str, str]]) -> None:
    """Name who stands at each place: nodes first, then sources in parentheses."""
    here: dict[str, list[str]] = {}
    for place, name in nodes:
        here.setdefault(place, []).append(name)
    for place, names in here.items():
        places[place].lines.insert(0, _several(names))
    for place, name in clients:
        places.setdefault(place, Place(place)).lines.append(f"({name})")


def _within(model: Model, zone: str, zone_of: dict[str, str]) -> Iterator[str]:
    sites, links = [site for site in zone_of if zone_of[site] == zone], model.network.links
    for what, pairs in (
        ("in a rack", [(site, site) for site in sites if site != zone]),
        ("within", [(a, b) for a in sites for b in sites if a != b or a == zone]),
    ):
        looks = dict.fromkeys(look_of(links[pair]) for pair in pairs if pair in links)
        yield from (f"{what} {look}" for look in looks)


def _several(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join([*names[: NAMES_SHOWN - 1], f"{more + 1} more"] if more > 0 else names)
