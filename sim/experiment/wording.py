"""Differences in plain words: which variant, which way, by how much, how sure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.statistics import Estimate, Verdict

POINTS = " percentage points"
TIMES = ((" s", 1.0), (" ms", 1e-3), (" µs", 1e-6))
RATE, TIME, SHARE = "rate", "time", "share"


@dataclass(frozen=True, slots=True)
class Phrase:
    """`{variant} {verb} 38.1 ms {less or more} {tail}`."""

    kind: str
    verb: str
    less: str
    more: str
    tail: str
    name: str
    """Of the metric, as the subject of a sentence."""


def _latency(of: str) -> Phrase:
    return Phrase(TIME, "is", "faster", "slower", f"at {of}", of)


PHRASES: dict[str, Phrase] = {
    "offered_per_s": Phrase(RATE, "is offered", "fewer", "more", "requests a second", "the offered rate"),
    "throughput_per_s": Phrase(RATE, "answers", "fewer", "more", "requests a second", "throughput"),
    "goodput_per_s": Phrase(RATE, "answers", "fewer", "more", "requests a second within the objective", "goodput"),
    "latency_mean_s": Phrase(TIME, "is", "faster", "slower", "on average", "mean latency"),
    "latency_p50_s": _latency("p50"),
    "latency_p95_s": _latency("p95"),
    "latency_p99_s": _latency("p99"),
    "latency_p999_s": _latency("p99.9"),
    "latency_p50_ok_s": _latency("p50 of the ok ones"),
    "latency_p95_ok_s": _latency("p95 of the ok ones"),
    "latency_p99_ok_s": _latency("p99 of the ok ones"),
    "latency_p999_ok_s": _latency("p99.9 of the ok ones"),
    "availability": Phrase(SHARE, "answers", "fewer", "more", "requests well", "availability"),
    "good_share": Phrase(
        SHARE, "answers", "fewer", "more", "requests within the objective", "the share of good requests"
    ),
    "window_availability": Phrase(
        SHARE, "meets the objective in", "fewer", "more", "windows", "the share of windows that met the objective"
    ),
}
"""By metric."""


def kind_of(metric: str) -> str:
    return PHRASES[metric].kind


@dataclass(frozen=True, slots=True)
class Subject:
    """What a sentence is about. `source` is empty where there is only one."""

    variant: str
    baseline: str
    source: str
    metric: str

    @property
    def phrase(self) -> Phrase:
        return PHRASES[self.metric]

    @property
    def tail(self) -> str:
        return f"{self.phrase.tail} for {self.source}" if self.source else self.phrase.tail

    @property
    def name(self) -> str:
        return f"{self.phrase.name} of {self.source}" if self.source else self.phrase.name


@dataclass(frozen=True, slots=True)
class Scale:
    """How to write the sizes of one difference: all in one unit, with as many decimals as its interval leaves."""

    unit: str
    factor: float
    decimals: int

    def number(self, size: float) -> str:
        return f"{abs(size) / self.factor:,.{self.decimals}f}"

    def size(self, size: float) -> str:
        return self.number(size) + self.unit


def scale_for(kind: str, estimate: Estimate, beside: float = 0.0) -> Scale:
    """Two significant digits of the half-width; three of the value where there is no interval. In the unit of the
    largest size, that of `beside` too."""
    sizes = [abs(v) for v in (estimate.value, estimate.low, estimate.high, beside) if math.isfinite(v)]
    unit, factor = {RATE: ("", 1.0), SHARE: (POINTS, 0.01), TIME: _time_unit(max(sizes, default=0.0))}[kind]
    digits, from_size = (2, estimate.half_width) if estimate.has_interval else (3, abs(estimate.value))
    from_size = from_size or abs(estimate.value)
    if not from_size or not math.isfinite(from_size):
        return Scale(unit, factor, 0)
    return Scale(unit, factor, min(max(digits - 1 - math.floor(math.log10(from_size / factor)), 0), 9))


def _time_unit(size_s: float) -> tuple[str, float]:
    return next(((unit, factor) for unit, factor in TIMES if size_s >= factor), TIMES[-1])


def difference_sentence(
    subject: Subject, difference: Estimate, verdict: Verdict, margin: float, more_replications: int | None
) -> str:
    """The verdict on a difference that has an interval."""
    phrase = subject.phrase
    scale = scale_for(phrase.kind, difference, margin if verdict == "equal" else 0.0)
    equal = f"equal within ±{_margin(phrase.kind, margin)}"
    decided = equal if verdict == "equal" else f"undecided ({_advice(more_replications)})"
    if difference.value == 0.0:
        return (
            f"{subject.variant} is as {subject.baseline} in {subject.name}, {_precision(scale, difference)}: {decided}"
        )
    ranged = f"{subject.variant} {phrase.verb} {_range(phrase, scale, difference)} {subject.tail}"
    sized = f"{subject.variant} {phrase.verb} {_sized(phrase, scale, difference, subject.tail)}"
    one_way = difference.low >= 0.0 or difference.high <= 0.0
    if verdict == "differs":
        return sized
    return f"{sized if one_way else ranged}: {decided}"


def _precision(scale: Scale, difference: Estimate) -> str:
    """Of no difference at all: `to ±0.0006 percentage points (no failure in 10,000 requests: a bound)`."""
    if difference.low == difference.high:
        return "to the last bit in every replication"
    why = f" ({difference.reason})" if difference.reason else ""
    return f"to ±{scale.size(difference.half_width)}{why}"


def _sized(phrase: Phrase, scale: Scale, difference: Estimate, tail: str) -> str:
    """`38.1 ms faster at p99 (35.7 to 40.5)`."""
    ends = sorted((abs(difference.low), abs(difference.high)))
    way = phrase.more if difference.value > 0.0 else phrase.less
    return f"{scale.size(difference.value)} {way} {tail} ({scale.number(ends[0])} to {scale.number(ends[1])})"


def _range(phrase: Phrase, scale: Scale, difference: Estimate) -> str:
    """`between 5.2 ms faster and 11.4 ms slower`."""
    ends = [
        f"{scale.size(end)} {phrase.less if end < 0.0 else phrase.more}" for end in (difference.low, difference.high)
    ]
    return f"between {ends[0]} and {ends[1]}"


def _margin(kind: str, margin: float) -> str:
    """To three digits at most: `8.2 ms`, `20 requests a second`."""
    unit, factor = {RATE: (" requests a second", 1.0), SHARE: (POINTS, 0.01), TIME: _time_unit(margin)}[kind]
    return f"{float(f'{margin / factor:.3g}'):,g}{unit}"


def _infinite_sentence(subject: Subject, difference: Estimate, verdict: Verdict) -> str:
    """`b is infinitely slower at p99: 9.4 % of the requests failed`; the reason is about the slower one."""
    whose = "" if difference.value > 0.0 else f" in {subject.baseline}"
    if verdict != "differs":
        failing = subject.variant if difference.value > 0.0 else subject.baseline
        return (
            f"{subject.name} of {subject.variant} is not told from {subject.baseline}'s: that of {failing} is infinite "
            f"({difference.reason}), but of one of the two this is not sure"
        )
    way = subject.phrase.more if difference.value > 0.0 else subject.phrase.less
    return f"{subject.variant} {subject.phrase.verb} infinitely {way} {subject.tail}: {difference.reason}{whose}"


def _advice(more_replications: int | None) -> str:
    if more_replications is None:
        return "no sensible number of replications would tell"
    plural = "s" if more_replications > 1 else ""
    return f"about {_rounded(more_replications):,} more replication{plural}"


def _rounded(count: int) -> int:
    """To two digits: it is no more exact than that."""
    return int(float(f"{count:.2g}"))


def bare_sentence(subject: Subject, difference: Estimate, verdict: Verdict) -> str:
    """A difference without an interval, or none at all."""
    if math.isinf(difference.value):
        return _infinite_sentence(subject, difference, verdict)
    if math.isnan(difference.value):
        return f"{subject.name} of {subject.variant} is not compared: {difference.reason}"
    phrase, scale = subject.phrase, scale_for(subject.phrase.kind, difference)
    way = phrase.more if difference.value > 0.0 else phrase.less
    if difference.value == 0.0:
        seen = f"{subject.variant} is as {subject.baseline} in {subject.name}"
    else:
        seen = f"{subject.variant} {phrase.verb} {scale.size(difference.value)} {way} {subject.tail}"
    return f"{seen}: undecided ({difference.reason})"
