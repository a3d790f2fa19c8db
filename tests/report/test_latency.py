"""The picture of latency holds the shares that were measured."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex

from sim.errors import DsimError
from sim.experiment import Results
from sim.experiment.outline import outline
from sim.kernel.histogram import quantile
from sim.report import style
from sim.report.latency import exceedance, latency_ccdf
from sim.scenario.resolved import plain
from tests.experiment import fakes


def results(**changes: Any) -> Results:
    runs = [fakes.run("base", r) for r in range(3)] + [fakes.run("other", r, **changes) for r in range(3)]
    return Results({v: outline(plain(fakes.model(v))) for v in ("base", "other")}, runs, wall_s=0.1)


def curve_of(axes: Any, variant: str) -> tuple[np.ndarray, np.ndarray]:
    (line,) = [line for line in axes.lines if line.get_label() == variant]
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def test_a_curve_says_which_share_was_slower() -> None:
    latencies = np.concatenate([np.random.default_rng([r, 4]).exponential(0.01, 2000) for r in range(3)])
    latency_s, share = curve_of(latency_ccdf(results(), "users").axes[0], "base")
    np.testing.assert_allclose(share, [(latencies >= x).mean() for x in latency_s], atol=1e-12)
    assert share[0] == 1.0
    assert share[-2] >= 10 / 6000 > share[-1]


def test_latencies_that_are_all_the_same_are_a_step() -> None:
    latency_s, share = curve_of(latency_ccdf(results(), "robots").axes[0], "base")
    assert share.tolist() == [1.0, 0.0]
    assert latency_s == pytest.approx([0.02, 0.02], rel=0.002)


def test_quantiles_are_read_where_they_are_marked() -> None:
    latency_s, share = curve_of(latency_ccdf(results(failed=100), "users").axes[0], "other")
    histogram = np.sum([s.latency.histogram for s in results(failed=100).scopes_of("other", "users")], axis=0)
    p90_s = quantile(histogram, 0.9, failures=300)
    assert np.interp(-0.1, -share, latency_s) == pytest.approx(p90_s, rel=0.004)


def test_failures_are_a_plateau() -> None:
    figure = latency_ccdf(results(failed=100), "users")
    _, share = curve_of(figure.axes[0], "other")
    assert share[-1] == pytest.approx(100 / 2100)
    assert [text.get_text() for text in figure.axes[0].texts] == ["4.8 % failed"]
    dotted = figure.axes[0].lines[-1]
    assert list(dotted.get_ydata()) == [share[-1]] * 2
    assert dotted.get_xdata()[1] == figure.axes[0].get_xlim()[1]


def test_bands_are_the_range_of_the_replications() -> None:
    scopes = results(failed=100).scopes_of("other", "users")
    scopes[1] = fakes.scope("source", "users", np.full(1000, 0.001))
    curve = exceedance(scopes)
    at = int(np.searchsorted(curve.latency_s, 0.005))
    latencies = [np.random.default_rng([r, 5]).exponential(0.01, 2000) for r in (0, 2)]
    shares = [((of >= curve.latency_s[at]).sum() + 100) / 2100 for of in latencies] + [0.0]
    assert (curve.each[:, at].min(), curve.each[:, at].max()) == (
        pytest.approx(min(shares)),
        pytest.approx(max(shares)),
    )


def test_a_panel_a_source_with_the_same_colours() -> None:
    figure = latency_ccdf(results())
    assert [axes.get_title("left") for axes in figure.axes] == ["users", "robots"]
    for axes in figure.axes:
        drawn = {line.get_label(): to_hex(line.get_color()).upper() for line in axes.lines}
        assert (drawn["base"], drawn["other"]) == (style.BLUE, style.VERMILLION)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["base", "other"]
    assert legend.get_title().get_text() == "fake"


def test_an_unknown_source_names_those_there_are() -> None:
    with pytest.raises(DsimError, match="there are users, robots"):
        latency_ccdf(results(), "user")


def test_a_source_of_which_nothing_was_answered() -> None:
    found = results()
    for run in found.runs:
        run.scopes[0] = fakes.scope("source", "users", np.array([]), failed=50)
    (text,) = latency_ccdf(found, "users").axes[0].texts
    assert text.get_text() == "no request was answered well"


def test_more_variants_than_colours_differ_in_their_dashes() -> None:
    looks = style.line_styles([f"v{n}" for n in range(15)])
    assert len({(look["color"], str(look["linestyle"])) for look in looks.values()}) == 15


def test_drawing_leaves_no_trace() -> None:
    before = dict(mpl.rcParams)
    figure = latency_ccdf(results())
    assert dict(mpl.rcParams) == before
    data, shown = figure._repr_png_()  # type: ignore[attr-defined]
    assert data.startswith(b"\x89PNG")
    assert shown["width"] == 768
    code = "import sys, sim.report.plots; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("share, text", [(0.5, "50 %"), (0.026, "2.6 %"), (0.00034, "0.034 %"), (1e-5, "0.001 %")])
def test_shares_are_written_without_exponents(share: float, text: str) -> None:
    assert style.as_percentage(share) == text


@pytest.mark.parametrize("seconds, text", [(2.0, "2 s"), (0.3, "300 ms"), (5e-5, "50 µs"), (1e-9, "1 ns")])
def test_times_are_written_in_their_unit(seconds: float, text: str) -> None:
    assert style.as_time(seconds) == text
