"""`results.plot`: the pictures of these results. Matplotlib is imported when one is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.experiment import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Plots:
    """Each method returns a matplotlib Figure, which a notebook shows and `savefig` writes."""

    results: Results

    def latency_ccdf(self, source: str | None = None) -> Figure:
        """The share of requests that were slower than x, by variant; a panel a source, or the one that is named."""
        from sim.report import plots

        return plots.latency_ccdf(self.results, source)

    def time_series(self, source: str | None = None) -> Figure:
        """What was answered well and what failed, per second, through simulated time; faults are shaded."""
        from sim.report import plots

        return plots.time_series(self.results, source)

    def availability(self, variant: str | None = None, source: str | None = None, *, replication: int = 0) -> Figure:
        """What was up when, in one replication of one variant: sources, nodes and instances as bars, the share of good
        requests by window above, faults shaded."""
        from sim.report import plots

        return plots.availability(self.results, variant, source, replication)

    def views(
        self,
        variant: str | None = None,
        service: str | None = None,
        *,
        replication: int = 0,
        from_s: float = 0.0,
        until_s: float | None = None,
    ) -> Figure:
        """What clients' views said of each instance against what it was, in one replication of one variant, with the
        registry's decisions. `service`: by default the one with the most clients."""
        from sim.report import plots

        return plots.views(self.results, variant, service, replication, from_s, until_s)

    def elections(
        self,
        variant: str | None = None,
        *,
        replication: int = 0,
        from_s: float = 0.0,
        until_s: float | None = None,
    ) -> Figure:
        """Who led a cluster when, in one replication of one variant, and when it could not commit."""
        from sim.report import plots

        return plots.elections(self.results, variant, replication, from_s, until_s)

    def forest(self, baseline: str | None = None, *, margin: float = 0.05) -> Figure:
        """The paired differences from the baseline with their intervals and verdicts, as `Results.compare` has them."""
        from sim.report import plots

        return plots.forest(self.results.compare(baseline, margin=margin))
