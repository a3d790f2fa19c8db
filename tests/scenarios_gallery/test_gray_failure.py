"""A slow machine is worse than a dead one where requests are sent in turn, and not where callers count what is
outstanding (Huang et al., HotOS 2017)."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sim.experiment import Results
from sim.experiment.comparison import Comparison
from tests.scenarios_gallery.gallery import available, results

UNTIL = "run.duration=50s"
GO_DEFAULT = "services.gateway.calls.store.transport=go-net-http@1.22"


def ran(*overrides: str, until: str = UNTIL) -> Results:
    return results("gray-failure", 4, until, "run.drain=5s", *overrides)


def share(variant: str, *overrides: str, from_s: float = 10.0, until: str = UNTIL) -> float:
    return float(np.mean([available(run, "users", from_s) for run in ran(*overrides, until=until).of(variant)]))


@cache
def compared() -> Comparison:
    return ran().compare()


def gain(variant: str, metric: str) -> float:
    """By how much it is better than host_dead, if compare calls it a difference; else 0."""
    difference = compared().of(variant, "users", metric)
    better = difference.other.value - difference.base.value
    return (-better if metric == "latency_p99_s" else better) if difference.verdict == "differs" else 0.0


@pytest.mark.parametrize("metric", ["throughput_per_s", "latency_p99_s", "availability"])
def test_in_turn_a_slow_machine_is_worse_than_a_dead_one(metric: str) -> None:
    assert gain("slow", metric) < 0
    assert gain("process_dead", metric) >= 0


@pytest.mark.parametrize("variant", ["slow_power_of_two", "slow_least_outstanding"])
@pytest.mark.parametrize("metric", ["latency_p99_s", "availability"])
def test_counting_what_is_outstanding_a_slow_machine_is_better_than_a_dead_one_in_turn(
    variant: str, metric: str
) -> None:
    assert gain(variant, metric) > 0


def test_counting_what_is_outstanding_sends_more_to_a_process_that_refuses_at_once() -> None:
    assert gain("process_dead_least_outstanding", "availability") < 0
    assert share("process_dead_least_outstanding") < share("process_dead") - 0.005


def test_requests_that_never_went_to_the_slow_machine_fail_too() -> None:
    lost = 1 - share("slow", from_s=25.0)
    assert lost > 2 / 8
    shed = [run.scope("service", "gateway").total.outcomes["shed"] for run in ran().of("slow")]
    failed = [run.scope("source", "users").total for run in ran().of("slow")]
    assert np.sum(shed) > 0.9 * np.sum([total.offered - total.outcomes["ok"] for total in failed])


def test_a_dead_host_is_as_bad_for_who_waits_for_it_as_long() -> None:
    until = "run.duration=40s"  # the end of the fault
    patient = share("host_dead", GO_DEFAULT, from_s=25.0, until=until)
    assert abs(patient - share("slow", from_s=25.0, until=until)) < 0.1
    assert share("host_dead", from_s=25.0, until=until) > patient + 0.3
