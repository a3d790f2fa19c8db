"""Silence: what patience, timeouts, retries, connections and balancing make of a host and a zone that die."""

from __future__ import annotations

import pytest

from sim.experiment import Results
from tests.scenarios_gallery.gallery import longer_s, mean_of, results

HOST_DEAD_S, ZONE_DEAD_S = (41.0, 69.0), (101.0, 129.0)
"""In these windows one of six hosts was dead, and two."""


@pytest.fixture(scope="module")
def ran() -> Results:
    return results("retry-and-timeout-under-failure", 2)


def good(ran: Results, variant: str) -> float:
    runs = ran.of(variant)
    cohorts = [run.scope("source", "users").cohort for run in runs]
    return sum(cohort.good for cohort in cohorts) / sum(cohort.offered for cohort in cohorts)


def failed(ran: Results, variant: str, span_s: tuple[float, float]) -> float:
    """Share of what ended in a span of time that was not good."""
    series = ran.timeseries()
    chosen = (series["variant"] == variant) & (series["kind"] == "source")
    rows = series[chosen & series["window_start_s"].between(*span_s)]
    ended = rows["ok"].sum() + rows["failed"].sum()
    return float(1 - rows["good"].sum() / ended)


def test_nothing_fails_that_is_not_told_to_give_up(ran: Results) -> None:
    """A dead host gives retries nothing to do."""
    assert good(ran, "retries") == pytest.approx(good(ran, "patient"), abs=0.003)
    assert good(ran, "patient") < 0.9
    assert ran.estimates("patient", "users")["availability"].value > 0.999


def test_a_timeout_alone_fails_what_meets_the_dead(ran: Results) -> None:
    """In turn: one request in six, then two."""
    assert failed(ran, "timeout", HOST_DEAD_S) == pytest.approx(1 / 6, abs=0.01)
    assert failed(ran, "timeout", ZONE_DEAD_S) == pytest.approx(2 / 6, abs=0.01)


def test_with_retries_only_three_dead_in_a_row_fail(ran: Results) -> None:
    """As if each try came to any host: other requests take their turns in between."""
    assert failed(ran, "timeout_and_retries", HOST_DEAD_S) == pytest.approx(1 / 6**3, abs=0.002)
    assert failed(ran, "timeout_and_retries", ZONE_DEAD_S) == pytest.approx(1 / 3**3, abs=0.006)


def test_a_timeout_that_is_too_short_gives_up_on_the_living(ran: Results) -> None:
    healthy_s = (20.0, 38.0)
    assert failed(ran, "too_short", healthy_s) > 0.005
    assert failed(ran, "timeout_and_retries", healthy_s) == 0.0
    assert good(ran, "too_short") < good(ran, "timeout_and_retries") - 0.02


def test_a_connect_timeout_does_where_most_requests_dial(ran: Results) -> None:
    assert good(ran, "connect_timeout") == pytest.approx(good(ran, "timeout_and_retries"), abs=0.002)


def test_one_connection_is_silent_after_the_host_is_back(ran: Results) -> None:
    """The retransmission at 25.4 s meets the dead host, the next one comes 25.6 s later: 51 s after the crash."""
    after_s, later_s = (132.0, 148.0), (153.0, 170.0)
    assert failed(ran, "grpc", after_s) > 0.02
    assert failed(ran, "grpc", later_s) < 0.001
    assert failed(ran, "timeout_and_retries", after_s) < 0.001


def test_who_counts_what_he_waits_for_needs_no_timeout(ran: Results) -> None:
    assert good(ran, "least_outstanding") > 0.9995
    assert mean_of(ran, "least_outstanding", "users", 0.99) < 0.1
    assert longer_s(ran, "patient", "least_outstanding", "users", 0.99).value > 20.0
