"""The runs of an experiment and the tables that are read from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import pandas as pd

import sim
from sim.engine.run import Run, Scope
from sim.errors import DsimError
from sim.experiment import tables
from sim.experiment.downtime import DOWN_BELOW
from sim.experiment.fates import Fates, fates_of
from sim.experiment.measures import WINDOW_TARGET, scope_estimates
from sim.experiment.origin import Origin
from sim.experiment.outline import Outline
from sim.experiment.warmup import Warmup
from sim.statistics import Estimate

if TYPE_CHECKING:
    from sim.experiment.comparison import Comparison


@dataclass(repr=False)
class Results:
    """Runs in order of variant and replication.

    `models` holds what results need of each variant's machine model, `directory` the folder where they were kept,
    if any, `origin` what it takes to run them again.
    """

    models: Mapping[str, Outline]
    runs: Sequence[Run]
    wall_s: float
    directory: Path | None = None
    scratch: TemporaryDirectory[str] | None = None
    """Holds recorded requests that nobody asked to keep, for as long as these results live."""
    origin: Origin = field(default_factory=Origin)
    warmup: Warmup | None = None
    """What was found, where the scenario left the warm-up to be found."""

    def __repr__(self) -> str:
        name = next(iter(self.models.values())).scenario
        return f"<Results of {name}: {', '.join(self.variants)}; {len(self.runs)} runs>"

    @property
    def variants(self) -> list[str]:
        return list(self.models)

    @property
    def title(self) -> str:
        """The scenario's title, or its name."""
        return self.origin.texts.get("title") or next(iter(self.models.values())).scenario

    @property
    def sources(self) -> list[str]:
        """The classes of traffic of all variants."""
        return list(dict.fromkeys(source.name for model in self.models.values() for source in model.sources))

    def variants_with(self, source: str) -> list[str]:
        """The variants that have this class of traffic."""
        return [v for v, model in self.models.items() if source in [s.name for s in model.sources]]

    def of(self, variant: str) -> list[Run]:
        """The replications of a variant."""
        if variant not in self.models:
            raise DsimError(f"variant {variant!r} was not run; there are {', '.join(self.models)}")
        return [run for run in self.runs if run.variant == variant]

    def only(self, variants: Sequence[str]) -> Results:
        """The results of these variants alone, in this order."""
        runs = [run for variant in variants for run in self.of(variant)]
        return replace(self, models={variant: self.models[variant] for variant in variants}, runs=runs)

    def scopes_of(self, variant: str, source: str) -> list[Scope]:
        """What each replication of a variant measured of a class of traffic."""
        return [run.scope("source", source) for run in self.of(variant)]

    @property
    def caveat(self) -> str:
        """What every number has to say of itself, or nothing."""
        return "" if self.warmup is None else self.warmup.caveat

    def estimates(self, variant: str, source: str) -> dict[str, Estimate]:
        """Each metric of a traffic source with its 95 % interval, or why it has none."""
        target = self.window_target(variant, source)
        return scope_estimates(self.of(variant), "source", source, caveat=self.caveat, window_target=target)

    def window_target(self, variant: str, source: str) -> float:
        """The share of good requests from which on a window has met its objective: the declared one, or 99.9 %."""
        declared = {of.name: of.slo_availability for of in self.models[variant].sources}[source]
        return WINDOW_TARGET if declared is None else declared

    def summary(self) -> pd.DataFrame:
        """A row a variant and source (the index). Rates are per second, latencies in seconds; `_half_width` belongs to
        the 95 % interval over replications. Headline quantiles rank failures as infinitely slow, `_ok_s` leaves them
        out; nan is withheld, and `notes` says why. `stopped` counts the replications that stopped at a limit."""
        rows = [
            {
                "variant": variant,
                "source": source.name,
                "replications": len(self.of(variant)),
                "stopped": sum(run.stopped is not None for run in self.of(variant)),
                **tables.summary_row(self.estimates(variant, source.name)),
            }
            for variant, model in self.models.items()
            for source in model.sources
        ]
        return pd.DataFrame(rows).set_index(["variant", "source"])

    def scopes(self) -> pd.DataFrame:
        """Counts, rates and latencies of every source, call edge, endpoint, service, instance and node, tidy."""
        return tables.scopes_table(self.runs)

    def gauges(self) -> pd.DataFrame:
        """Time averages of every instance and node."""
        return tables.gauges_table(self.runs)

    def timeseries(self) -> pd.DataFrame:
        """What happened window by window."""
        return tables.timeseries_table(self.runs)

    def control(self) -> pd.DataFrame:
        """The control plane's log, a row a line: what became of instances (component truth), what registries decided,
        what each client's view listed from then on."""
        return tables.control_table(self.runs)

    def registry(self, each: Literal["death", "view", "return", "outage", "handoff"] | None = None) -> pd.DataFrame:
        """What clients knew: a row a variant and measure, with its 95 % interval; `seen` and `unseen` count the events
        behind a time. Defined in docs/registries.md.

        Args:
            each: a row each death of an instance, death and client's view, return, time in which a registry could not
                commit, or hand-off of a lock. Infinite is what was not over before anybody could have seen it.
        """
        from sim.experiment import registry

        if each is None:
            return registry.registry_table(registry.knowledge_of(self))
        tables_of = {
            "death": registry.ends_table,
            "view": registry.views_table,
            "return": registry.returns_table,
            "outage": registry.outages_table,
            "handoff": registry.handoffs_table,
        }
        if each not in tables_of:
            raise DsimError(f"each: got {each!r}; must be one of {', '.join(tables_of)}, or None")
        return tables_of[each](self)

    def violations(self) -> dict[str, list[str]]:
        """What the scenario's `checks` found broken, by variant; nothing where all was well."""
        found = {variant: [text for run in self.of(variant) for text in run.violations] for variant in self.variants}
        return {variant: texts for variant, texts in found.items() if texts}

    def requests(self) -> pd.DataFrame:
        """The recorded requests."""
        if all(run.requests is None for run in self.runs):
            raise DsimError("run.record: none, so no request was recorded; set it to sample or all")
        return tables.requests_table(self.runs)

    def fates(self) -> tuple[Fates, ...]:
        """Variants and sources whose replications fall into two groups, so that averages describe neither."""
        several = len(self.sources) > 1
        found = (
            fates_of(variant, source, self.of(variant), named=source if several else "")
            for variant in self.variants
            for source in self.sources
            if variant in self.variants_with(source)
        )
        return tuple(fates for fates in found if fates is not None)

    def availability(self, *, down_below: float = DOWN_BELOW) -> pd.DataFrame:
        """A row a variant and class of traffic (kind source) or service (as its callers see it): share of good
        requests, nines, error budget and burn rate against `slo: {availability: …}`, downtimes, MTTR and MTBF, with
        95 % intervals. A window is down where less than `down_below` of its requests were good (or less than the
        objective, where that is lower). Defined in docs/availability.md."""
        from sim.experiment.availability import accounts, accounts_table

        return accounts_table(accounts(self, down_below))

    def downtime(self, *, down_below: float = DOWN_BELOW) -> pd.DataFrame:
        """A row an episode of downtime, with its start, end and what had broken then."""
        from sim.experiment.availability import downtime_table

        return downtime_table(self, down_below)

    def burn_rate(self, *, over_s: float | None = None) -> pd.DataFrame:
        """How many times as fast as the objective allows requests failed, over the `over_s` seconds before each end of
        a window (None: five minutes, or a twelfth of a short run)."""
        from sim.experiment.availability import burn_table

        return burn_table(self, over_s)

    def blast_radius(
        self,
        calm: Results | None = None,
        *,
        kind: Literal["source", "request", "service"] = "source",
        each: bool = False,
    ) -> pd.DataFrame:
        """What each fault cost each class of traffic: a row a variant, entry of `failures` and class; with `each`, a
        row an episode.

        Args:
            calm: the same runs without the faults (`failures: null`), for the difference on the same random numbers
                instead of that from the level before the fault.
            kind: classes are sources, endpoints of their mixes (request), or services as their callers see them.
        """
        from sim.experiment.blast import blast_table, blasts, impact_table, impacts

        found = impacts(self, calm, kind)
        if each:
            return impact_table(found)
        return blast_table(blasts(found, {variant: len(self.of(variant)) for variant in self.variants}))

    def unstable(self) -> dict[str, str]:
        """Of each variant that stopped at a limit, the sentence of its first such replication."""
        stopped = [run for run in self.runs if run.stopped is not None]
        return {run.variant: str(run.stopped) for run in reversed(stopped)}

    def compare(self, baseline: str | None = None, *, margin: float = 0.05) -> Comparison:
        """Every variant against the baseline (by default the scenario's), in pairs on common random numbers.

        `margin`: differences within this share of the baseline's value count as equal.
        """
        from sim.experiment.comparison import compare

        return compare(self, baseline, margin=margin)

    @property
    def plot(self) -> sim.report.Plots:
        """Pictures: `latency_ccdf()`, `time_series()`, `availability()`, `forest()`, `views()`, `elections()`."""
        return sim.report.Plots(self)

    def _repr_html_(self) -> str:
        return sim.report.results_html(self)
