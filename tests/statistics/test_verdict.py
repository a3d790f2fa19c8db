"""Three verdicts, and whether the replications that are advised bring one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from sim.statistics import Contrast, Estimate, decide, mean_contrast, more_replications, share_contrast


@pytest.mark.parametrize(
    "low, high, rejected, verdict",
    [
        (0.2, 0.8, True, "differs"),
        (-0.8, -0.2, True, "differs"),
        (-0.2, 0.3, False, "undecided"),
        (-0.09, 0.08, False, "equal"),
        (0.02, 0.08, True, "equal"),  # a difference, but within what counts as equal
        (0.02, 0.12, True, "differs"),
        (-0.1, 0.1, False, "equal"),
        (-0.1, 0.11, False, "undecided"),
        (0.0, 0.0, False, "equal"),
    ],
)
def test_verdicts(low: float, high: float, rejected: bool, verdict: str) -> None:
    assert decide(Estimate((low + high) / 2, low, high), 0.1, rejected) == verdict


def test_without_an_interval_nothing_is_decided() -> None:
    assert decide(Estimate(5.0), 0.1, False) == "undecided"


def test_without_a_margin_nothing_is_equal_but_the_same() -> None:
    assert decide(Estimate(0.0, -0.001, 0.001), 0.0, False) == "undecided"
    assert decide(Estimate(0.0, 0.0, 0.0), 0.0, False) == "equal"


@pytest.mark.parametrize("truth", [0.0, 1.0, 2.0])
def test_the_advised_replications_bring_a_verdict(truth: float) -> None:
    """Of undecided experiments with five replications and a margin of 1: with as many more as is advised, at least 80 %
    are decided, rightly."""
    generator = np.random.default_rng(int(10 * truth) + 1)
    advised, decided, wrong = 0, 0, 0
    for _ in range(250):
        values = generator.normal(truth, 2.0, 5)
        first = mean_contrast([0.0] * 5, values.tolist())
        if decide(first.interval(), 1.0, first.p_value() <= 0.05) != "undecided":
            continue
        more = more_replications(first, 5, 1.0, 0.95)
        assert more is not None and more >= 1
        values = np.append(values, generator.normal(truth, 2.0, more))
        second = mean_contrast([0.0] * len(values), values.tolist())
        verdict = decide(second.interval(), 1.0, second.p_value() <= 0.05)
        advised += 1
        decided += verdict != "undecided"
        wrong += (verdict == "differs" and truth == 0.0) or (verdict == "equal" and truth > 1.0)
    assert advised > 60
    assert decided / advised >= 0.8
    assert wrong / advised <= 0.06


def test_more_spread_takes_more_and_a_wider_margin_fewer() -> None:
    base = Contrast(0.2, 0.5, 9, 0.5, 18)
    more = more_replications(base, 10, 1.0, 0.95)
    assert more is not None
    wider = more_replications(replace(base, error=1.0), 10, 1.0, 0.95)
    easier = more_replications(base, 10, 2.0, 0.95)
    surer = more_replications(base, 10, 1.0, 0.99)
    assert wider is not None and easier is not None and surer is not None
    assert easier < more < surer and more < wider


def test_it_says_where_no_number_would_do() -> None:
    assert more_replications(Contrast(0.5, 0.1, 9, 0.1, 18, resolution=0.6), 10, 1.0, 0.95) is None
    assert more_replications(Contrast(0.5), 1, 1.0, 0.95) is None
    assert more_replications(Contrast(1e-9, 1.0, 9, 1.0, 18), 10, 0.0, 0.95) is None
    assert more_replications(Contrast(math.nan), 10, 1.0, 0.95) is None


def test_bounds_shrink_with_the_requests() -> None:
    """No failure in 5 · 1000 requests leaves ±0.07 % open; ±0.01 % takes about 37,000 requests."""
    contrast = share_contrast(([1000] * 5, [1000] * 5), ([1000] * 5, [1000] * 5))
    more = more_replications(contrast, 5, 1e-4, 0.95)
    assert more is not None and 30 <= more <= 35
    longer = share_contrast(([1000] * (5 + more), [1000] * (5 + more)), ([1000] * (5 + more), [1000] * (5 + more)))
    assert decide(longer.interval(), 1e-4, False) == "equal"
    single = share_contrast(([1000], [1000]), ([1000], [1000]))
    assert more_replications(single, 1, 1e-4, 0.95) == pytest.approx(more + 4, abs=2)
