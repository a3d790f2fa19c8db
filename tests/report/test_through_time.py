"""The picture of a run through time holds the rates of its windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.experiment import Results
from sim.report.through_time import course, time_series
from tests.experiment import fakes

STARTS = np.arange(0.0, 12.0, 2.5)


def run(variant: str, replication: int, windows: int = len(STARTS)) -> Any:
    """Windows of 2.5 s (the last one of 2 s) with 100, 101 … ok and 5 failed requests of each source."""
    result = fakes.run(variant, replication)
    frames = [
        {
            "window_start_s": start,
            "kind": "source",
            "name": name,
            "offered": 105,
            "ok": 100 + n + 10 * replication,
            "good": 100 + n + 10 * replication,
            "failed": 5,
            "cancelled": 0,
        }
        for n, start in enumerate(STARTS[:windows])
        for name in ("users", "robots")
    ]
    result.series = pd.DataFrame(frames)
    if windows < len(STARTS):
        result.stopped, result.stopped_at_s = "stopped", STARTS[windows] - 0.5
    return result


def results(**changes: int) -> Results:
    runs = [run("base", 0), run("base", 2), run("other", 0), run("other", 1, **changes)]
    return Results({v: fakes.outlined(v) for v in ("base", "other")}, runs, wall_s=0.1)


def test_rates_are_per_second_of_the_window() -> None:
    found = course([run("base", 0)], "users", "ok")
    assert found.at_s.tolist() == [1.25, 3.75, 6.25, 8.75, 11.0]
    assert found.mean.tolist() == [40.0, 40.4, 40.8, 41.2, 52.0]


def test_lines_are_means_and_bands_the_range() -> None:
    found = course(results().of("base"), "users", "ok")
    assert found.mean[0] == pytest.approx(110 / 2.5)
    assert found.each[:, 0].tolist() == [100 / 2.5, 120 / 2.5]


def test_a_replication_that_stopped_counts_as_far_as_it_came() -> None:
    found = course(results(windows=3).of("other"), "users", "ok")
    assert len(found.mean) == 5
    assert found.mean[1] == pytest.approx((101 + 111) / 2 / 2.5)
    assert found.mean[2] == pytest.approx((102 / 2.5 + 112 / 2.0) / 2)
    assert found.mean[3] == pytest.approx(103 / 2.5)


def test_panels_hold_these_lines() -> None:
    figure = time_series(results())
    above, other_source, below, _ = figure.axes
    assert [axes.get_title("left") for axes in (above, other_source)] == ["users", "robots"]
    lines = {line.get_label(): line for line in above.lines}
    expected = course(results().of("other"), "users", "ok")
    np.testing.assert_array_equal(lines["other"].get_ydata(), expected.mean)
    np.testing.assert_array_equal(lines["other"].get_xdata(), expected.at_s)
    failed = next(line for line in below.lines if line.get_label() == "base")
    assert failed.get_ydata()[0] == pytest.approx(5 / 2.5)
    assert above.get_xlim() == (0.0, 12.0)


def spans(axes: Any) -> dict[str, tuple[float, float]]:
    return {patch.get_label(): (patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches}


def test_warmup_and_faults_are_shaded_and_named() -> None:
    axes = time_series(results(), "users").axes[0]
    assert spans(axes) == {"warm-up": (0.0, 2.0), "db dies": (4.0, 6.0)}
    assert [text.get_text() for text in axes.texts] == ["warm-up", "db dies"]


def test_a_fault_of_one_variant_that_lasts() -> None:
    found = results()
    for replication in found.of("other"):
        replication.faults = [("db dies", 4.0, math.inf)]
    for replication in found.of("base"):
        replication.faults = []
    axes = time_series(found, "users").axes[0]
    assert spans(axes)["db dies"] == (4.0, 12.0)
    assert "db dies, in other" in [text.get_text() for text in axes.texts]


def test_names_that_would_cover_each_other_stand_on_two_lines() -> None:
    found = results()
    for replication in found.runs:
        replication.faults = [("a fault with a long name", 4.0, 5.0), ("and another one", 4.5, 5.5)]
    one, other = time_series(found).axes[0].texts[1:]
    assert other.xyann[1] > one.xyann[1]


def test_two_fates_are_shown_not_averaged() -> None:
    found = Results({"base": fakes.outlined()}, [run("base", r) for r in range(6)], wall_s=0.1)
    for replication in found.runs[:3]:
        replication.series.loc[replication.series["window_start_s"] >= 7.5, ["ok", "failed"]] = [
            2 * replication.replication,
            90,
        ]
    figure = time_series(found, "users")
    thin = [line for line in figure.axes[0].lines if line.get_linewidth() < 1]
    assert len(thin) == 6
    assert [line.get_ydata()[-1] for line in thin[:3]] == [0.0, 1.0, 2.0]
    assert "base" not in [line.get_label() for line in figure.axes[0].lines]
    assert "3 of 6 replications of base for users did not recover" in figure.get_supxlabel()
