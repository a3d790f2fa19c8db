"""The picture of a run through time: requests answered well and requests failed, with the faults behind them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from textwrap import shorten

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.engine.run import Run
from sim.experiment import Results
from sim.report import style
from sim.report.faults import Episode, at_random, episodes, in_which
from sim.report.latency import chosen_sources

ROWS = {"ok": "answered well\nper second", "failed": "failed\nper second"}
"""Columns of the time series, each with a row of panels."""
ROW_HEIGHT_IN = 2.1
COLUMNS = 2
"""Sources side by side."""
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
    """A pair of panels a source (or one, for the source named): above what was answered well, below what failed.
    A line a variant (the mean over replications), a band for their range; a thin line a replication where they fall
    into two groups. Shaded: the warm-up and the faults."""
    names = chosen_sources(results, source)
    columns = min(len(names), COLUMNS)
    blocks = -(-len(names) // columns)
    figure, grid = style.grid_of(len(ROWS) * blocks, columns, height_in=ROW_HEIGHT_IN, sharex=True)
    fates = {(of.variant, of.source): of.sentence for of in results.fates()}
    for number in range(blocks * columns):
        block, column = divmod(number, columns)
        pair = [row[column] for row in grid[len(ROWS) * block : len(ROWS) * (block + 1)]]
        if number >= len(names):
            for axes in pair:
                axes.set_visible(False)
            continue
        split = {variant for variant, of in fates if of == names[number]}
        lines = _draw_source(pair, results, names[number], split, style.WIDTH_IN / columns - MARGIN_IN)
        if len(names) > 1:
            pair[0].set_title(names[number], pad=6 + LINE_POINTS * lines)
        for axes, label in zip(pair, ROWS.values() if column == 0 else (), strict=False):
            axes.set_ylabel(label)
    style.heading(figure, results.title, results.variants)
    style.footnote(
        figure, _reading(results), *[f"{text}: thin lines." for (_, of), text in fates.items() if of in names]
    )
    return figure


def _draw_source(pair: Sequence[Axes], results: Results, source: str, split: Collection[str], width_in: float) -> int:
    """Returns how many lines of names stand above the axes."""
    for axes, column in zip(pair, ROWS, strict=True):
        _draw(axes, results, source, column, split)
    pair[-1].set_xlabel("simulated time in seconds")
    pair[-1].tick_params(labelbottom=True)
    return _name_spans(pair[0], results, width_in)


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
    until_s = axes.get_xlim()[1]
    letter_s = LETTER_IN * until_s / width_in
    spans = [(0.0, "warm-up")] if results.runs[0].warmup_s else []
    first = {(episode.name, episode.variants): episode for episode in reversed(episodes(results))}
    spans += sorted((episode.start_s, episode.name + _in_which(episode, results)) for episode in first.values())
    ends: list[float] = []
    for start_s, name in spans:
        text = shorten(name, int(width_in / LETTER_IN), placeholder=" …")
        at_s = max(0.0, min(start_s, until_s - len(text) * letter_s))
        line = next((line for line, end in enumerate(ends) if end <= at_s), len(ends))
        ends[line : line + 1] = [at_s + (len(text) + 2) * letter_s]
        axes.annotate(
            text, (at_s, 1.0), xycoords=axes.get_xaxis_transform(), xytext=(0, 3 + LINE_POINTS * line),
            textcoords="offset points", fontsize=8, color=style.GREY, annotation_clip=False,
        )  # fmt: skip
    return len(ends)


def _in_which(episode: Episode, results: Results) -> str:
    """As `in_which`, with no more than two names."""
    struck = len(episode.variants)
    return in_which(episode, results) if struck <= 2 else f", in {struck} variants" * (struck < len(results.variants))


def _reading(results: Results) -> str:
    replications = max(len(results.of(variant)) for variant in results.variants)
    if replications == 1:
        return "One replication. Shaded: the warm-up, which is not measured, and faults."
    faults = "the faults of the first replication, which strike at random" if at_random(results) else "faults"
    return f"Lines: the mean of {replications} replications; bands: their range. Shaded: warm-up and {faults}."
