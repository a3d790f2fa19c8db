"""The picture of a network: zones and regions, or the vertices of a graph, and the links between them.

Nothing is simulated: how busy links are at the declared load is what `sim.analysis.explain` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

import networkx as nx
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from sim.analysis import explain, words
from sim.errors import DsimError
from sim.model import Model
from sim.report import style
from sim.report.arrangement import Positions, arranged, in_columns
from sim.report.wiring import Place, Wire, vertices, wires, zones

BOX_IN, LINE_IN, MARGIN_IN = 2.1, 0.17, 0.3
LEAST_WIDTH_IN, HEADER_IN = 6.5, 0.65
NAME_LETTERS = 13
"""Of a vertex, on a line."""
MOST_LABELS, MOST_LOOKS = 24, len(style.COLOURS) - 1
"""Links with labels of their own; kinds of links with a colour of their own."""
MOST_NAMED = 90
"""Vertices whose names are written."""
SMALL, NORMAL = 7.0, 8.5
LEAST_SHOWN = 0.005
"""Utilizations below this are not written."""
LINKS, BOXES, LABELS = 1, 2, 3
COLOURS = tuple(colour for colour in style.COLOURS if colour != style.VERMILLION)


@style.styled
def network(model: Model) -> Figure:
    """Draw a model's network. A line is a link, both ways if it has no arrow; the busier at the declared load, the
    thicker; what is full first is vermillion. Raises DsimError for a model whose messages take no time."""
    if not model.network.links:
        raise DsimError(f"{model.scenario}: has no network to draw; add network: {{across_zones: {{latency: 1ms}}}}")
    drawn = wires(model, explain(model))
    if model.network.routed:
        places = vertices(model)
        positions = arranged(nx.Graph([wire.ends for wire in drawn]))
        lowest = min(y for _, y in positions.values())
        below = max(len(place.lines) + 1 for name, place in places.items() if positions[name][1] == lowest)
        picture = _Picture(positions, (1.0, 0.4), max(0.3 + 0.11 * below, 1.0), drawn, places)
        picture.vertices(model)
    else:
        places = zones(model)
        heights = {name: _height_in(place) for name, place in places.items()}
        positions = in_columns({name: place.region for name, place in places.items()}, BOX_IN, heights)
        picture = _Picture(positions, (BOX_IN + 0.4, max(heights.values()) + 0.6), 0.0, drawn, places)
        picture.zones()
    picture.wires()
    picture.title(model)
    return picture.figure


class _Picture:
    """`room` is the size of what stands at each place, `below` what hangs below the lowest, in inches."""

    def __init__(
        self,
        positions: Positions,
        room: tuple[float, float],
        below: float,
        drawn: Sequence[Wire],
        places: Mapping[str, Place],
    ) -> None:
        self.positions, self.drawn, self.places = positions, drawn, places
        self.boxes: dict[str, FancyBboxPatch] = {}
        xs, ys = zip(*positions.values(), strict=True)
        low = min(xs) - room[0] / 2.0 - MARGIN_IN, min(ys) - room[1] / 2.0 - MARGIN_IN - below
        high = max(xs) + room[0] / 2.0 + MARGIN_IN, max(ys) + room[1] / 2.0 + MARGIN_IN + HEADER_IN
        spare = max(LEAST_WIDTH_IN - (high[0] - low[0]), 0.0) / 2.0
        self.left, self.right = low[0] - spare, high[0] + spare
        self.bottom, self.top = low[1] - self._legend_in(), high[1]
        self.figure = style.Picture(figsize=(self.right - self.left, self.top - self.bottom))
        self.axes: Axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.set(xlim=(self.left, self.right), ylim=(self.bottom, self.top))
        self.axes.axis("off")

    @property
    def looks(self) -> dict[str, str]:
        """The colour of each kind of link; none where there are too many kinds."""
        kinds = list(dict.fromkeys(wire.look for wire in self.drawn))
        return dict(zip(kinds, COLOURS, strict=False)) if len(kinds) <= MOST_LOOKS else {}

    def title(self, model: Model) -> None:
        what = model.title or model.scenario
        links = "line width: how busy a link is at the declared load; " if any(w.busy for w in self.drawn) else ""
        below = f"{model.scenario}, variant {model.variant}; one-way latencies; {links}traffic in parentheses"
        x = self.left + 0.3
        self.axes.text(x, self.top - 0.26, what, fontsize=11, weight="bold", va="center")
        self.axes.text(x, self.top - 0.48, below, fontsize=SMALL, color=style.GREY, va="center")

    def vertices(self, model: Model) -> None:
        many = len(self.positions) > MOST_NAMED
        inhabited = {node.site for node in model.nodes} | {source.zone for source in model.sources}
        hosts = [self.positions[v] for v in self.positions if v in inhabited]
        crowded = len(hosts) > 12 and len({round(y, 3) for _, y in hosts}) == 1
        for name, (x, y) in self.positions.items():
            used = name in inhabited
            size = 5 if many else 9
            self.axes.plot(
                x, y, "o" if used else "s", markersize=size, color=style.BLUE if used else style.GREY, zorder=BOXES
            )
            if not many or (used and len(hosts) <= MOST_NAMED):
                self._name(self.places[name], x, y, turned=crowded and used)

    def _name(self, place: Place, x: float, y: float, *, turned: bool) -> None:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
        if turned:
            text = "  ".join([place.name, *place.lines])
            self.axes.text(x, y - 0.12, text, fontsize=SMALL, rotation=90, ha="center", va="top", zorder=LABELS)
            return
        text = "\n".join([*wrap(place.name, NAME_LETTERS), *place.lines])
        self.axes.text(x, y - 0.11, text, fontsize=SMALL, ha="center", va="top", bbox=box, zorder=LABELS)

    def zones(self) -> None:
        self._regions()
        for name, (x, y) in self.positions.items():
            place = self.places[name]
            height = _height_in(place)
            self.boxes[name] = FancyBboxPatch(
                (x - BOX_IN / 2.0, y - height / 2.0),
                BOX_IN,
                height,
                boxstyle="round,pad=0,rounding_size=0.06",
                facecolor="white",
                edgecolor=style.GREY,
                linewidth=0.9,
                zorder=BOXES,
            )
            self.axes.add_patch(self.boxes[name])
            at = y + height / 2.0 - 0.16
            self.axes.text(
                x - BOX_IN / 2.0 + 0.1, at, f"zone {name}", fontsize=NORMAL, weight="bold", va="center", zorder=LABELS
            )
            for line in place.lines:
                at -= LINE_IN
                self.axes.text(x - BOX_IN / 2.0 + 0.1, at, line, fontsize=SMALL, va="center", zorder=LABELS)

    def _regions(self) -> None:
        members: dict[str, list[str]] = {}
        for name in self.positions:
            if self.places[name].region:
                members.setdefault(self.places[name].region, []).append(name)
        for region, names in members.items() if len(members) > 1 else ():
            xs, ys = [self.positions[n][0] for n in names], [self.positions[n][1] for n in names]
            tall = max(_height_in(self.places[n]) for n in names)
            low = min(xs) - BOX_IN / 2.0 - 0.2, min(ys) - tall / 2.0 - 0.2
            size = max(xs) - min(xs) + BOX_IN + 0.4, max(ys) - min(ys) + tall + 0.6
            self.axes.add_patch(Rectangle(low, *size, facecolor=style.PALE, linewidth=0, zorder=0))
            self.axes.text(low[0] + 0.1, low[1] + size[1] - 0.15, f"region {region}", fontsize=NORMAL, color=style.GREY)

    def wires(self) -> None:
        """Between boxes that stand already."""
        for wire in self.drawn:
            self._wire(wire)
        self._legend()

    def _wire(self, wire: Wire) -> None:
        (x0, y0), (x1, y1) = (self.positions[end] for end in wire.ends)
        colour = style.VERMILLION if wire.is_full else self.looks.get(wire.look, style.GREY)
        bend = 0.12 if wire.one_way else 0.0
        self.axes.add_patch(
            FancyArrowPatch(
                (x0, y0),
                (x1, y1),
                arrowstyle="-|>" if wire.one_way else "-",
                connectionstyle=f"arc3,rad={bend}",
                mutation_scale=10,
                patchA=self.boxes.get(wire.ends[0]),
                patchB=self.boxes.get(wire.ends[1]),
                shrinkA=0 if self.boxes else 6,
                shrinkB=0 if self.boxes else 6,
                color=colour,
                linewidth=0.9 + 3.0 * min(wire.busy, 1.0),
                zorder=LINKS,
            )
        )
        busy = [words.percentage(wire.busy)] if wire.busy >= LEAST_SHOWN and len(self.drawn) <= 2 * MOST_LABELS else []
        label = ", ".join([*([] if self.looks or len(self.drawn) > MOST_LABELS else [wire.look]), *busy])
        if label:
            x, y = (x0 + x1) / 2.0 + bend * (y1 - y0) / 2.0, (y0 + y1) / 2.0 - bend * (x1 - x0) / 2.0
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.7}
            self.axes.text(x, y, label, fontsize=SMALL, ha="center", va="center", color=colour, bbox=box, zorder=LABELS)

    def _legend_in(self) -> float:
        return 0.2 * (len(self.looks) or 1)

    def _legend(self) -> None:
        """What the colours mean; of too many kinds of links, which there are not room to label, their number."""
        kinds = len({wire.look for wire in self.drawn})
        if self.looks:
            handles = [Line2D([], [], color=colour, label=look) for look, colour in self.looks.items()]
        elif len(self.drawn) > MOST_LABELS:
            handles = [Line2D([], [], color=style.GREY, label=f"{len(self.drawn)} links of {kinds} kinds")]
        else:
            return
        if any(wire.is_full for wire in self.drawn):
            handles.append(Line2D([], [], color=style.VERMILLION, label="full first"))
        self.axes.legend(handles=handles, loc="lower left", fontsize=SMALL, borderpad=0.8)


def _height_in(place: Place) -> float:
    return 0.32 + LINE_IN * len(place.lines)
