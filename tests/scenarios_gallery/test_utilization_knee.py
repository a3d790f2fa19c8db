"""The mean latency of M/M/1 is S / (1 - load), and its latency is exponential."""

from __future__ import annotations

import math

import pytest

from tests.scenarios_gallery.gallery import results

SERVICE_S = 1e-3
SHORTER = ("run.duration=70s", "run.warmup=10s")


@pytest.mark.parametrize("load", [50, 70, 80, 90, 95])
def test_latency_follows_the_closed_form(load: int) -> None:
    estimates = results("utilization-knee", 8, *SHORTER).estimates(f"load_{load}", "users")
    mean_s = SERVICE_S / (1 - load / 100)
    for metric, truth_s in (("latency_mean_s", mean_s), ("latency_p99_s", math.log(100) * mean_s)):
        estimate = estimates[metric]
        assert abs(estimate.value - truth_s) < 1.5 * estimate.half_width, metric  # three standard errors and a bit
        assert estimate.half_width < 0.6 * truth_s, metric


def test_the_busier_the_wider_the_interval() -> None:
    ran = results("utilization-knee", 8, *SHORTER)
    widths = [e.half_width / e.value for e in (ran.estimates(v, "users")["latency_mean_s"] for v in ran.variants)]
    assert widths[-1] > 3 * widths[0]
