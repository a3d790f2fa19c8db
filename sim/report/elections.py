"""Who led when: a lane a member, terms of leaders as bars, and when the cluster could not commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sim.errors import DsimError
from sim.experiment import Results
from sim.experiment.control import Log, outside
from sim.experiment.coordination import outages
from sim.experiment.registry import log_of
from sim.report import style
from sim.report.views import TRUTHS, UNWRITABLE

LEADS = style.GREEN
LANE_IN, AROUND_IN = 0.3, 1.4
LETTER_S = 1 / 110
"""Of the picture's time, the width of a letter."""


@dataclass(frozen=True, slots=True)
class Reign:
    """One member's leadership: from its election until it stepped down, died, or the run ended."""

    member: str
    component: str
    said: str
    """With its election: `term 3`."""
    start_s: float
    end_s: float


@style.styled
def elections(
    results: Results,
    variant: str | None = None,
    replication: int = 0,
    from_s: float = 0.0,
    until_s: float | None = None,
) -> Figure:
    """Of one replication of one variant: who was elected when and led how long. Two lanes may lead at once: a leader
    that is cut off does not know of its successor."""
    variant = results.variants[0] if variant is None else variant
    log = log_of(results, variant, replication)
    found = reigns(log)
    if not found:
        raise DsimError(f"{variant}: nobody was elected there; its registry or store needs members that elect a leader")
    end_s = log.end_s if until_s is None else min(until_s, log.end_s)
    elected = {reign.member for reign in found}
    groups = [[i.name for i in service.instances] for service in results.models[variant].services]
    lanes = [name for names in groups if elected & set(names) for name in names]
    lanes += sorted(elected - set(lanes))
    figure = style.Picture(figsize=(style.WIDTH_IN, AROUND_IN + LANE_IN * len(lanes)), layout="constrained")
    axes = figure.subplots()
    for outage in outages(log):
        axes.axvspan(outage.start_s, outage.end_s, color=UNWRITABLE, zorder=0.5, linewidth=0)
    for row, member in enumerate(lanes):
        _draw_life(axes, row, log, member)
    for reign in found:
        _draw_reign(axes, lanes.index(reign.member), reign, from_s, end_s)
    axes.set_yticks(range(len(lanes)), lanes)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(lanes) - 0.45, -0.6)
    axes.set_xlim(from_s, end_s)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("simulated time in seconds")
    of = f", {variant}" if len(results.variants) > 1 else ""
    style.legend(figure, f"{results.title}{of}: who led when", _handles(log, lanes))
    style.footnote(figure, f"Replication {replication}.")
    return figure


def variants_with_elections(results: Results) -> list[str]:
    """Those whose first replication had an election after time 0."""
    firsts = {variant: results.of(variant)[0].control for variant in results.variants}
    return [v for v, lines in firsts.items() if ((lines["event"] == "elected") & (lines["time_s"] > 0.0)).any()]


def reigns(log: Log) -> list[Reign]:
    """In order of election. A member that is elected while it leads begins a new reign."""
    found: list[Reign] = []
    for line in log.of_registries():
        if line.event == "elected":
            ends = (start_s for start_s, _ in log.fate(line.subject).down if start_s >= line.time_s)
            later = (
                other.time_s
                for other in log.of_registries()
                if other.component == line.component
                and other.subject == line.subject
                and other.event in ("elected", "stepped_down", "lost")
                and other.time_s > line.time_s
            )
            until_s = min(next(ends, log.end_s), next(later, log.end_s))
            found.append(Reign(line.subject, line.component, line.detail, line.time_s, until_s))
    return found


def _draw_life(axes: Axes, row: int, log: Log, member: str) -> None:
    fate, at = log.fate(member), (row - 0.36, 0.72)
    up = [(start_s, end_s - start_s) for start_s, end_s in outside(fate.down, log.end_s)]
    axes.broken_barh(up, at, color=style.PALE, linewidth=0)
    for kind in ("paused", "down"):
        spans = [(start_s, end_s - start_s) for start_s, end_s in getattr(fate, kind)]
        axes.broken_barh(spans, at, color=TRUTHS[kind], linewidth=0)


def _draw_reign(axes: Axes, row: int, reign: Reign, from_s: float, end_s: float) -> None:
    start_s, until_s = max(reign.start_s, from_s), min(reign.end_s, end_s)
    if start_s >= until_s:
        return
    axes.broken_barh([(start_s, until_s - start_s)], (row - 0.26, 0.52), color=LEADS, linewidth=0)
    if until_s - start_s >= len(reign.said) * LETTER_S * (end_s - from_s):
        axes.text((start_s + until_s) / 2, row, reign.said, ha="center", va="center", fontsize=7.5, color="white")


def _handles(log: Log, lanes: Sequence[str]) -> list[object]:
    handles: list[object] = [Patch(color=LEADS, label="leads"), Patch(color=style.PALE, label="follows")]
    for kind in ("down", "paused"):
        if any(getattr(log.fate(member), kind) for member in lanes):
            handles.append(Patch(color=TRUTHS[kind], label=kind))
    if outages(log):
        handles.append(Patch(color=UNWRITABLE, label="cannot commit"))
    return handles
