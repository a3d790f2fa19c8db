"""The picture of latency: which share of the requests was slower than x, variant by variant.

Failures rank as infinitely slow, so that a curve ends in a plateau at the share that failed. On two logarithmic axes
every quantile has the same room: p50 stands at 50 %, p99 at 1 %.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.engine.run import Scope
from sim.errors import DsimError
from sim.experiment import Results
from sim.experiment.measures import not_ok
from sim.kernel.histogram import bin_edges
from sim.report import style

TAIL_OBSERVATIONS_MIN = 10
"""A curve ends where fewer requests of all replications together are slower."""
FAST_SHARE = 0.1
"""Of a curve's requests, that are faster than where the axis of latencies begins."""


@dataclass(frozen=True, slots=True)
class Exceedance:
    """Shape (points,): the share of the offered requests that took longer than each latency, over all replications
    together; shape (replications, points): of each one. The shares tend to `failed`."""

    latency_s: np.ndarray
    share: np.ndarray
    each: np.ndarray
    failed: float
    offered: int

    @property
    def end(self) -> float:
        """The least share that is known well enough to be shown."""
        return max(self.failed, TAIL_OBSERVATIONS_MIN / self.offered)


def exceedance(scopes: Sequence[Scope]) -> Exceedance:
    """Of one source in the replications of one variant."""
    histograms = np.array([scope.latency.histogram for scope in scopes])
    failures = np.array([not_ok(scope) for scope in scopes])
    offered = np.array([scope.cohort.offered for scope in scopes])
    occupied = np.flatnonzero(histograms.sum(axis=0))
    first = occupied[:1]
    at = np.concatenate([first, occupied + 1])  # edges: each share is of what lies beyond
    faster = np.concatenate([np.zeros((len(scopes), 1), np.int64), np.cumsum(histograms, axis=1)], axis=1)[:, at]
    slower = offered[:, None] - faster
    pooled = slower.sum(axis=0)
    kept = np.append(True, pooled >= TAIL_OBSERVATIONS_MIN)[: len(at)]  # the first that is rarer ends the curve
    total = int(offered.sum())
    return Exceedance(
        bin_edges()[at][kept],
        pooled[kept] / max(total, 1),
        slower[:, kept] / np.maximum(offered, 1)[:, None],
        float(failures.sum() / max(total, 1)),
        total,
    )


@style.styled
def latency_ccdf(results: Results, source: str | None = None) -> Figure:
    """A panel a source (or one, for the source named), a curve a variant, a band for the spread of replications."""
    names = chosen_sources(results, source)
    figure, axes = style.panels(len(names), columns=2, sharey=True)
    curves = {name: _curves(results, name) for name in names}
    ends = [curve.end for of in curves.values() for curve in of.values()]
    style.quantile_axis(axes[0], 0.7 * min(ends, default=0.01))
    axes[0].set_ylabel("share of requests slower than this, or failed")
    looks = style.line_styles(results.variants)
    fates = {(of.variant, of.source): of.sentence for of in results.fates()}
    for panel, name in zip(axes, names, strict=True):
        split = {variant for variant, source in fates if source == name}
        _draw(panel, curves[name], looks, split, ticks=8 if len(names) == 1 else 5)
        if len(names) > 1:
            panel.set_title(name)
    style.heading(figure, results.title, results.variants)
    style.footnote(
        figure, _reading(results), *[f"{text}: thin lines." for (_, of), text in fates.items() if of in names]
    )
    return figure


def chosen_sources(results: Results, source: str | None) -> list[str]:
    """All sources, or the one that is asked for. Raises: DsimError for a name that is none."""
    if source is None or source in results.sources:
        return results.sources if source is None else [source]
    raise DsimError(f"source {source!r}: there is no such traffic; there are {', '.join(results.sources)}")


def _curves(results: Results, source: str) -> dict[str, Exceedance]:
    """By variant; one in which nothing was answered has none."""
    curves = {variant: exceedance(results.scopes_of(variant, source)) for variant in results.variants_with(source)}
    return {variant: curve for variant, curve in curves.items() if len(curve.share)}


def _draw(
    axes: Axes, curves: Mapping[str, Exceedance], looks: Mapping[str, Any], split: Collection[str], ticks: int
) -> None:
    if not curves:
        axes.text(0.5, 0.5, "no request was answered well", transform=axes.transAxes, ha="center", color=style.GREY)
        return
    style.logarithmic_times(axes, *_limits(list(curves.values())), ticks)
    axes.set_xlabel("latency")
    for variant, curve in curves.items():
        style.draw_spread(axes, curve.latency_s, curve.each, looks, variant, split)
        _draw_curve(axes, variant, curve, looks[variant])
    failed = {variant: curve.failed for variant, curve in curves.items() if curve.failed == curve.end}
    labels = {variant: f"{style.as_percentage(share)} failed" for variant, share in failed.items()}
    style.label_ends(axes, failed, labels, looks)


def _draw_curve(axes: Axes, variant: str, curve: Exceedance, look: Mapping[str, Any]) -> None:
    axes.plot(curve.latency_s, curve.share, label=variant, **look)
    if curve.failed == curve.end:
        plateau = [curve.latency_s[-1], axes.get_xlim()[1]], [curve.failed] * 2
        axes.plot(*plateau, color=look["color"], linestyle=(0, (1, 1.5)), linewidth=1.2)


def _limits(curves: Sequence[Exceedance]) -> tuple[float, float]:
    """The axis of latencies, in seconds: from where something happens to beyond the slowest."""
    low_s = min(float(curve.latency_s[np.searchsorted(-curve.share, FAST_SHARE - 1) - 1]) for curve in curves)
    high_s = max(float(curve.latency_s[-1]) for curve in curves)
    return low_s * 0.9, high_s * 1.25


def _reading(results: Results) -> str:
    replications = max(len(results.of(variant)) for variant in results.variants)
    band = f" Bands: the range of {replications} replications." if replications > 1 else ""
    return (
        "Failed requests rank as infinitely slow (dotted). "
        f"A curve ends where fewer than {TAIL_OBSERVATIONS_MIN} requests are slower.{band}"
    )
