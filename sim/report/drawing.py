"""Boxes, arrows and bars on a picture that is measured in inches."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import networkx as nx
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

from sim.analysis import words
from sim.report import style
from sim.report.boxes import Box, rows_of
from sim.report.layers import Layout

Point = tuple[float, float]

BOX_IN, SOURCE_IN, CELL_IN = 1.75, 1.4, 1.45
COLUMN_GAP_IN, ROW_GAP_IN, CELL_GAP_IN = 1.0, 0.3, 0.13
LINE_IN, PADDING_IN, MARGIN_IN = 0.165, 0.085, 0.3
HEADER_IN, BAND_IN = 0.75, 0.3
FOOTER_LINE_IN, FOOTER_LINES = 0.17, 3
BAR_IN, BAR_LINES = 0.055, 1.3
LEAST_WIDTH_IN = 7.5
SMALL, NORMAL, LARGE = 7.5, 8.5, 11.0
FILL, BAND, LINE = "#FFFFFF", "#F1F3F4", "#9AA0A6"
BEHIND, ARROWS, BOXES, LABELS = 0, 1, 2, 3
LABEL_PLACES = (0.5, 0.38, 0.62, 0.28, 0.72)
"""Where on the last stretch of an arrow its label may stand, the preferred place first."""


def box_height_in(box: Box) -> float:
    rows = 1 + len(box.lines) + len(box.broken) + (BAR_LINES if box.bar is not None else 0.0)
    return rows * LINE_IN + 2.0 * PADDING_IN


class Drawing:
    """A graph of boxes above rows of cells. Coordinates are inches from the lower left corner."""

    def __init__(self, boxes: Mapping[str, Box], graph: nx.DiGraph, layout: Layout, cells: Sequence[Box]) -> None:
        self.boxes, self.graph, self.layout, self.cells = boxes, graph, layout, cells
        columns = max(layout.layer.values(), default=0)
        self.width = max(LEAST_WIDTH_IN, self._left(columns + 1) - COLUMN_GAP_IN + MARGIN_IN)
        self.bands = list(self._bands())
        self.cells_height = sum(height for _, height in self.bands)
        tops = [y + box_height_in(boxes[key]) / 2.0 for key, y in layout.y.items()]
        bottoms = [y - box_height_in(boxes[key]) / 2.0 for key, y in layout.y.items()]
        lanes = [y for lane in layout.lanes.values() for y in lane]
        self.graph_height = max([*tops, *lanes]) - min([*bottoms, *lanes]) + (ROW_GAP_IN if layout.back else 0.0)
        self.foot = FOOTER_LINE_IN * FOOTER_LINES + 0.1
        self.height = HEADER_IN + self.graph_height + 0.3 + self.cells_height + self.foot
        self.middle = self.height - HEADER_IN - max([*tops, *lanes])
        self.picture = style.Picture(figsize=(self.width, self.height))
        self.axes = self.picture.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.set(xlim=(0.0, self.width), ylim=(0.0, self.height))
        self.axes.axis("off")
        self.taken: list[tuple[float, float, float]] = []
        """Centres and widths of the labels that stand already."""

    def draw(self) -> None:
        ports = self._ports()
        for edge in self.graph.edges:
            if edge in self.layout.back:
                self._arrow_back(edge[0], edge[1])
            else:
                self._arrow(edge[0], edge[1], ports[edge])
        for key, box in self.boxes.items():
            width = SOURCE_IN if self.layout.layer[key] == 0 else BOX_IN
            self._box(box, self._left(self.layout.layer[key]), self._y(key), width, round_=self.layout.layer[key] == 0)
        self._draw_cells()

    def title(self, text: str, below: str) -> None:
        room = self.width - 2.0 * MARGIN_IN
        self._text(
            MARGIN_IN, self.height - 0.24, _short(text, room, LARGE, "bold"), LARGE, weight="bold", color="black"
        )
        self._text(MARGIN_IN, self.height - 0.45, f"{below}; attempts a second and utilizations at the declared load")

    def footnote(self, text: str) -> None:
        letters = int((self.width - 2.0 * MARGIN_IN) * len(text) / max(_width_in(text, NORMAL), 1e-9))
        for number, line in enumerate(textwrap.wrap(text, max(letters - 3, 20))[:FOOTER_LINES]):
            self._text(MARGIN_IN, self.foot - 0.12 - number * FOOTER_LINE_IN, line, NORMAL, color=style.BLACK)

    # Boxes

    def _box(self, box: Box, left: float, y: float, width: float, *, round_: bool = False) -> None:
        """A box whose middle is at height y."""
        height = box_height_in(box)
        colour = style.VERMILLION if box.is_full else LINE
        corner = 0.16 if round_ else 0.05
        patch = FancyBboxPatch(
            (left, y - height / 2.0),
            width,
            height,
            boxstyle=f"round,pad=0,rounding_size={corner}",
            facecolor=FILL,
            edgecolor=colour,
            linewidth=1.8 if box.is_full else 0.9,
            zorder=BOXES,
        )
        self.axes.add_patch(patch)
        at, line = y + height / 2.0 - PADDING_IN - LINE_IN / 2.0, left + 0.1
        self._text(line, at, _short(box.name, width - 0.2, NORMAL, "bold"), NORMAL, weight="bold", color=style.BLACK)
        for text in box.lines:
            at -= LINE_IN
            self._text(line, at, _short(text, width - 0.2))
        for text in box.broken:
            at -= LINE_IN
            self._text(line, at, _short(f"✕ {text}", width - 0.2), color=style.VERMILLION)
        if box.bar is not None:
            self._bar(box, line, at - LINE_IN, width - 0.2)

    def _bar(self, box: Box, left: float, y: float, width: float) -> None:
        assert box.bar is not None
        busy = box.bar.utilization
        colour = style.VERMILLION if box.is_full else style.BLUE
        what = words.CAPACITIES[box.bar.kind]
        text = f"{what} {words.percentage(busy)}" + (", full first" if box.is_full else "")
        self._text(left, y, _short(text, width), color=colour)
        low = y - LINE_IN / 2.0 - BAR_IN / 2.0
        self.axes.add_patch(Rectangle((left, low), width, BAR_IN, facecolor=style.PALE, linewidth=0, zorder=LABELS))
        share = min(busy, 1.0) if math.isfinite(busy) else 1.0
        self.axes.add_patch(Rectangle((left, low), width * share, BAR_IN, facecolor=colour, linewidth=0, zorder=LABELS))

    # Nodes

    def _bands(self) -> Iterator[tuple[list[tuple[str, list[Box]]], float]]:
        """Rows of zones with their cells, and the height of each row."""
        room = self.width - 2.0 * MARGIN_IN
        most = max(1, int((room - CELL_GAP_IN) / (CELL_IN + CELL_GAP_IN)))
        row: list[tuple[str, list[Box]]] = []
        for zone, cells in rows_of(self.cells):
            for start in range(0, len(cells), most):
                piece = cells[start : start + most]
                if row and sum(_zone_width(c) + CELL_GAP_IN for _, c in row) + _zone_width(piece) > room:
                    yield row, self._band_height(row)
                    row = []
                row.append((zone, piece))
        if row:
            yield row, self._band_height(row)

    def _band_height(self, row: list[tuple[str, list[Box]]]) -> float:
        return max(box_height_in(box) for _, cells in row for box in cells) + BAND_IN + 2.0 * CELL_GAP_IN

    def _draw_cells(self) -> None:
        top = self.foot + self.cells_height
        named = len({cell.zone for cell in self.cells}) > 1
        for row, height in self.bands:
            left = MARGIN_IN
            for zone, cells in row:
                self._zone(f"zone {zone}" if named else "nodes", cells, left, top, height - CELL_GAP_IN)
                left += _zone_width(cells) + CELL_GAP_IN
            top -= height

    def _zone(self, name: str, cells: list[Box], left: float, top: float, height: float) -> None:
        width = _zone_width(cells)
        self.axes.add_patch(Rectangle((left, top - height), width, height, facecolor=BAND, linewidth=0, zorder=BEHIND))
        self._text(left + CELL_GAP_IN, top - BAND_IN / 2.0 - 0.02, name, NORMAL)
        for number, cell in enumerate(cells):
            at = left + CELL_GAP_IN + number * (CELL_IN + CELL_GAP_IN)
            self._box(cell, at, top - BAND_IN - box_height_in(cell) / 2.0, CELL_IN)

    # Arrows

    def _arrow(self, a: str, b: str, ports: Point) -> None:
        """Through the lanes of the layers between, as a smooth line."""
        layer_a, layer_b = self.layout.layer[a], self.layout.layer[b]
        out = self._left(layer_a) + (SOURCE_IN if layer_a == 0 else BOX_IN)
        start, corners = (out, ports[0]), []
        for number, lane in enumerate(self.layout.lanes[a, b], layer_a + 1):
            y = self.middle + lane
            corners += [(self._left(number), y), (self._left(number) + BOX_IN, y)]
        points = [start, *corners, (self._left(layer_b), ports[1])]
        vertices, codes = [start], [Path.MOVETO]
        for number, (before, after) in enumerate(pairwise(points)):
            if number % 2 == 1:
                vertices, codes = [*vertices, after], [*codes, Path.LINETO]
            else:
                half = (before[0] + after[0]) / 2.0
                vertices = [*vertices, (half, before[1]), (half, after[1]), after]
                codes = [*codes, *[Path.CURVE4] * 3]
        rate = self.graph.edges[a, b]["rate_per_s"]
        self._line(Path(vertices, codes), rate)
        self._label(points[-2], points[-1], rate)

    def _arrow_back(self, a: str, b: str) -> None:
        """From below a box to below an earlier one, dashed."""
        (x0, y0), (x1, y1) = (self._below(key, share) for key, share in ((a, 0.6), (b, 0.4)))
        low = min(y0, y1) - ROW_GAP_IN * 1.1
        path = Path([(x0, y0), (x0, low), (x1, low), (x1, y1)], [Path.MOVETO, *[Path.CURVE4] * 3])
        rate = self.graph.edges[a, b]["rate_per_s"]
        self._line(path, rate, linestyle=(0, (4, 2)))
        middle = (x0 + x1) / 2.0
        self._label((middle - 0.1, low + 0.07), (middle + 0.1, low + 0.07), rate)

    def _line(self, path: Path, rate: float, **look: object) -> None:
        most = max((r for *_, r in self.graph.edges(data="rate_per_s") if r > 0.0), default=1.0)
        width = 0.8 + (1.4 * math.sqrt(rate / most) if rate > 0.0 else 0.0)
        unknown = {"linestyle": (0, (1, 2))} if math.isnan(rate) else {}
        self.axes.add_patch(
            FancyArrowPatch(
                path=path,
                arrowstyle="-|>",
                mutation_scale=9,
                color=style.GREY,
                linewidth=width,
                zorder=ARROWS,
                joinstyle="miter",
                **{**unknown, **look},  # type: ignore[arg-type]
            )
        )

    def _label(self, before: Point, after: Point, rate: float) -> None:
        """The rate on an arrow, where it covers no other label."""
        text = "?" if math.isnan(rate) else words.rate(rate)
        width = _width_in(text, SMALL) + 0.06
        spots = [_on_curve(before, after, share) for share in LABEL_PLACES]
        free = [spot for spot in spots if not any(_overlap(spot, width, *other) for other in self.taken)]
        x, y = (free or spots)[0]
        self.taken.append((x, y, width))
        patch = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        self.axes.text(
            x, y, text, fontsize=SMALL, color=style.GREY, ha="center", va="center", bbox=patch, zorder=LABELS
        )

    def _ports(self) -> dict[tuple[str, str], Point]:
        """Heights at which each arrow leaves and arrives: spread over the sides of its boxes, without crossings."""
        leaving: dict[tuple[str, str], float] = {}
        arriving: dict[tuple[str, str], float] = {}
        forward = [edge for edge in self.graph.edges if edge not in self.layout.back]
        for key in self.boxes:
            out, into = [e for e in forward if e[0] == key], [e for e in forward if e[1] == key]
            leaving |= self._spread(key, out, [[*self.layout.lanes[e], self.layout.y[e[1]]][0] for e in out])
            arriving |= self._spread(key, into, [[self.layout.y[e[0]], *self.layout.lanes[e]][-1] for e in into])
        return {edge: (leaving[edge], arriving[edge]) for edge in forward}

    def _spread(self, key: str, edges: list[tuple[str, str]], towards: list[float]) -> dict[tuple[str, str], float]:
        room = box_height_in(self.boxes[key]) * 0.55
        ordered = [edge for _, edge in sorted(zip(towards, edges, strict=True), key=lambda pair: pair[0])]
        step = room / max(len(ordered), 2)
        return {edge: self._y(key) + (number - (len(ordered) - 1) / 2.0) * step for number, edge in enumerate(ordered)}

    # Places and text

    def _left(self, layer: int) -> float:
        return (
            MARGIN_IN if layer == 0 else MARGIN_IN + SOURCE_IN + COLUMN_GAP_IN + (layer - 1) * (BOX_IN + COLUMN_GAP_IN)
        )

    def _y(self, key: str) -> float:
        return self.middle + self.layout.y[key]

    def _below(self, key: str, share: float) -> Point:
        return self._left(self.layout.layer[key]) + BOX_IN * share, self._y(key) - box_height_in(self.boxes[key]) / 2.0

    def _text(self, x: float, y: float, text: str, size: float = SMALL, **look: object) -> None:
        look = {"color": style.GREY, **look}
        self.axes.text(x, y, text, fontsize=size, ha="left", va="center", zorder=LABELS, **look)  # type: ignore[arg-type]


def _width_in(text: str, size: float, weight: str = "normal") -> float:
    """Of a line of text."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(size=size, weight=weight), ismath=False
    )
    return float(width) / 72.0


def _short(text: str, width: float, size: float = SMALL, weight: str = "normal") -> str:
    """The text, cut where it would be too long."""
    if _width_in(text, size, weight) <= width:
        return text
    fits = next(n for n in range(len(text) - 1, -1, -1) if _width_in(text[:n] + "…", size, weight) <= width)
    return text[:fits] + "…"


def _zone_width(cells: Sequence[Box]) -> float:
    return len(cells) * (CELL_IN + CELL_GAP_IN) + CELL_GAP_IN


def _on_curve(before: Point, after: Point, t: float) -> Point:
    """On the curve that leaves and arrives level."""
    bend = 3.0 * t**2 - 2.0 * t**3
    half = (before[0] + after[0]) / 2.0
    x = (1 - t) ** 3 * before[0] + 3 * (1 - t) * t * half + t**3 * after[0]
    return x, before[1] + (after[1] - before[1]) * bend


def _overlap(spot: Point, width: float, x: float, y: float, other: float) -> bool:
    return abs(spot[0] - x) < (width + other) / 2.0 and abs(spot[1] - y) < LINE_IN * 0.9
