"""From independent replications to a number with its standard error, and the verdict about a closed form.

A replication is summed up by numbers that add: counts, totals, areas, a histogram. An estimate is a function of such
sums over all replications together; its standard error is the delete-one jackknife's, which leaves out one whole
replication at a time (Efron & Tibshirani, An Introduction to the Bootstrap, chapter 11).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.engine import Run
from sim.engine.run import Gauge, ScopeKind
from sim.statistics.quantiles import interpolated_quantile

RELATIVE_TOLERANCE = 0.01
STANDARD_ERRORS = 3.0


class Measured(NamedTuple):
    value: float
    error: float
    """The standard error."""

    def minus(self, constant: float) -> Measured:
        return Measured(self.value - constant, self.error)


def jackknife(parts: Sequence[Any], statistic: Callable[[Any], float]) -> Measured:
    """A statistic of the sum of `parts`, one a replication; arrays of shape (replications, …)."""
    rows = np.asarray(parts)
    total = rows.sum(axis=0, dtype=np.int64 if rows.dtype.kind == "u" else None)
    deleted = np.array([statistic(total - row) for row in rows])
    n = len(rows)
    error = np.sqrt((n - 1) / n * np.sum((deleted - deleted.mean()) ** 2))
    return Measured(statistic(total), float(error))


def ratio(sums: NDArray[np.float64]) -> float:
    return float(sums[0] / sums[1])


@dataclass(frozen=True)
class Replications:
    """Runs of one model, and what they say together."""

    runs: tuple[Run, ...]

    def mean(self, name: str, kind: ScopeKind = "source") -> Measured:
        """Latency of the ok requests of the cohort."""
        latencies = [run.scope(kind, name).latency for run in self.runs]
        return jackknife([(x.mean_s * x.count, x.count) for x in latencies], ratio)

    def quantile(self, name: str, q: float, kind: ScopeKind = "source") -> Measured:
        """Of the ok latencies of the cohort."""
        histograms = [run.scope(kind, name).latency.histogram for run in self.runs]
        return jackknife(histograms, lambda counts: interpolated_quantile(counts, q, 0))

    def number_variance(self, name: str) -> Measured:
        """Var N of a first-come-first-served station with Poisson arrivals, by the distributional form of Little's law
        (Keilson & Servi, Operations Research Letters 7, 1988): E[N(N-1)] = λ²·E[T²]."""

        def variance(sums: NDArray[np.float64]) -> float:
            count, total, squares, duration = sums
            rate, mean, square = count / duration, total / count, squares / count
            return float(rate**2 * square + rate * mean - (rate * mean) ** 2)

        parts = []
        for run in self.runs:
            x = run.scope("source", name).latency
            squares = x.variance_s2 * (x.count - 1) + x.count * x.mean_s**2
            parts.append((x.count, x.mean_s * x.count, squares, run.duration_s - run.warmup_s))
        return jackknife(parts, variance)

    def share(self, name: str, outcome: str) -> Measured:
        """Of the cohort's requests that ended so."""
        counts = [run.scope("source", name).cohort for run in self.runs]
        return jackknife([(x.outcomes[outcome], x.offered) for x in counts], ratio)

    def throughput(self, name: str, kind: ScopeKind = "source") -> Measured:
        return self._average([run.scope(kind, name).throughput_per_s for run in self.runs])

    def gauge(self, field_name: str, name: str) -> Measured:
        """A time average of an instance or a node."""
        return self._average([getattr(gauge_of(run, name), field_name) for run in self.runs])

    def _average(self, values: Sequence[float]) -> Measured:
        return jackknife([(value, 1.0) for value in values], ratio)


def batch_mean(run: Run, name: str) -> Measured:
    """Mean latency of a source by the windows of one run after its warm-up, taken as independent batches."""
    rows = run.series[(run.series["kind"] == "source") & (run.series["name"] == name)]
    rows = rows[(rows["window_start_s"] >= run.warmup_s) & (rows["window_start_s"] < run.duration_s)]
    return jackknife((rows["latency_mean_s"] * rows["ok"]).to_frame().assign(ok=rows["ok"]).to_numpy(), ratio)


def gauge_of(run: Run, name: str) -> Gauge:
    return next(gauge for gauge in run.gauges if gauge.name == name)


@dataclass
class Comparison:
    """Measured against true: a claim holds where |measured - true| ≤ max(1 % of true, 3 standard errors).

    `widest` bounds what three standard errors may amount to, relative to the truth: a test that can reject nothing is
    no test. Tails may be three times as wide.
    """

    widest: float
    rows: dict[str, str] = field(default_factory=dict)
    misses: dict[str, str] = field(default_factory=dict)
    """By claim."""

    def hold(self, claim: str, measured: Measured, true: float, tail: bool = False) -> None:
        off, reach = measured.value - true, STANDARD_ERRORS * measured.error
        row = f"{claim:34s} {true:10.5g} {measured.value:10.5g} {off / true:+8.2%}   3 SE {reach / true:6.2%}"
        self.rows[claim] = row
        if not abs(off) <= max(RELATIVE_TOLERANCE * true, reach):
            self.misses[claim] = row
        if not reach <= (3.0 if tail else 1.0) * self.widest * true:
            self.misses[claim] = f"{row}: too few requests to tell"

    def close(self) -> None:
        """Print the table (`pytest -rP` shows it) and fail if anything missed."""
        print("\n".join(self.rows.values()))
        assert not self.misses, "\n".join(["outside the tolerance:", *self.misses.values()])


def judge(measure: Callable[[int], Any], claims: Callable[[Any, Comparison], None], widest: float) -> Comparison:
    """Hold claims against what is measured; a miss counts if a second, independent and longer look misses too.

    Of some 260 comparisons at three standard errors from twenty replications, about four miss by chance (1.6 % did over
    eight seeds, without bias); a claim that is wrong misses in the second look all the more.

    Args:
        measure: of the look's number, 0 or 1: what is measured.
        claims: writes what is measured into a table.
    """
    first, second = Comparison(widest), Comparison(widest)
    claims(measure(0), first)
    if first.misses:
        claims(measure(1), second)
        first.misses = {claim: row for claim, row in second.misses.items() if claim in first.misses}
        first.rows |= {f"{claim}, second look": f"{row}  (second look)" for claim, row in second.rows.items()}
    return first
