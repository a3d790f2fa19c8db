"""The beta-factor model: how often each fails, how much of it together, and for how long it is well."""

from __future__ import annotations

from itertools import takewhile

import numpy as np
import pytest

from sim.engine.episodes import episodes
from sim.model import Fault
from tests.failures.recorder import model_with

LAWS = {
    "exponential": ("exponential(10s)", "exponential(2s)"),
    "regular": ("{erlang: {mean: 10s, stages: 4}}", "{uniform: {low: 1s, high: 3s}}"),
    "irregular": ("{lognormal: {mean: 10s, cv: 2}}", "2s"),
}
MTBF_S, MTTR_S, BETA = 10.0, 2.0, 0.3
RUN_S, REPLICATIONS = 4000.0, 20
Z = 3.5
"""Half-widths of the intervals in standard errors: one test in 2000 misses by chance, and the seed is fixed."""


def failing(law: str, beta: str = "30%") -> tuple[Fault, ...]:
    mtbf, mttr = LAWS[law]
    return model_with(f"{{crash: [app-1, app-2], mtbf: {mtbf}, mttr: {mttr}, common_cause: {beta}}}").faults


def spans(fault: Fault, replication: int) -> np.ndarray:
    """Episodes up to RUN_S; shape (n, 2)."""
    found = takewhile(lambda span: span[0] < RUN_S, episodes(fault, 1, replication))
    return np.minimum(np.array(list(found)), RUN_S)


def union_s(*parts: np.ndarray) -> float:
    """Time that at least one of some spans covers."""
    covered = until = 0.0
    for start, end in sorted(map(tuple, np.concatenate(parts))):
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return covered


def holds(samples: list[float], expected: float) -> bool:
    error = np.std(samples, ddof=1) / np.sqrt(len(samples))
    return bool(abs(np.mean(samples) - expected) < Z * error)


@pytest.mark.parametrize("law", LAWS)
def test_shares_of_failures_per_time_of_health(law: str) -> None:
    """Own ones (1 − β) / mtbf, shared ones β / mtbf, per time in which the stream itself is well."""
    *own, shared = failing(law)
    for fault, expected in ((own[0], (1 - BETA) / MTBF_S), (own[1], (1 - BETA) / MTBF_S), (shared, BETA / MTBF_S)):
        rates = []
        for replication in range(REPLICATIONS):
            found = spans(fault, replication)
            rates.append(len(found) / (RUN_S - union_s(found)))
        assert holds(rates, expected), f"{np.mean(rates)} is not {expected}"


@pytest.mark.parametrize("law", LAWS)
def test_share_of_time_in_which_one_is_well(law: str) -> None:
    own, _, shared = failing(law)
    well = [1 - union_s(spans(own, r), spans(shared, r)) / RUN_S for r in range(REPLICATIONS)]
    expected = MTBF_S / (MTBF_S + (1 - BETA) * MTTR_S) * MTBF_S / (MTBF_S + BETA * MTTR_S)
    assert holds(well, expected), f"{np.mean(well)} is not {expected}"
    assert not holds(well, MTBF_S / (MTBF_S + (1 - BETA) * MTTR_S))


def test_both_are_down_together_mostly_from_the_shared_cause() -> None:
    """1 − P(both well) − P(just one well) with independent streams: q = share of the shared one, p of an own one."""
    own, other, shared = failing("exponential")
    p = (1 - BETA) * MTTR_S / (MTBF_S + (1 - BETA) * MTTR_S)
    q = BETA * MTTR_S / (MTBF_S + BETA * MTTR_S)
    both = []
    for r in range(REPLICATIONS):
        one, two, common = spans(own, r), spans(other, r), spans(shared, r)
        down = union_s(one, common) + union_s(two, common) - union_s(one, two, common)
        both.append(down / RUN_S)
    assert holds(both, q + (1 - q) * p**2)


def test_own_failures_keep_their_draws() -> None:
    """Another share scales their times and draws nothing anew; another target changes neither theirs nor the shared."""
    few, *_, shared_few = failing("exponential", "10%")
    many, *_, shared_many = failing("exponential", "55%")
    first = next(episodes(few, 1, 0))[0], next(episodes(many, 1, 0))[0]
    assert first[1] / first[0] == pytest.approx(0.9 / 0.45)
    assert next(episodes(shared_few, 1, 0))[0] / next(episodes(shared_many, 1, 0))[0] == pytest.approx(5.5)
    three = model_with(
        "{crash: [app-1, app-2, app-3], mtbf: exponential(10s), mttr: exponential(2s), common_cause: 10%}"
    ).faults
    assert next(episodes(three[-1], 1, 0)) == next(episodes(shared_few, 1, 0))
