"""Planted mistakes in the statistics: each is noticed by a check of the other files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.statistics import contrast, fates, mser, paired, quantiles
from sim.statistics.availability import exact_share
from tests.statistics import (
    test_fates,
    test_mser,
    test_multiple,
    test_paired,
    test_quantiles,
)

MUTANTS: dict[str, tuple[Callable[[Any], None], Callable[[], None]]] = {}
"""By name: what plants the mistake (with pytest's `monkeypatch`), and the check that notices it."""


def caught_by(check: Callable[[], None]) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    def register(plant: Callable[[Any], None]) -> Callable[[Any], None]:
        MUTANTS[plant.__name__] = plant, check
        return plant

    return register


@caught_by(test_paired.check_means_are_those_of_scipy)
def pairs_are_shuffled(patch: Any) -> None:
    right = paired.mean_contrast
    patch.setattr(test_paired, "mean_contrast", lambda base, other: right(base, np.roll(other, 1).tolist()))


@caught_by(test_paired.check_pairs_are_kept)
def differences_are_taken_as_independent(patch: Any) -> None:
    right = paired.mean_contrast

    def wrong(base: Any, other: Any) -> Any:
        found = right(base, other)
        return replace(found, error=found.unpaired_error, degrees=found.unpaired_degrees)

    patch.setattr(test_paired, "mean_contrast", wrong)


@caught_by(test_paired.check_quantiles_are_jackknifed_in_pairs)
def the_jackknife_lacks_its_factor(patch: Any) -> None:
    patch.setattr(paired, "jackknife_error", lambda deleted: float(np.std(deleted, ddof=1) / np.sqrt(len(deleted))))


@caught_by(test_paired.check_quantiles_are_jackknifed_in_pairs)
def the_jackknife_deletes_different_replications(patch: Any) -> None:
    right, calls = paired.deleted_quantiles, iter(range(1000))

    def wrong(*arguments: Any) -> np.ndarray:
        return np.roll(right(*arguments), next(calls) % 2)

    patch.setattr(paired, "deleted_quantiles", wrong)


@caught_by(test_paired.check_means_are_those_of_scipy)
def the_interval_is_the_normal_one(patch: Any) -> None:
    patch.setattr(contrast, "student_factor", lambda degrees, confidence: 1.959964)


@caught_by(test_paired.check_no_failure_is_a_bound)
def no_failure_is_certainty(patch: Any) -> None:
    patch.setattr(contrast.Counts, "rare", property(lambda self: False))


@caught_by(test_paired.check_no_failure_is_a_bound)
def the_bound_is_one_sided_on_both_sides(patch: Any) -> None:
    patch.setattr(contrast, "exact_share", lambda bad, n, confidence: exact_share(bad, n, 2 * confidence - 1))


@caught_by(test_multiple.check_a_worked_example)
def holm_goes_from_the_largest(patch: Any) -> None:
    def wrong(p_values: list[float]) -> list[float]:
        order = sorted(p_values, reverse=True)
        return [min(1.0, (len(order) - order.index(p)) * p) for p in p_values]

    patch.setattr(test_multiple, "holm", wrong)


@caught_by(test_multiple.check_a_worked_example)
def holm_may_fall(patch: Any) -> None:
    def wrong(p_values: list[float]) -> list[float]:
        order = sorted(p_values)
        return [min(1.0, (len(order) - order.index(p)) * p) for p in p_values]

    patch.setattr(test_multiple, "holm", wrong)


@caught_by(test_multiple.check_false_alarms_and_power)
def nothing_is_adjusted(patch: Any) -> None:
    patch.setattr(test_multiple, "holm", lambda p_values: list(p_values))


@caught_by(test_multiple.check_false_alarms_and_power)
def every_interval_holds_by_itself(patch: Any) -> None:
    patch.setattr(test_multiple, "simultaneous_confidence", lambda tests: 0.95)


@caught_by(test_multiple.check_false_alarms_and_power)
def all_are_multiplied_by_their_number(patch: Any) -> None:
    patch.setattr(test_multiple, "holm", lambda p_values: [min(1.0, len(p_values) * p) for p in p_values])


@caught_by(test_quantiles.check_tails_in_clusters_are_covered)
def requests_are_taken_as_independent(patch: Any) -> None:
    def wrong(hits: np.ndarray, trials: np.ndarray, confidence: float) -> tuple[float, float]:
        return exact_share(int(hits.sum()), int(trials.sum()), confidence)

    patch.setattr(quantiles, "share_interval", wrong)


@caught_by(test_quantiles.check_tails_in_clusters_are_covered)
def few_replications_are_taken_as_many(patch: Any) -> None:
    patch.setattr(quantiles, "student_factor", lambda degrees, confidence: 1.959964)


@caught_by(test_mser.check_the_formula)
def mser_divides_once(patch: Any) -> None:
    right = mser.mser
    patch.setattr(test_mser, "mser", lambda values: right(values) * (len(values) - np.arange(len(right(values)))))


@caught_by(test_mser.check_a_transient_is_cut)
def mser_takes_the_largest(patch: Any) -> None:
    patch.setattr(test_mser, "mser_cut", lambda values: int(np.argmax(mser.mser(values))))


@caught_by(test_fates.check_two_groups_are_found)
def every_gap_is_compared_with_the_whole_spread(patch: Any) -> None:
    patch.setattr(fates, "_gap_ratios", lambda ordered: np.diff(ordered) / ordered.std())


@pytest.mark.parametrize("name", MUTANTS)
def test_every_planted_mistake_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, check = MUTANTS[name]
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check()
