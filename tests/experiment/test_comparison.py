"""Comparisons of known results: which numbers, which verdicts, which words."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import sim
from sim.errors import DsimError
from sim.experiment.comparison import PRIMARY, Comparison, Difference, compare
from sim.experiment.measures import scope_estimates, scope_samples
from sim.experiment.warmup import Warmup
from sim.experiment.wording import PHRASES
from sim.statistics import holm
from tests.experiment import made
from tests.experiment.made import Made, common_luck

ROOT = Path(__file__).resolve().parents[2]
P99 = "latency_p99_s"


def compared(other: made.Make, base: made.Make | None = None, **options: object) -> Comparison:
    return compare(made.results({"base": base or common_luck(), "other": other}, **options))  # type: ignore[arg-type]


def test_every_metric_is_compared_and_has_its_words() -> None:
    comparison = compared(common_luck(1.2))
    metrics = [difference.metric for difference in comparison.differences]
    assert (
        metrics
        == list(PHRASES)
        == list(scope_estimates([made.run_of("base", 0, {"users": common_luck()})], "source", "users"))
    )
    assert {d.metric for d in comparison.differences if d.primary} == set(PRIMARY)
    assert (comparison.baseline, comparison.replications) == ("base", made.REPLICATIONS)


def test_differences_are_other_minus_base_in_pairs() -> None:
    results = made.results({"base": common_luck(), "other": common_luck(1.2)})
    means = [np.array([s.latency.mean_s for s in results.scopes_of(v, "users")]) for v in ("base", "other")]
    difference = compare(results).of("other", "users", "latency_mean_s")
    low, high = stats.ttest_rel(means[1], means[0]).confidence_interval(0.95)
    assert (difference.difference.low, difference.difference.high) == (pytest.approx(low), pytest.approx(high))
    low, high = stats.ttest_ind(means[1], means[0], equal_var=False).confidence_interval(0.95)
    assert (difference.unpaired.low, difference.unpaired.high) == (pytest.approx(low), pytest.approx(high))
    assert difference.base == results.estimates("base", "users")["latency_mean_s"]
    assert difference.correlation == pytest.approx(stats.pearsonr(*means).statistic)
    back = compare(results, "other").of("base", "users", "latency_mean_s")
    assert back.difference.value == pytest.approx(-difference.difference.value)


def test_the_primary_ones_are_adjusted_over_all_variants_and_sources() -> None:
    slower = {"users": common_luck(1.01), "robots": common_luck(1.1)}
    results = made.results({"base": dict.fromkeys(slower, common_luck()), "one": slower, "two": slower})
    comparison = compare(results)
    primary = [difference for difference in comparison.differences if difference.primary]
    assert len(primary) == 2 * 2 * 3
    assert [d.adjusted_p for d in primary] == holm([d.p_value for d in primary])
    samples = [scope_samples(results.of(v), "source", "users")[P99] for v in ("base", "one")]
    bonferroni = samples[1].minus(samples[0]).interval(1 - 0.05 / 12)
    assert comparison.of("one", "users", P99).difference.low == pytest.approx(bonferroni.low)
    exploratory = [difference for difference in comparison.differences if not difference.primary]
    assert all(math.isnan(difference.adjusted_p) for difference in exploratory)
    assert all(difference.sentence.endswith("(exploratory)") for difference in exploratory)


@pytest.mark.parametrize(
    "factor, verdict, words",
    [
        (1.4, "differs", r"other is 19\.\d ms slower at p99 \(1\d\.\d to 2\d\.\d\)"),
        (0.7, "differs", r"other is 14\.\d\d? ms faster at p99 \(1\d\.\d\d? to 1\d\.\d\d?\)"),
        (1.01, "equal", r"other is 0\.\d+ ms slower at p99 \(0\.\d+ to 0\.\d+\): equal within ±2\.\d+ ms"),
        (1.0, "equal", r"other is as base in p99, to ±0\.\d+ ms: equal within ±2\.\d+ ms"),
    ],
)
def test_latency_in_words(factor: float, verdict: str, words: str) -> None:
    difference = compared(common_luck(factor)).of("other", "users", P99)
    assert difference.verdict == verdict
    assert re.fullmatch(words, difference.sentence), difference.sentence


def test_the_words_say_what_the_numbers_say() -> None:
    """Every sentence with an interval: sizes, direction, and both ends."""
    comparison = compared(common_luck(0.7, failed=150), common_luck(failed=40))
    p50 = comparison.of("other", "users", "latency_p50_s").difference
    assert comparison.of("other", "users", "latency_p50_s").sentence == (
        f"other is {-1000 * p50.value:.2f} ms faster at p50 ({-1000 * p50.high:.2f} to {-1000 * p50.low:.2f}) "
        "(exploratory)"
    )
    available = comparison.of("other", "users", "availability")
    assert available.verdict == "differs"
    assert available.difference.value == pytest.approx(2000 / 2150 - 2000 / 2040)
    assert available.sentence.startswith("other answers 5.0")
    assert "percentage points fewer requests well (" in available.sentence


def test_undecided_says_about_how_many_more() -> None:
    noise = np.random.default_rng(3).normal(0.0, 0.1, made.REPLICATIONS)

    def noisy(replication: int) -> Made:
        return Made((1.05 + noise[replication]) * common_luck()(replication).latencies_s)

    difference = compared(noisy).of("other", "users", P99)
    assert difference.verdict == "undecided"
    assert difference.more_replications is not None and difference.more_replications > 5
    assert re.fullmatch(
        r"other is between \d+(?:\.\d)? ms faster and \d+(?:\.\d)? ms slower at p99: "
        r"undecided \(about \d+ more replications\)",
        difference.sentence,
    ), difference.sentence


def test_without_failures_there_is_a_bound_never_plus_minus_zero() -> None:
    difference = compared(common_luck(1.2)).of("other", "users", "availability")
    assert difference.difference.value == 0.0
    assert difference.difference.low < 0.0 < difference.difference.high
    assert "no failure in 32,000 requests: a bound" in difference.sentence
    assert difference.verdict == "undecided"
    assert difference.more_replications is not None
    many = compared(common_luck(requests=10_000), common_luck(requests=10_000))
    assert many.of("other", "users", "availability").verdict == "equal"


def test_margins() -> None:
    """5 % of the baseline's value; of shares, 5 % of what was bad, and at least one request in 10,000."""
    comparison = compared(common_luck(), common_luck(failed=200))
    base = comparison.of("other", "users", "latency_mean_s").base.value
    assert comparison.of("other", "users", "latency_mean_s").margin == pytest.approx(0.05 * base)
    assert comparison.of("other", "users", "availability").margin == pytest.approx(0.05 * 200 / 2200)
    assert compared(common_luck()).of("other", "users", "availability").margin == pytest.approx(1e-4)
    assert compared(common_luck()).of("other", "users", "window_availability").margin == pytest.approx(0.01)
    wide = compare(made.results({"base": common_luck(), "other": common_luck(1.4)}), margin=0.5)
    assert wide.of("other", "users", P99).verdict == "equal"


@pytest.mark.parametrize("margin", [-0.1, 1.0, math.nan])
def test_a_margin_is_a_share(margin: float) -> None:
    with pytest.raises(DsimError, match=r"margin: got .*; must be a share from 0 to below 1"):
        compare(made.results({"base": common_luck(), "other": common_luck()}), margin=margin)


def test_one_replication_is_a_sentence() -> None:
    difference = compared(common_luck(1.4), replications=1).of("other", "users", P99)
    assert (difference.verdict, difference.more_replications) == ("undecided", None)
    assert re.fullmatch(
        r"other is \d+\.\d ms slower at p99: undecided \(one replication gives no interval; run at least two\)",
        difference.sentence,
    )
    assert math.isfinite(difference.difference.value) and not difference.difference.has_interval


def test_a_variant_that_stopped_is_not_compared() -> None:
    for stopped in ({"other": [1, 4]}, {"base": range(8)}):
        comparison = compare(made.results({"base": common_luck(), "other": common_luck(1.4)}, stopped=stopped))
        difference = comparison.of("other", "users", P99)
        assert difference.verdict == "undecided" and math.isnan(difference.difference.value)
        (unstable,) = stopped
        assert f"p99 of other is not compared: {unstable} is unstable, " in difference.sentence
        assert f"{'all 8' if unstable == 'base' else '2 of 8'} replications stopped at a limit" in difference.sentence
        assert not difference.other.has_interval or unstable == "base"
        assert "nan" not in difference.sentence


def test_the_estimates_of_a_variant_that_stopped_say_so() -> None:
    results = made.results({"base": common_luck()}, stopped={"base": [2]})
    for metric, estimate in results.estimates("base", "users").items():
        assert not estimate.has_interval
        withheld = metric.startswith("latency_p999")
        assert estimate.reason.startswith("p99.9 needs" if withheld else "1 of 8 replications stopped at a limit")


def test_sources_that_one_variant_lacks_are_a_sentence() -> None:
    results = made.results(
        {
            "base": {"users": common_luck(), "robots": common_luck()},
            "other": {"users": common_luck(), "bots": common_luck()},
        }
    )
    comparison = compare(results)
    assert {difference.source for difference in comparison.differences} == {"users"}
    assert comparison.notes == (
        "source robots is compared only where both variants have it: other lacks it",
        "source bots is compared only where both variants have it: base has no source bots",
    )
    assert (
        "at p99 for users" in comparison.of("other", "users", P99).sentence
        or "p99 of users" in comparison.of("other", "users", P99).sentence
    )
    with pytest.raises(DsimError, match=r"got other, robots, latency_p99_s; must be .*users.*other lacks it"):
        comparison.of("other", "robots", P99)


def test_withheld_and_infinite_quantiles_are_sentences() -> None:
    short = compared(common_luck(1.4, requests=900)).of("other", "users", P99)
    assert short.sentence.startswith("p99 of other is not compared: in other, p99 needs 1000 requests a replication")
    infinite = compared(common_luck(failed=100)).of("other", "users", P99)
    assert re.fullmatch(r"other is infinitely slower at p99: \d[\d.]* % of the requests failed", infinite.sentence), (
        infinite.sentence
    )
    assert (infinite.difference.value, infinite.verdict) == (math.inf, "differs")


def stuck(replications: tuple[int, ...], failed: int = 1500) -> made.Make:
    """These replications fail from the middle on."""

    def make(replication: int) -> Made:
        if replication not in replications:
            return common_luck(failed=replication % 3)(replication)
        generator = np.random.default_rng([6, replication])
        latencies_s = common_luck()(replication).latencies_s[: 2000 - failed + int(generator.integers(0, 300))]
        return Made(latencies_s, 2000 - len(latencies_s), (0,) * 5 + (100 - int(generator.integers(0, 5)),) * 5)

    return make


def test_two_fates_are_counted_and_no_verdict_averages_over_them_silently() -> None:
    comparison = compared(stuck((1, 4, 6)))
    (fates,) = comparison.fates
    assert (fates.variant, fates.source, fates.metric) == ("other", "users", "availability")
    assert [group.count for group in fates.groups] == [3, 5]
    assert fates.groups[0].high < 0.45 < 0.99 < fates.groups[1].low
    assert re.fullmatch(
        r"3 of 8 replications of other did not recover \(availability \d+–\d+ %; the other 5: 99\.9\d*–100 %\)",
        fates.sentence,
    ), fates.sentence
    for difference in comparison.differences:
        if difference.difference.has_interval:
            assert f"an average over two fates: {fates.sentence}" in difference.sentence
    assert compared(common_luck(1.4)).fates == ()


def test_fates_of_the_baseline_and_of_latency() -> None:
    comparison = compared(common_luck(), stuck((0, 2, 3, 5, 6, 7)))
    assert comparison.fates[0].variant == "base"
    assert "6 of 8 replications of base did not recover" in comparison.of("other", "users", "throughput_per_s").sentence
    (slow,) = compared(lambda r: common_luck(40.0 if r in (2, 3) else 1.0)(r)).fates
    assert slow.metric == "latency_mean_s"
    assert re.fullmatch(
        r"2 of 8 replications of other were much slower "
        r"\(mean latency 0\.\d+–0\.\d+ s; the other 6: 0\.0\d+–0\.0\d+ s\)",
        slow.sentence,
    ), slow.sentence


def test_no_steady_state_is_noted() -> None:
    warmup = Warmup(6.0, False, "no steady state shown: it grows")
    results = made.results({"base": common_luck(), "other": common_luck()}, warmup=warmup)
    assert compare(results).notes == ("no steady state shown: it grows",)
    difference = compare(results).of("other", "users", P99)
    assert "no steady state shown" in difference.base.reason
    assert difference.sentence.endswith("(no steady state shown)")


def test_the_frame_has_a_row_a_difference() -> None:
    comparison = compared(common_luck(1.4))
    frame = comparison.to_frame()
    assert len(frame) == len(comparison.differences)
    row = frame.set_index("metric").loc[P99]
    difference = comparison.of("other", "users", P99)
    assert row["difference"] == difference.difference.value == pytest.approx(row["other"] - row["base"])
    assert (row["difference_low"], row["unpaired_high"]) == (difference.difference.low, difference.unpaired.high)
    assert (row["verdict"], row["sentence"]) == (difference.verdict, difference.sentence)
    assert bool(row["primary"]) and row["adjusted_p"] == difference.adjusted_p


def test_what_cannot_be_compared_at_all() -> None:
    with pytest.raises(DsimError, match="variant base alone; must be at least two"):
        compare(made.results({"base": common_luck()}))
    results = made.results({"base": common_luck(), "other": common_luck()})
    with pytest.raises(DsimError, match="baseline: got third; must be one of base, other"):
        compare(results, "third")
    results.runs = [run for run in results.runs if (run.variant, run.replication) != ("other", 3)]
    with pytest.raises(DsimError, match="got 7 replications of other and 8 of base; must be the same ones"):
        compare(results)


def test_common_random_numbers_pay() -> None:
    """Two policies that look at the servers: their paired interval is at most a third as wide as that of as many
    independent runs, in throughput, p99 and mean. The spread of `random` is many times that of the others, and what
    is added to it is its own luck: pairing gains little there."""
    scenario = sim.load(ROOT / "scenarios" / "balancers.yaml", {"run.duration": "1min", "run.warmup": "10s"})
    variants = ["power_of_two", "least_outstanding", "random"]
    comparison = compare(sim.run(scenario, variants=variants))
    for metric in ("throughput_per_s", P99, "latency_mean_s"):
        difference = comparison.of("least_outstanding", "users", metric)
        print(f"{metric}: correlation {difference.correlation:.3f}, {_ratio(difference):.2f} as wide")
        assert difference.correlation > 0.9
        assert _ratio(difference) <= 1 / 3
        assert difference.verdict in ("differs", "equal")
    assert _ratio(comparison.of("random", "users", P99)) > 1 / 3


def _ratio(difference: Difference) -> float:
    return difference.difference.half_width / difference.unpaired.half_width
