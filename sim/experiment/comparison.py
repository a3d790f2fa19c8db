"""Variants against a baseline, on the same random numbers: differences with intervals, and verdicts in words.

How each number is made, and why so, is told in docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

import sim
from sim.errors import DsimError
from sim.experiment.fates import Fates
from sim.experiment.measures import scope_samples, stop_caveat
from sim.experiment.wording import SHARE, Subject, bare_sentence, difference_sentence, kind_of
from sim.statistics import (
    Contrast,
    Estimate,
    Verdict,
    consistent,
    decide,
    holm,
    more_replications,
    simultaneous_confidence,
)
from sim.statistics.means import CONFIDENCE

if TYPE_CHECKING:
    from sim.experiment.results import Results

MARGIN = 0.05
KEYS = ("variant", "source", "metric")
PRIMARY = ("throughput_per_s", "latency_p99_s", "availability")
LEAST_BAD_SHARE = {"availability": 0.002, "good_share": 0.002, "window_availability": 0.2}
"""Shares have their margin relative to the share of bad ones in the baseline, taken to be this at least: with a margin
of 5 %, one request in 10,000 and one window in 100."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one variant changes in one metric of one source. All sizes are in the metric's own unit."""

    variant: str
    source: str
    metric: str
    primary: bool
    """Primary metrics hold their 95 % all together (Holm); the others are exploratory, each 95 % by itself."""
    base: Estimate
    other: Estimate
    difference: Estimate
    """other − base, from pairs of replications."""
    unpaired: Estimate
    """The interval that as many independent runs would have given, at the same confidence."""
    correlation: float
    """Of the two variants over replications; nan where one does not vary."""
    p_value: float
    """Of no difference; nan where there is no interval."""
    adjusted_p: float
    """Holm's, over all primary tests of the comparison; nan for the exploratory."""
    verdict: Verdict
    margin: float
    """Differences up to this size count as equal."""
    more_replications: int | None
    """About how many more would bring a verdict, where there is none yet and it can be said."""
    sentence: str


@dataclass(frozen=True)
class Comparison:
    """All variants against `baseline`, source by source, metric by metric."""

    baseline: str
    replications: int
    differences: tuple[Difference, ...]
    fates: tuple[Fates, ...]
    """Variants, the baseline too, whose replications fall into two groups."""
    notes: tuple[str, ...] = ()
    """Sentences about what is not compared, or only with a reservation."""

    def of(self, variant: str, source: str, metric: str) -> Difference:
        """Raises: DsimError for what was not compared."""
        for difference in self.differences:
            if (difference.variant, difference.source, difference.metric) == (variant, source, metric):
                return difference
        known = {key: dict.fromkeys(getattr(d, key) for d in self.differences) for key in KEYS}
        allowed = "; ".join(f"{key}: {', '.join(names) or 'none'}" for key, names in known.items())
        why = "".join(f"; {note}" for note in self.notes)
        raise DsimError(f"comparison: got {variant}, {source}, {metric}; must be compared here ({allowed}){why}")

    def to_frame(self) -> pd.DataFrame:
        """A row a variant, source and metric. Of each estimate its value, `_low` and `_high`."""
        return pd.DataFrame([_row(difference) for difference in self.differences])

    def _repr_html_(self) -> str:
        return sim.report.comparison_html(self)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One variant and the baseline, of one source."""

    variant: str
    source: str
    base: Mapping[str, Estimate]
    other: Mapping[str, Estimate]
    contrasts: Mapping[str, Contrast]


def compare(results: Results, baseline: str | None = None, *, margin: float = MARGIN) -> Comparison:
    """Hold every variant against the baseline.

    Args:
        baseline: a variant; by default the first.
        margin: what counts as equal, as a share: of the baseline's value for rates and latencies, of its share of bad
            ones for availability (at least one request in 10,000 with the default).
    Raises: DsimError where there is nothing to compare.
    """
    if not isinstance(margin, int | float) or not 0.0 <= margin < 1.0:
        raise DsimError(f"margin: got {margin!r}; must be a share from 0 to below 1; give e.g. 0.05 for 5 %")
    baseline = _baseline(results, baseline)
    pairs = list(_pairs(results, baseline))
    fates = results.fates()
    p_values = [pair.contrasts[metric].p_value() for pair in pairs for metric in PRIMARY]
    judge = _Judge(
        baseline,
        len(results.of(baseline)),
        margin,
        simultaneous_confidence(sum(not math.isnan(p) for p in p_values)),
        several_sources=len(results.sources) > 1,
        fates=fates,
        caveat=results.caveat,
    )
    adjusted = iter(holm(p_values))
    primary = {(pair.variant, pair.source, metric): next(adjusted) for pair in pairs for metric in PRIMARY}
    differences = tuple(
        judge.difference(pair, metric, primary.get((pair.variant, pair.source, metric)))
        for pair in pairs
        for metric in pair.contrasts
    )
    return Comparison(baseline, judge.replications, differences, fates, tuple(_notes(results, baseline)))


def _baseline(results: Results, baseline: str | None) -> str:
    if len(results.variants) < 2:
        raise DsimError(
            f"comparison: got the results of variant {results.variants[0]} alone; must be at least two; "
            "add variants: to the scenario, or run them all"
        )
    baseline = results.variants[0] if baseline is None else baseline
    if baseline not in results.variants:
        raise DsimError(f"baseline: got {baseline}; must be one of {', '.join(results.variants)}")
    return baseline


def _pairs(results: Results, baseline: str) -> Iterator[_Pair]:
    """Every other variant, with each source that both have."""
    for variant in results.variants:
        for source in results.sources:
            if variant != baseline and {variant, baseline} <= set(results.variants_with(source)):
                yield _pair(results, variant, baseline, source)


def _pair(results: Results, variant: str, baseline: str, source: str) -> _Pair:
    numbers = [sorted(run.replication for run in results.of(name)) for name in (baseline, variant)]
    if numbers[0] != numbers[1]:
        raise DsimError(
            f"comparison: got {len(numbers[1])} replications of {variant} and {len(numbers[0])} of {baseline}; must be "
            "the same ones, since they are compared in pairs; run both again"
        )
    base, other = (results.estimates(name, source) for name in (baseline, variant))
    samples = [
        scope_samples(results.of(name), "source", source, window_target=results.window_target(name, source))
        for name in (baseline, variant)
    ]
    contrasts = {}
    for metric in base:
        pair = {baseline: base[metric], variant: other[metric]}
        reason = _stopped(results, baseline, variant) or _missing(pair)
        contrasts[metric] = (
            Contrast(math.nan, reason=reason) if reason else samples[1][metric].minus(samples[0][metric])
        )
    return _Pair(variant, source, base, other, contrasts)


def _stopped(results: Results, *variants: str) -> str:
    """Why variants cannot be compared, if one of them stopped at a limit."""
    caveats = [(variant, stop_caveat(results.of(variant))) for variant in variants]
    return "; ".join(f"{variant} is unstable, {caveat}" for variant, caveat in caveats if caveat)


def _missing(estimates: Mapping[str, Estimate]) -> str:
    """Why a metric cannot be compared, if one variant has no value, or both have infinite ones."""
    if all(math.isinf(e.value) for e in estimates.values()):
        return f"in both, {next(iter(estimates.values())).reason}"
    return "; ".join(f"in {v}, {e.reason}" for v, e in estimates.items() if math.isnan(e.value))


def _notes(results: Results, baseline: str) -> Iterator[str]:
    for source in results.sources:
        having = results.variants_with(source)
        lacking = [variant for variant in results.variants if variant not in having]
        if lacking:
            place = f"{baseline} has no source {source}" if baseline in lacking else f"{', '.join(lacking)} lacks it"
            yield f"source {source} is compared only where both variants have it: {place}"
    if results.warmup is not None and not results.warmup.found:
        yield results.warmup.sentence


@dataclass(frozen=True, slots=True)
class _Judge:
    """Turns contrasts into differences with verdicts."""

    baseline: str
    replications: int
    margin: float
    primary_confidence: float
    """Of each primary interval, so that all of them hold at once with 95 %."""
    several_sources: bool
    fates: tuple[Fates, ...]
    caveat: str
    """What every sentence has to add, or nothing."""

    def difference(self, pair: _Pair, metric: str, adjusted_p: float | None) -> Difference:
        """`adjusted_p` is None for exploratory metrics."""
        contrast, primary = pair.contrasts[metric], adjusted_p is not None
        confidence = self.primary_confidence if primary else CONFIDENCE
        p_value = contrast.p_value()
        adjusted = math.nan if adjusted_p is None else adjusted_p
        rejected = (adjusted if primary else p_value) <= 1.0 - CONFIDENCE
        interval = consistent(contrast.interval(confidence), rejected)
        margin = self._margin(metric, pair.base[metric].value)
        verdict = decide(interval, margin, rejected)
        more = more_replications(contrast, self.replications, margin, confidence) if verdict == "undecided" else None
        sentence = self._sentence(pair, metric, interval, verdict, margin, more)
        remark = self.caveat if primary else ", ".join(text for text in ("exploratory", self.caveat) if text)
        return Difference(
            pair.variant,
            pair.source,
            metric,
            primary,
            pair.base[metric],
            pair.other[metric],
            interval,
            contrast.unpaired(confidence),
            contrast.correlation,
            p_value,
            adjusted,
            verdict,
            margin,
            more,
            f"{sentence} ({remark})" if remark else sentence,
        )

    def _margin(self, metric: str, base: float) -> float:
        """What counts as equal, in the metric's own unit."""
        if kind_of(metric) == SHARE:
            return self.margin * max(1.0 - base, LEAST_BAD_SHARE[metric])
        return self.margin * abs(base)

    def _sentence(
        self, pair: _Pair, metric: str, interval: Estimate, verdict: Verdict, margin: float, more: int | None
    ) -> str:
        subject = Subject(pair.variant, self.baseline, pair.source if self.several_sources else "", metric)
        if not interval.has_interval:
            return bare_sentence(subject, interval, verdict)
        sentence = difference_sentence(subject, interval, verdict, margin, more)
        averaged = [
            fates.sentence
            for fates in self.fates
            if fates.source == pair.source and fates.variant in (pair.variant, self.baseline)
        ]
        return f"{sentence}; an average over two fates: {'; '.join(averaged)}" if averaged else sentence


def _row(of: Difference) -> dict[str, Any]:
    row: dict[str, Any] = {key: getattr(of, key) for key in (*KEYS, "primary")}
    for name in ("base", "other", "difference", "unpaired"):
        estimate: Estimate = getattr(of, name)
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    del row["unpaired"]  # the same value
    for name in ("correlation", "p_value", "adjusted_p", "verdict", "margin", "more_replications", "sentence"):
        row[name] = getattr(of, name)
    return row
