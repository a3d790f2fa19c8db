"""The picture of a run through time: requests answered well and requests failed, with the faults behind them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.engine.run import Run
from sim.experiment import Results
from sim.report import style
from sim.report.faults import episodes, in_which
from sim.report.latency import chosen_sources

ROWS = {"ok": "answered well\nper second", "failed": "failed\nper second"}
"""Columns of the time series, each with a row of panels."""
ROW_HEIGHT_IN = 2.1
LETTER_IN, LINE_POINTS, MARGIN_IN = 0.066, 11, 0.9


@dataclass(frozen=True, slots=True)
class Course:
    """Shape (windows,): the middle of each window in simulated seconds, and the mean rate per second in it over the
    replications that reached it; shape (replications, windows): of each one, nan where it did not."""

    at_s: np.ndarray
    mean: np.ndarray
    each: np.ndarray


def course(runs: Sequence[Run], source: str, column: str) -> Course:
    """Of one source in the replications of one variant; `column` is a count of the time series."""
    rows = [_rates(run, source, column) for run in runs]
    longest = max(rows, key=len)
    rates = np.full((len(rows), len(longest)), np.nan)
    for row, of in zip(rates, rows, strict=True):
        row[: len(of)] = of[:, 1]
    return Course(longest[:, 0], np.nanmean(rates, axis=0), rates)


def _rates(run: Run, source: str, column: str) -> np.ndarray:
    """Shape (windows, 2): the middle of the window, and the rate."""
    of_source = run.series[(run.series["kind"] == "source") & (run.series["name"] == source)]
    starts = of_source["window_start_s"].to_numpy(float)
    ends = np.append(starts[1:], min(run.duration_s, run.stopped_at_s))
    return np.column_stack([(starts + ends) / 2, of_source[column].to_numpy(float) / (ends - starts)])


@style.styled
def time_series(results: Results, source: str | None = None) -> Figure:
    """A column of panels a source (or one, for the source named): above what was answered well, below what failed.
    A line a variant (the mean over replications), a band for their range; a thin line a replication where they fall
    into two groups. Shaded: the warm-up and the faults."""
    names = chosen_sources(results, source)
    figure, grid = style.grid_of(len(ROWS), len(names), height_in=ROW_HEIGHT_IN, sharex=True)
    fates = {(of.variant, of.source): of.sentence for of in results.fates()}
    for row, (column, label) in zip(grid, ROWS.items(), strict=True):
        row[0].set_ylabel(label)
        for axes, name in zip(row, names, strict=True):
            _draw(axes, results, name, column, {variant for variant, source in fates if source == name})
    for axes, name in zip(grid[0], names, strict=True):
        lines = _name_spans(axes, results, style.WIDTH_IN / len(names) - MARGIN_IN)
        if len(names) > 1:
            axes.set_title(name, pad=6 + LINE_POINTS * lines)
    for axes in grid[-1]:
        axes.set_xlabel("simulated time in seconds")
    style.heading(figure, results.title, results.variants)
    style.footnote(
        figure, _reading(results), *[f"{text}: thin lines." for (_, of), text in fates.items() if of in names]
    )
    return figure


def _draw(axes: Axes, results: Results, source: str, column: str, split: Collection[str]) -> None:
    looks = style.line_styles(results.variants)
    for variant in results.variants_with(source):
        of = course(results.of(variant), source, column)
        style.draw_spread(axes, of.at_s, of.each, looks, variant, split)
        if variant not in split:
            axes.plot(of.at_s, of.mean, label=variant, **looks[variant])
    axes.set_ylim(0, max(1.0, axes.get_ylim()[1]))
    axes.set_xlim(0, results.runs[0].duration_s)
    axes.axvspan(0, results.runs[0].warmup_s, color=style.PALE, zorder=0.5, label="warm-up")
    for episode in episodes(results):
        axes.axvspan(episode.start_s, episode.end_s, color=style.FAULT, zorder=0.5, label=episode.name)


def _name_spans(axes: Axes, results: Results, width_in: float) -> int:
    """Names of the warm-up and the faults above the axes, on so many lines that none covers another."""
    spans = [(0.0, "warm-up")] if results.runs[0].warmup_s else []
    spans += [(episode.start_s, episode.name + in_which(episode, results)) for episode in episodes(results)]
    seconds_per_letter = LETTER_IN * results.runs[0].duration_s / width_in
    ends: list[float] = []
    for start_s, name in spans:
        line = next((line for line, end in enumerate(ends) if end <= start_s), len(ends))
        ends[line : line + 1] = [start_s + (len(name) + 2) * seconds_per_letter]
        axes.annotate(
            name, (start_s, 1.0), xycoords=axes.get_xaxis_transform(), xytext=(0, 3 + LINE_POINTS * line),
            textcoords="offset points", fontsize=8, color=style.GREY, annotation_clip=False,
        )  # fmt: skip
    return len(ends)


def _reading(results: Results) -> str:
    replications = max(len(results.of(variant)) for variant in results.variants)
    if replications == 1:
        return "One replication. Shaded: the warm-up, which is not measured, and faults."
    return f"Lines: the mean of {replications} replications; bands: their range. Shaded: warm-up and faults."
