"""The forest plot holds the differences, their intervals and their verdicts."""

from __future__ import annotations

import math
from typing import Any

import pytest
from matplotlib.colors import to_hex

from sim.report import style
from sim.report.forest import forest
from tests.report.made import comparison, difference, withheld

THREE = comparison(
    difference("throughput_per_s", -2.0, 6.0, "equal"),
    difference("latency_p99_s", -0.04, -0.02, "differs"),
    difference("availability", -0.02, -0.01, "differs"),
    difference("latency_mean_s", 0.001, 0.002, "differs"),
)


def panel(figure: Any, title: str) -> Any:
    return next(axes for axes in figure.axes if axes.get_title("left") == title)


def intervals(axes: Any) -> list[tuple[float, float]]:
    return [tuple(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 2.0]


def points(axes: Any) -> list[Any]:
    return [line for line in axes.lines if line.get_marker() not in ("None", "")]


def test_a_panel_a_primary_metric_in_its_own_unit() -> None:
    figure = forest(THREE)
    assert [axes.get_title("left") for axes in figure.axes] == ["throughput", "p99", "availability"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["per second", "ms", "percentage points"]
    assert intervals(panel(figure, "throughput")) == [(-2.0, 6.0)]
    assert intervals(panel(figure, "p99")) == [pytest.approx((-40.0, -20.0))]
    assert intervals(panel(figure, "availability")) == [pytest.approx((-2.0, -1.0))]


def test_colour_and_marker_say_what_it_means() -> None:
    figure = forest(THREE)
    looks = {
        axes.get_title("left"): (to_hex(point.get_color()).upper(), point.get_marker())
        for axes in figure.axes
        for point in points(axes)
    }
    assert looks == {
        "throughput": (style.GREY, "s"), "p99": (style.BLUE, "o"), "availability": (style.VERMILLION, "D"),
    }  # fmt: skip
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["equal", "better", "worse", "counts as equal"]


def test_undecided_is_hollow() -> None:
    (point,) = points(forest(comparison(difference("latency_p99_s", -0.01, 0.02, "undecided"))).axes[0])
    assert point.get_markerfacecolor() == "white"


def test_words_say_how_much_and_what_share_of_the_baseline() -> None:
    texts = [text.get_text() for axes in forest(THREE).axes for text in axes.texts]
    assert texts == ["+2.0 /s (+0.5 %)", "−30 ms (−30 %)", "−1.50 points"]


def test_the_margin_and_zero_are_in_sight() -> None:
    axes = panel(forest(THREE), "p99")
    (band,) = axes.collections
    xs = [x for x, _ in band.get_paths()[0].vertices]
    assert (min(xs), max(xs)) == pytest.approx((-5.0, 5.0))
    low, high = axes.get_xlim()
    assert low < -40.0
    assert high > 5.0


def test_what_is_not_compared_shows_both_values() -> None:
    axes = forest(comparison(withheld("latency_p99_s", math.inf, 0.5, "among the failures"))).axes[0]
    assert [text.get_text() for text in axes.texts] == ["∞ → 500.0 ms"]
    assert not points(axes)


def test_rows_are_sources_and_variants_in_order() -> None:
    made = [
        difference("availability", 0.0, 0.01, "undecided", variant=variant, source=source)
        for variant in ("b", "c")
        for source in ("users", "robots")
    ]
    axes = forest(comparison(*made)).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[::-1] == ["users", "b", "c", "robots", "b", "c"]
    drawn = sorted(float(point.get_ydata()[0]) for point in points(axes))
    assert drawn == [n for n, name in enumerate(names) if name in "bc"]
