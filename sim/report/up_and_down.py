"""The availability timeline: what was up when, with the share of good requests above and the faults behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sim.engine.run import Run
from sim.errors import DsimError
from sim.experiment import Results
from sim.experiment.availability import lag_of
from sim.experiment.downtime import DOWN_BELOW, course
from sim.experiment.outline import FaultOutline, Outline
from sim.experiment.windows import windows_of
from sim.report import style
from sim.report.latency import chosen_sources
from sim.units import format_duration

Span = tuple[float, float]
UP, DOWN, STALLED, IMPAIRED = "#CFE6DC", style.VERMILLION, style.ORANGE, style.SKY
KINDS = {"down": DOWN, "paused": STALLED, "impaired": IMPAIRED}
"""What a bar says of a time, and its colour; in the order in which they cover each other."""
ROWS_SHOWN = 30
ROW_IN, SHARES_IN, AROUND_IN = 0.2, 2.2, 1.2


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: what it is called, and when it was not simply up."""

    label: str
    spans: Mapping[str, Sequence[Span]]
    """By kind of KINDS."""

    @property
    def struck(self) -> bool:
        return any(self.spans.values())


@style.styled
def availability(
    results: Results, variant: str | None = None, source: str | None = None, replication: int = 0
) -> Figure:
    """Of one replication of one variant (by default the first of each). Above: the share of good requests by window, a
    line a source. Below: a row a source, a node and an instance; what is not up is coloured. Shaded: faults."""
    variant = results.variants[0] if variant is None else variant
    run = _run(results, variant, replication)
    model = results.models[variant]
    sources = [name for name in chosen_sources(results, source) if variant in results.variants_with(name)]
    bars, hidden = _shown(_bars(run, model, sources), len(sources))
    height_in = SHARES_IN + ROW_IN * len(bars)
    figure = style.Picture(figsize=(style.WIDTH_IN, AROUND_IN + height_in), layout="constrained")
    shares, rows = figure.subplots(2, 1, sharex=True, height_ratios=[SHARES_IN, max(ROW_IN * len(bars), 0.4)])
    _draw_shares(shares, run, sources, _ends_s(run))
    _draw_rows(rows, bars, _ends_s(run))
    of = f", {variant}" if len(results.variants) > 1 else ""
    style.legend(figure, f"{results.title}{of}", [*_lines(sources), *_patches(bars)])
    style.footnote(figure, *_reading(results, run, model, hidden))
    return figure


def _run(results: Results, variant: str, replication: int) -> Run:
    runs = {run.replication: run for run in results.of(variant)}
    if replication not in runs:
        raise DsimError(f"replication: got {replication}; must be one of 0 to {max(runs)}, as they were run")
    return runs[replication]


def _ends_s(run: Run) -> float:
    return min(run.duration_s, run.stopped_at_s)


def _bars(run: Run, model: Outline, sources: Sequence[str]) -> list[Bar]:
    """Sources, then each node with the instances on it."""
    lag_s = lag_of(model)
    bars = []
    for name in sources:
        windows = windows_of(run, "source", name)
        all_of_them = replace(windows, measured=np.ones(len(windows.measured), bool))
        seen = course(run, all_of_them, model.faults, lag_s, DOWN_BELOW)
        bars.append(Bar(name, {"down": [(episode.start_s, episode.end_s) for episode in seen.episodes]}))
    states = _states(run, {fault.name: fault for fault in model.faults})
    for node in model.nodes:
        bars.append(Bar(node.name, states.get(("node", node.name), {})))
        for service in model.services:
            for instance in service.instances:
                if instance.node == node.name:
                    own = (states.get(("instance", instance.name), {}), states.get(("node", node.name), {}))
                    bars.append(Bar(f"    {instance.name}", {kind: _both(own, kind) for kind in KINDS}))
    return bars


def _both(states: Iterable[Mapping[str, Sequence[Span]]], kind: str) -> list[Span]:
    return [span for of in states for span in of.get(kind, ())]


def _states(run: Run, faults: Mapping[str, FaultOutline]) -> dict[tuple[str, str], dict[str, list[Span]]]:
    """When which node and which instance was not simply up, by kind."""
    states: dict[tuple[str, str], dict[str, list[Span]]] = {}
    until_s = _ends_s(run)
    for name, start_s, end_s in run.faults:
        if name in faults and start_s < until_s:
            fault = faults[name]
            kind = "paused" if fault.condition.startswith("paused") else "down"
            for place in fault.takes_down or [fault.target]:
                of = states.setdefault(place, {})
                of.setdefault(kind if fault.takes_down else "impaired", []).append((start_s, min(end_s, until_s)))
    return states


def _shown(bars: list[Bar], always: int) -> tuple[list[Bar], int]:
    """All of them, or where they are many those that something happened to; and how many are left out."""
    if len(bars) <= ROWS_SHOWN:
        return bars, 0
    chosen = [*bars[:always], *(bar for bar in bars[always:] if bar.struck)][:ROWS_SHOWN]
    return chosen, len(bars) - len(chosen)


def _draw_shares(axes: Axes, run: Run, sources: Sequence[str], until_s: float) -> None:
    looks = style.line_styles(sources)
    lowest = 1.0
    for name in sources:
        windows = windows_of(run, "source", name)
        share = np.where(windows.had_requests, windows.good_share, np.nan)
        if len(share):
            axes.stairs(100 * share, np.append(windows.start_s, windows.end_s[-1]), baseline=None, **looks[name])
            lowest = min(lowest, float(np.nanmin(share)) if np.isfinite(share).any() else 1.0)
    axes.axhline(100 * DOWN_BELOW, color=style.GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    margin = 3.0 + 0.04 * 100 * (1.0 - min(lowest, DOWN_BELOW))
    axes.set_ylim(max(100 * min(lowest, DOWN_BELOW) - margin, -margin), 100 + margin)
    axes.set_ylabel("good requests in %")
    axes.set_xlim(0, until_s)
    axes.axvspan(0, run.warmup_s, color=style.PALE, zorder=0.5)
    for start_s, end_s in _merged([(start_s, min(end_s, until_s)) for _, start_s, end_s in run.faults], until_s):
        axes.axvspan(start_s, end_s, color=style.FAULT, zorder=0.6)


def _draw_rows(axes: Axes, bars: Sequence[Bar], until_s: float) -> None:
    for row, bar in enumerate(bars):
        axes.broken_barh([(0.0, until_s)], (row - 0.36, 0.72), color=UP, linewidth=0)
        for kind in reversed(KINDS):
            spans = _merged(bar.spans.get(kind, ()), until_s)
            lengths = [(start_s, max(end_s - start_s, until_s / 400)) for start_s, end_s in spans]
            axes.broken_barh(lengths, (row - 0.36, 0.72), color=KINDS[kind], linewidth=0)
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
    for label, bar in zip(axes.get_yticklabels(), bars, strict=True):
        label.set_horizontalalignment("left")
        label.set_fontweight("normal" if bar.label.startswith(" ") else "bold")
    width_in = 0.075 * max((len(bar.label) for bar in bars), default=1)
    axes.tick_params(axis="y", length=0, pad=72 * width_in)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.grid(visible=False)
    axes.set_xlabel("simulated time in seconds")


def _merged(spans: Iterable[Span], until_s: float) -> list[Span]:
    """Spans that overlap, or are too close together to be told apart, as one."""
    merged: list[Span] = []
    for start_s, end_s in sorted(spans):
        if start_s >= until_s:
            continue
        if merged and start_s <= merged[-1][1] + until_s / 5000:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
        else:
            merged.append((start_s, end_s))
    return merged


def _lines(sources: Sequence[str]) -> list[object]:
    from matplotlib.lines import Line2D

    looks = style.line_styles(sources)
    return [Line2D([], [], label=name, **looks[name]) for name in sources] if len(sources) > 1 else []


def _patches(bars: Sequence[Bar]) -> list[Patch]:
    used = [kind for kind in KINDS if any(bar.spans.get(kind) for bar in bars)]
    return [Patch(color=UP, label="up"), *(Patch(color=KINDS[kind], label=kind) for kind in used)]


def _reading(results: Results, run: Run, model: Outline, hidden: int) -> list[str]:
    window = format_duration(model.run.window_s)
    which = "The run" if len(results.of(run.variant)) == 1 else f"Replication {run.replication}"
    sentences = [
        f"{which}, in windows of {window}; a source is down where less than {100 * DOWN_BELOW:g} % of its "
        "requests were good (dashed). Shaded: warm-up and faults."
    ]
    if hidden:
        sentences.append(f"{hidden} nodes and instances that nothing happened to are left out, or did not fit.")
    return sentences
