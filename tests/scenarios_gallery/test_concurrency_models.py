"""Threads bind requests that wait; an event loop lets short computations stand behind long ones."""

from __future__ import annotations

import pytest

from tests.scenarios_gallery.gallery import longer_s, mean_of, results, utilization

SHORTER = ("run.duration=30s", "run.warmup=5s")
LOOKUP_S = 50.5e-3
WORKERS, OFFERED_PER_S = 32, 700.0


def test_a_thread_pool_obeys_littles_law_on_an_idle_machine() -> None:
    ran = results("concurrency-models", 4, *SHORTER)
    waiting = ran.estimates("threads", "waiting")
    assert waiting["throughput_per_s"].value == pytest.approx(WORKERS / LOOKUP_S, rel=0.01)
    assert waiting["availability"].value == pytest.approx(WORKERS / LOOKUP_S / OFFERED_PER_S, rel=0.02)
    assert utilization(ran, "threads", "left-1") == pytest.approx(0.08, abs=0.01)


@pytest.mark.parametrize("variant", ["goroutines", "event_loops"])
def test_who_holds_no_thread_loses_no_lookup(variant: str) -> None:
    ran = results("concurrency-models", 4, *SHORTER)
    assert ran.estimates(variant, "waiting")["availability"].value == 1.0
    assert mean_of(ran, variant, "waiting") == pytest.approx(LOOKUP_S, rel=0.01)


def test_short_renders_stand_behind_long_ones_in_an_event_loop() -> None:
    ran = results("concurrency-models", 4, *SHORTER)
    assert mean_of(ran, "event_loops", "computing", 0.5) > 5 * mean_of(ran, "goroutines", "computing", 0.5)
    assert longer_s(ran, "event_loops", "goroutines", "computing").low > 15e-3


def test_goroutines_and_threads_compute_alike() -> None:
    ran = results("concurrency-models", 4, *SHORTER)
    assert mean_of(ran, "threads", "computing") == pytest.approx(mean_of(ran, "goroutines", "computing"), rel=0.01)
