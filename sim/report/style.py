"""The one style of all pictures: colours that colour-blind people tell apart, quiet axes, legends beside the data."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from textwrap import fill
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
"""Okabe & Ito, Color Universal Design, 2008; without their yellow, which is too pale for lines on white."""
DASHES = ("solid", (0, (5, 1.5)), (0, (1.2, 1.2)))
"""Line styles; the next one begins where the colours do again."""
THICKEST, THINNEST = 3.2, 1.4
"""Line widths of the first and the last variant: curves that coincide stay visible under each other."""
GREY, PALE, FAULT = "#5F6368", "#ECEDEF", "#F6D9D5"
BAND_ALPHA, BANDS_ALPHA = 0.18, 0.4
"""Opacity of one band, and of all bands together."""
STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": PALE,
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
}
WIDTH_IN, PANEL_HEIGHT_IN = 8.0, 3.6
DPI, SCREEN_DPI = 144, 96
"""Of files, and of the room that a picture takes on a screen."""
TITLE_LETTERS = 80
"""On a line."""
QUANTILES = {"p50": 0.5, "p90": 0.1, "p99": 0.01, "p99.9": 0.001, "p99.99": 1e-4, "p99.999": 1e-5}
TICK_STEPS = ((1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))

P = ParamSpec("P")
R = TypeVar("R")


class Picture(Figure):
    """A figure that belongs to no global state and that a notebook shows without any set-up."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI)
        width_in, height_in = self.get_size_inches()
        return buffer.getvalue(), {"width": round(width_in * SCREEN_DPI), "height": round(height_in * SCREEN_DPI)}


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in the style of this module, whatever the user's own settings are."""

    @wraps(draw)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(STYLE)
            return draw(*args, **kwargs)

    return in_style


def panels(count: int, *, columns: int, **options: Any) -> tuple[Picture, list[Axes]]:
    """A picture of so many axes, row by row."""
    columns = min(columns, count)
    figure, grid = grid_of(-(-count // columns), columns, **options)
    axes = [axes for row in grid for axes in row]
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[:count]


def grid_of(
    rows: int, columns: int, *, height_in: float = PANEL_HEIGHT_IN, **options: Any
) -> tuple[Picture, list[list[Axes]]]:
    """A picture of rows of axes, each row so many inches high."""
    figure = Picture(figsize=(WIDTH_IN, 0.9 + height_in * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [list(row) for row in grid]


def heading(figure: Figure, title: str, variants: Sequence[str]) -> None:
    """The title and, below it, what the lines stand for: above the axes, where they cover no data."""
    looks = line_styles(variants)
    handles = [Line2D([], [], label=variant, **looks[variant]) for variant in variants] if len(variants) > 1 else []
    legend(figure, title, handles)


def legend(figure: Figure, title: str, handles: Sequence[Any]) -> None:
    columns = max(1, min(len(handles), 105 // (8 + max((len(str(h.get_label())) for h in handles), default=1))))
    bold = {"size": 11, "weight": "bold"}
    figure.legend(
        handles=list(handles), title=fill(title, TITLE_LETTERS), title_fontproperties=bold, alignment="left",
        loc="outside upper left", ncols=columns, borderaxespad=0.4, borderpad=0.1, columnspacing=1.6,
    )  # fmt: skip


def footnote(figure: Figure, *sentences: str) -> None:
    figure.supxlabel("\n".join(sentences), x=0.008, ha="left", fontsize=8, color=GREY)


def line_styles(variants: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour, dashes and width of each variant, the same in every picture of the same results."""
    widths = np.linspace(THICKEST if len(variants) > 1 else 1.8, THINNEST, len(variants))
    return {
        variant: {
            "color": COLOURS[number % len(COLOURS)],
            "linestyle": DASHES[number // len(COLOURS) % len(DASHES)],
            "linewidth": float(widths[number]),
        }
        for number, variant in enumerate(variants)
    }


def draw_spread(
    axes: Axes,
    x: np.ndarray,
    each: np.ndarray,
    looks: Mapping[str, Mapping[str, Any]],
    variant: str,
    split: Collection[str],
) -> None:
    """The replications around a variant's line: a band from the least to the greatest, the paler the more variants; or
    thin lines for one that is `split`, since between two fates there is nothing.

    Args:
        x: shape (points,).
        each: shape (replications, points); nan where a replication has no value.
    """
    colour = looks[variant]["color"]
    if variant in split:
        axes.plot(x, each.T, color=colour, linewidth=0.6, alpha=0.6)
        return
    alpha = min(BAND_ALPHA, BANDS_ALPHA / len(looks))
    axes.fill_between(x, np.nanmin(each, axis=0), np.nanmax(each, axis=0), color=colour, alpha=alpha, linewidth=0)


def label_ends(
    axes: Axes, heights: Mapping[str, float], labels: Mapping[str, str], looks: Mapping[str, Mapping[str, Any]]
) -> None:
    """Labels right of the axes at these heights of a logarithmic axis, moved apart where they would overlap."""
    low, high = np.log(axes.get_ylim())
    line = 11 / 72 / (PANEL_HEIGHT_IN - 0.6)
    taken = -np.inf
    for variant in sorted(heights, key=heights.__getitem__):
        taken = max((math.log(heights[variant]) - low) / (high - low), taken + line)
        axes.annotate(
            labels[variant], (1.0, taken), xycoords="axes fraction", xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=8, color=looks[variant]["color"], annotation_clip=False,
        )  # fmt: skip


def as_time(seconds: float) -> str:
    """`250 µs`, `5 ms`, `2 s`."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale * (1 - 1e-9):
            return f"{seconds / scale:.4g} {unit}"
    return f"{seconds / 1e-9:.4g} ns"


def as_percentage(share: float) -> str:
    """Two significant digits and no exponent: `2.6 %`, `0.034 %`."""
    percent = 100 * share
    decimals = max(0, 1 - math.floor(math.log10(percent))) if percent > 0 else 0
    text = f"{percent:.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def logarithmic_times(axes: Axes, low_s: float, high_s: float, ticks: int) -> None:
    """A logarithmic axis of times with about so many ticks that a person reads."""
    decades = math.log10(high_s / low_s)
    steps = next((steps for steps in TICK_STEPS if len(steps) * decades <= ticks), TICK_STEPS[-1])
    axes.set_xscale("log")
    axes.set_xlim(low_s, high_s)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: as_time(value)))
    axes.xaxis.set_minor_locator(NullLocator())


def quantile_axis(axes: Axes, low: float) -> None:
    """A logarithmic axis of the shares beyond: 1 % is where p99 is read."""
    marks = {name: share for name, share in QUANTILES.items() if share > low}
    axes.set_yscale("log")
    axes.set_ylim(low, 1.15)
    axes.yaxis.set_minor_locator(NullLocator())
    labels = [f"{name}  {as_percentage(share):\N{FIGURE SPACE}>5}" for name, share in marks.items()]
    axes.set_yticks([1.0, *marks.values()], ["100 %", *labels])
