"""What `dsim compare` prints of known comparisons, and what notebooks show."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
from rich.console import Console

from sim.experiment import Results
from sim.experiment.origin import Origin
from sim.experiment.outline import outline
from sim.report import print_comparison
from sim.report.comparison import exploratory, notes, pairing, side_by_side
from sim.report.grid import Grid, to_html, within
from sim.report.metrics import name_of
from sim.report.numbers import signed
from sim.scenario.resolved import plain
from sim.statistics import Estimate
from tests.experiment import fakes
from tests.report.made import comparison, difference, withheld

VARIANTS = ("base", "other", "a_third_one", "the_fourth", "number_five", "and_the_last_one")


def results(variants: tuple[str, ...] = VARIANTS, **changes: Any) -> Results:
    runs = [fakes.run(v, r, **(changes if v != "base" else {})) for v in variants for r in range(3)]
    origin = Origin(texts={"title": "A title", "question": "Which one is it?"})
    return Results({v: outline(plain(fakes.model(v))) for v in variants}, runs, wall_s=0.1, origin=origin)


def printed(what: Results, width: int) -> str:
    buffer = io.StringIO()
    print_comparison(what, what.compare(), Console(file=buffer, width=width))
    return buffer.getvalue()


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = printed(results(failed=30), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    for variant in VARIANTS:
        assert variant in text
    assert text.startswith("A title\nWhich one is it?\n")


def test_a_narrow_terminal_has_several_tables_each_with_the_baseline() -> None:
    wide, narrow = printed(results(), 140), printed(results(), 80)
    assert narrow.count("base (baseline)") > wide.count("base (baseline)") == 2


def test_every_verdict_is_printed_before_what_is_exploratory() -> None:
    text = printed(results(("base", "other"), failed=60), 140)
    head, _, tail = text.partition("Exploratory: each 95 % by itself")
    compared = results(("base", "other"), failed=60).compare()
    for of in compared.differences:
        if of.primary:
            assert " ".join(of.sentence.split()) in " ".join(head.split())
    assert "p99 ok" not in head.partition("Verdicts")[2]
    assert "other/users: " in tail


def test_rows_are_metrics_the_primary_first() -> None:
    made = comparison(
        difference("latency_mean_s", 0.001, 0.003, "differs"),
        difference("availability", -0.02, -0.01, "differs"),
        difference("latency_p99_s", -0.04, -0.02, "differs"),
    )
    grid = side_by_side(made, "users")
    assert grid.headers == ["", "base (baseline)", "other"]
    assert [row[0] for row in grid.rows] == ["availability %", "p99 ms", "mean ms"]
    assert list(grid.lines) == [1]
    assert grid.rows[1] == ["p99 ms", "100.0 ±1.0", "70 ±10"]


def test_metrics_that_say_the_same_stand_once() -> None:
    headings = [row[0] for row in side_by_side(results().compare(), "robots").rows]
    assert "p99 ms" in headings
    assert "p99 ok ms" not in headings
    failing = [row[0] for row in side_by_side(results(failed=30).compare(), "users").rows]
    assert "p99 ok ms" in failing


def test_exploratory_differences_are_listed_where_they_differ() -> None:
    made = comparison(
        difference("availability", -0.02, -0.01, "differs"),
        difference("latency_mean_s", 0.001, 0.003, "differs"),
        difference("latency_mean_s", -0.001, 0.003, "undecided", variant="third"),
    )
    assert list(exploratory(made)) == ["other: mean +2.0 ms"]


def test_correlations_with_what_they_gain() -> None:
    made = comparison(
        difference("latency_p99_s", -0.04, -0.02, "differs", correlation=-0.5),
        difference("availability", 0.0, 0.0, "equal", correlation=math.nan),
    )
    assert pairing(made).rows == [["other", "−0.50 (× 0.25)", "–"]]


def test_notes_say_why_numbers_are_missing() -> None:
    made = comparison(
        withheld("latency_p99_s", math.inf, 0.5, "among the failures"),
        difference("availability", 0.0, 0.01, "undecided"),
        difference("latency_mean_s", 0.0, 0.01, "undecided"),
    )
    assert notes(made) == ["p99 of base: among the failures"]


def test_notebooks_show_tables_and_verdicts() -> None:
    html = (comparison(difference("latency_p99_s", -0.04, -0.02, "differs", sentence="a < b & c")))._repr_html_()
    assert html.count("<table>") == 3
    assert "a &lt; b &amp; c" in html
    assert "better" in html
    shown = results(("base", "other"))._repr_html_()
    assert "A title" in shown
    assert "Fault “db dies”" in shown


def test_a_grid_is_cut_where_the_terminal_ends() -> None:
    grid = Grid("t", ["name", "first", "second", "third"], [["x", "1", "2", "3"]])
    assert [part.headers for part in within(grid, 80, repeated=1)] == [["name", "first", "second", "third"]]
    narrow = within(grid, 25, repeated=1)
    assert [part.headers for part in narrow] == [["name", "first", "second"], ["name", "third"]]
    assert narrow[1].rows == [["x", "3"]]
    assert "<td style='text-align:left'>x</td>" in to_html(grid)


@pytest.mark.parametrize(
    "metric, name",
    [
        ("latency_p999_ok_s", "p99.9 ok"),
        ("throughput_per_s", "throughput"),
        ("window_availability", "window availability"),
    ],
)
def test_names_of_metrics(metric: str, name: str) -> None:
    assert name_of(metric) == name


@pytest.mark.parametrize(
    "estimate, text",
    [
        (Estimate(-0.0381, -0.040, -0.036), "−38.1"),
        (Estimate(0.0, -0.001, 0.001), "0.0"),
        (Estimate(0.0052), "+5.200"),
        (Estimate(math.inf), "+∞"),
        (Estimate(-math.inf), "−∞"),
        (Estimate(math.nan), "–"),
    ],
)
def test_signed_differences(estimate: Estimate, text: str) -> None:
    assert signed(estimate, 0.001) == text
