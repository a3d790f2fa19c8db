"""What a balancer knows decides the latency; common random numbers tell close ones apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.scenarios_gallery.gallery import latency_s, longer_s, results, utilization

SHORTER = ("run.duration=1min", "run.warmup=10s")
WORST_FIRST = ("random", "round_robin", "weighted_round_robin", "power_of_two", "least_outstanding")


@pytest.mark.parametrize("worse, better", list(pairwise(WORST_FIRST)))
def test_knowing_more_helps(worse: str, better: str) -> None:
    ran = results("balancers", 10, *SHORTER)
    assert longer_s(ran, worse, better, "users").low > 0


@pytest.mark.parametrize("variant, old, new", [("round_robin", 0.88, 0.70), ("weighted_round_robin", 0.78, 0.78)])
def test_weights_even_out_the_load(variant: str, old: float, new: float) -> None:
    ran = results("balancers", 10, *SHORTER)
    assert utilization(ran, variant, "old-1") == pytest.approx(old, abs=0.05)
    assert utilization(ran, variant, "new-1") == pytest.approx(new, abs=0.05)


@pytest.mark.parametrize("q", [None, 0.99], ids=["mean", "p99"])
def test_common_random_numbers_tell_the_two_best_apart(q: float | None) -> None:
    ran = results("balancers", 10, *SHORTER)
    two, all_ten = ([latency_s(run, "users", q) for run in ran.of(v)] for v in ("power_of_two", "least_outstanding"))
    paired = np.std(np.subtract(two, all_ten), ddof=1)
    unpaired = np.hypot(np.std(two, ddof=1), np.std(all_ten, ddof=1))
    assert paired < unpaired / 3
    assert np.corrcoef(two, all_ten)[0, 1] > 0.95
