"""What clients' views said against what was up: a lane an instance, the truth above, what was believed below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.errors import DsimError
from sim.experiment import Results
from sim.experiment.control import IN, OUT, Fate, Log, Span, common, outside
from sim.experiment.coordination import outages
from sim.experiment.registry import log_of, logs_of, tells_clients
from sim.report import style

TRUTHS = {"up": "#CFE6DC", "down": style.VERMILLION, "paused": style.ORANGE, "stopping": style.SKY}
LISTED, STALE, MISSING, UNWRITABLE = "#9AA5B1", "#9C2F00", style.PURPLE, "#F3E9D2"
LANES_SHOWN = 24
LANE_IN, AROUND_IN = 0.36, 1.5
TRUTH_TOP, TRUTH_BOTTOM, BELIEF_BOTTOM = 0.42, 0.26, -0.42
"""Of a lane, in units of lanes above its middle: the truth's strip, and the room below it for what was believed."""


@dataclass(frozen=True, slots=True)
class Belief:
    """The share of clients that list an instance: `share[i]` from `edges_s[i]` to `edges_s[i + 1]`."""

    edges_s: np.ndarray
    share: np.ndarray


@style.styled
def views(
    results: Results,
    variant: str | None = None,
    service: str | None = None,
    replication: int = 0,
    from_s: float = 0.0,
    until_s: float | None = None,
) -> Figure:
    """Of one service in one replication of one variant. Each lane: above, what the instance was; below, as high as the
    share of clients whose view listed it, coloured where that was wrong. Triangles: what the registry decided."""
    variant = results.variants[0] if variant is None else variant
    log = log_of(results, variant, replication)
    service = _service(log, service)
    end_s = log.end_s if until_s is None else min(until_s, log.end_s)
    if not from_s < end_s:
        raise DsimError(f"from_s: got {from_s!r}; must be below {end_s:.6g}, where the picture ends")
    lanes, hidden = _lanes(log, service)
    figure = style.Picture(figsize=(style.WIDTH_IN, AROUND_IN + LANE_IN * len(lanes)), layout="constrained")
    axes = figure.subplots()
    for span in (span for outage in outages(log) for span in [(outage.start_s, outage.end_s)]):
        axes.axvspan(*span, color=UNWRITABLE, zorder=0.5, linewidth=0)
    for row, instance in enumerate(lanes):
        _draw_truth(axes, row, log.fate(instance), log.end_s)
        _draw_belief(axes, row, log, service, instance)
        _draw_decisions(axes, row, log, instance)
    _dress(axes, lanes, from_s, end_s)
    of = f", {variant}" if len(results.variants) > 1 else ""
    style.legend(figure, f"{results.title}{of}: who is up, and what clients of {service} believe", _handles(log, lanes))
    clients = sum(view.service == service for view in log.views)
    left_out = f" {hidden} instances that nothing happened to are left out." if hidden else ""
    style.footnote(
        figure,
        f"Replication {replication}. Above in each lane the truth; below, as high as the share of the {clients} "
        f"clients that list the instance.{left_out}",
    )
    return figure


def variants_with_views(results: Results) -> list[str]:
    """All in which somebody calls a service; none where no registry told anybody anything."""
    if not tells_clients(results):
        return []
    return [variant for variant in results.variants if logs_of(results, variant)[0].views]


def belief(log: Log, service: str, instance: str) -> Belief:
    """Of the clients that are up."""
    listed, up = [], []
    for view in log.views:
        if view.service == service:
            is_up = outside(log.fate(view.client).down, log.end_s)
            up += is_up
            listed += common(view.listed(instance, log.end_s), is_up)
    edges_s = np.unique(np.array([0.0, log.end_s, *(edge for span in (*listed, *up) for edge in span)]))
    counts = [_open(spans, edges_s[:-1]) for spans in (listed, up)]
    return Belief(edges_s, np.divide(counts[0], counts[1], out=np.zeros(len(edges_s) - 1), where=counts[1] > 0))


def _open(spans: Sequence[Span], at_s: np.ndarray) -> np.ndarray:
    """How many of the spans are open at each time."""
    starts, ends = (np.sort(np.array([span[side] for span in spans])) for side in (0, 1))
    return np.searchsorted(starts, at_s, side="right") - np.searchsorted(ends, at_s, side="right")


def _service(log: Log, service: str | None) -> str:
    """The one asked for, or that with the most views."""
    counts = {name: sum(view.service == name for view in log.views) for name in log.instances}
    if not counts:
        raise DsimError("no client looks up a service in a registry here; add registry: dns, or another one")
    if service is not None and service not in counts:
        raise DsimError(f"service: got {service!r}; must be one that clients look up: {', '.join(counts)}")
    return service if service is not None else max(counts, key=counts.__getitem__)


def _lanes(log: Log, service: str) -> tuple[list[str], int]:
    """All instances, or where they are many those that something happened to; and how many are left out."""
    instances = list(log.instances[service])
    if len(instances) <= LANES_SHOWN:
        return instances, 0
    struck = {line.subject for line in log.lines if line.time_s > 0.0}
    struck |= {instance for view in log.views for instance in view.absent}
    chosen = [instance for instance in instances if instance in struck][:LANES_SHOWN]
    return chosen or instances[:LANES_SHOWN], len(instances) - len(chosen or instances[:LANES_SHOWN])


def _draw_truth(axes: Axes, row: int, fate: Fate, end_s: float) -> None:
    at = (row - TRUTH_TOP, TRUTH_TOP - TRUTH_BOTTOM)
    axes.broken_barh([(0.0, end_s)], at, color=TRUTHS["up"], linewidth=0)
    for kind in ("stopping", "paused", "down"):
        spans = [(start_s, until_s - start_s) for start_s, until_s in getattr(fate, kind)]
        axes.broken_barh(spans, at, color=TRUTHS[kind], linewidth=0)


def _draw_belief(axes: Axes, row: int, log: Log, service: str, instance: str) -> None:
    """Grey where it agrees with the truth; what is listed and down, or live and not listed, in colour."""
    fate, seen = log.fate(instance), belief(log, service, instance)
    bottom, room = row - BELIEF_BOTTOM, TRUTH_BOTTOM - BELIEF_BOTTOM - 0.06
    cuts = np.unique([*seen.edges_s, *(edge for span in fate.down for edge in span)])
    share = seen.share[np.clip(np.searchsorted(seen.edges_s, cuts[:-1], side="right") - 1, 0, len(seen.share) - 1)]
    down = np.array([any(start <= at < end for start, end in fate.down) for at in cuts[:-1]])
    live = np.array([fate.is_live(at) for at in cuts[:-1]])
    for colour, low, high in (
        (LISTED, np.zeros_like(share), np.where(down, 0.0, share)),
        (STALE, np.zeros_like(share), np.where(down, share, 0.0)),
        (MISSING, np.where(live, share, 0.0), np.where(live, 1.0, 0.0)),
    ):
        axes.stairs(bottom - room * high, cuts, baseline=bottom - room * low, fill=True, color=colour, linewidth=0)


def _draw_decisions(axes: Axes, row: int, log: Log, instance: str) -> None:
    for words, marker in ((OUT, "v"), (IN, "^")):
        at_s = [line.time_s for line in log.of_registries() if line.subject == instance and line.event in words]
        height = row - (TRUTH_TOP + TRUTH_BOTTOM) / 2
        axes.plot(
            [time_s for time_s in at_s if time_s > 0.0], [height] * sum(time_s > 0.0 for time_s in at_s),
            linestyle="", marker=marker, color=style.BLACK, markersize=5, zorder=3,
        )  # fmt: skip


def _dress(axes: Axes, lanes: Sequence[str], from_s: float, end_s: float) -> None:
    axes.set_yticks(range(len(lanes)), lanes)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(lanes) - 0.45, -0.6)
    axes.set_xlim(from_s, end_s)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("simulated time in seconds")


def _handles(log: Log, lanes: Iterable[str]) -> list[object]:
    fates = [log.fate(instance) for instance in lanes]
    kinds = [kind for kind in ("down", "paused", "stopping") if any(getattr(fate, kind) for fate in fates)]
    handles: list[object] = [Patch(color=TRUTHS[kind], label=kind) for kind in ("up", *kinds)]
    handles.append(Patch(color=LISTED, label="listed"))
    if "down" in kinds:
        handles.append(Patch(color=STALE, label="listed, though down"))
    handles.append(Patch(color=MISSING, label="not listed, though up"))
    if outages(log):
        handles.append(Patch(color=UNWRITABLE, label="registry cannot commit"))
    marks = {"v": ("decided out", OUT), "^": ("decided in", IN)}
    for marker, (label, words) in marks.items():
        if any(line.event in words and line.time_s > 0.0 for line in log.of_registries()):
            handles.append(Line2D([], [], marker=marker, linestyle="", color=style.BLACK, markersize=5, label=label))
    return handles
