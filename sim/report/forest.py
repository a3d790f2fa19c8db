"""The forest plot: every variant's difference from the baseline, with its interval and what it means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.experiment.comparison import Comparison, Difference
from sim.report import style
from sim.report.meaning import Meaning, meaning_of
from sim.report.metrics import Unit, name_of, unit_of
from sim.report.numbers import MINUS, MISSING, plain, signed

ROW_HEIGHT_IN, AXIS_HEIGHT_IN = 0.5, 0.6
HALF_BAND = 0.36
"""Of what counts as equal, in rows."""
POINTS = "points"
Row = tuple[str, str | None]
"""A source and a variant, or a source alone."""
TEXT: dict[str, Any] = {
    "ha": "center",
    "fontsize": 8,
    "path_effects": [withStroke(linewidth=2.5, foreground="white")],
}


@dataclass(frozen=True, slots=True)
class Sign:
    """How a verdict looks. Colour and shape say the same."""

    label: str
    colour: str
    marker: str
    filled: bool = True


SIGNS: dict[Meaning, Sign] = {
    "better": Sign("better", style.BLUE, "o"),
    "worse": Sign("worse", style.VERMILLION, "D"),
    "differs": Sign("differs", style.BLACK, "o"),
    "equal": Sign("equal", style.GREY, "s"),
    "undecided": Sign("undecided", style.GREY, "o", filled=False),
}


@style.styled
def forest(comparison: Comparison) -> Figure:
    """A panel a primary metric, in its own unit; a row a variant (below the name of its source, where there are
    several), with the interval of its difference from the baseline, absolute and relative to the baseline's value."""
    primary = [difference for difference in comparison.differences if difference.primary]
    metrics = list(dict.fromkeys(difference.metric for difference in primary))
    rows = _rows(primary)
    height_in = AXIS_HEIGHT_IN + ROW_HEIGHT_IN * len(rows)
    figure, (panels,) = style.grid_of(1, len(metrics), height_in=height_in, sharey=True)
    for axes, metric in zip(panels, metrics, strict=True):
        _draw(axes, [difference for difference in primary if difference.metric == metric], rows)
    _name_rows(panels[0], rows)
    signs = dict.fromkeys(SIGNS[meaning_of(difference)] for difference in primary)
    style.legend(
        figure,
        f"Difference from {comparison.baseline}",
        [*map(_handle, signs), Patch(color=style.PALE, label="counts as equal")],
    )
    style.footnote(figure, f"{comparison.replications} replications in pairs; 95 % intervals that hold all at once.")
    return figure


def _rows(differences: Sequence[Difference]) -> list[Row]:
    """Downwards."""
    sources: dict[str, dict[Row, None]] = {}
    for of in differences:
        sources.setdefault(of.source, {})[of.source, of.variant] = None
    if len(sources) == 1:
        return [row for rows in sources.values() for row in rows]
    return [row for source, rows in sources.items() for row in ((source, None), *rows)]


def _draw(axes: Axes, differences: Sequence[Difference], rows: Sequence[Row]) -> None:
    metric = differences[0].metric
    unit = unit_of(metric, [value for d in differences for value in (d.base.value, d.other.value)])
    axes.set_title(name_of(metric))
    axes.axvline(0, color=style.GREY, linewidth=1.0, zorder=1)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0, labelcolor=style.BLACK)
    for difference in differences:
        row = rows.index((difference.source, difference.variant))
        _draw_row(axes, difference, len(rows) - 1 - row, unit)
    _set_axis(axes, differences, unit)


def _draw_row(axes: Axes, of: Difference, y: int, unit: Unit) -> None:
    value, margin = of.difference.value / unit.scale, of.margin / unit.scale
    if math.isfinite(margin):
        axes.fill_betweenx([y - HALF_BAND, y + HALF_BAND], -margin, margin, color=style.PALE, linewidth=0, zorder=0)
    if not math.isfinite(value):
        axes.text(
            0.5, y, _beside(of, unit), transform=axes.get_yaxis_transform(), **TEXT, color=style.GREY, va="center"
        )
        return
    sign = SIGNS[meaning_of(of)]
    if of.difference.has_interval:
        ends = [of.difference.low / unit.scale, of.difference.high / unit.scale]
        axes.plot(ends, [y, y], color=sign.colour, linewidth=2.0, solid_capstyle="butt", label=of.variant)
    axes.plot([value], [y], **_point(sign))
    axes.annotate(in_words(of, unit), (value, y), xytext=(0, 6), textcoords="offset points", **TEXT, color=sign.colour)


def in_words(of: Difference, unit: Unit) -> str:
    """`−38.1 ms (−12 %)`: the second relative to the baseline's value, where that says something."""
    text = f"{signed(of.difference, unit.scale)} {POINTS if unit.symbol == '%' else unit.symbol}"
    percent = of.base.value / 100
    if unit.symbol == "%" or not percent or not math.isfinite(percent):
        return text
    return f"{text} ({signed(of.difference, percent)} %)"


def _beside(of: Difference, unit: Unit) -> str:
    """`∞ → 538 ms`, where there is no difference to draw."""
    if math.isnan(of.base.value) and math.isnan(of.other.value):
        return MISSING
    return f"{plain(of.base.value / unit.scale)} → {plain(of.other.value / unit.scale)} {unit.symbol}"


def _set_axis(axes: Axes, differences: Sequence[Difference], unit: Unit) -> None:
    """From the least to the greatest end, margins and zero within, and room for the words."""
    ends = [end for d in differences for end in (d.difference.value, d.difference.low, d.difference.high)]
    ends += [end for d in differences for end in (-d.margin, d.margin)]
    finite = [end / unit.scale for end in ends if math.isfinite(end)]
    if not finite or min(finite) == max(finite):
        axes.set_xticks([])
        return
    room = (max(finite) - min(finite)) * 0.35
    axes.set_xlim(min(finite) - room, max(finite) + room)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", MINUS)))
    axes.set_xlabel({"%": "percentage points", "/s": "per second"}.get(unit.symbol, unit.symbol))


def _name_rows(axes: Axes, rows: Sequence[Row]) -> None:
    axes.set_yticks(range(len(rows)), [variant or source for source, variant in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.3)
    for label, (_, variant) in zip(axes.get_yticklabels(), reversed(rows), strict=True):
        if variant is None:
            label.set_fontweight("bold")


def _point(sign: Sign) -> dict[str, Any]:
    face = sign.colour if sign.filled else "white"
    return {"color": sign.colour, "marker": sign.marker, "markersize": 6, "markerfacecolor": face, "linestyle": "none"}


def _handle(sign: Sign) -> Line2D:
    return Line2D([], [], label=sign.label, **_point(sign))
