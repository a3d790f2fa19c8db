"""The second core, the WaitGroup and the timeout of an HTTP service in Go."""

from __future__ import annotations

import pytest

from sim.experiment import Results
from tests.scenarios_gallery.gallery import longer_s, mean_of, results


@pytest.fixture(scope="module")
def ran() -> Results:
    return results("go-service", 4, "run.duration=40s")


def test_the_second_core_is_worth_everything_and_the_others_little(ran: Results) -> None:
    one, two, four = (mean_of(ran, variant, "visitors", 0.99) for variant in ("procs_1", "procs_2", "procs_4"))
    assert one > 3 * two
    assert four < two < 1.15 * four
    assert longer_s(ran, "procs_2", "procs_4", "visitors", 0.99).low > 0


def test_a_sum_takes_longer_than_a_maximum(ran: Results) -> None:
    longer = longer_s(ran, "one_after_the_other", "procs_4", "visitors")
    assert 8e-3 < longer.low < longer.high < 12e-3


def test_abandoned_calls_are_finished_all_the_same(ran: Results) -> None:
    runs = ran.of("procs_4")
    calls = [run.scope("call", "web.main → ads.main").cohort for run in runs]
    ads = [run.scope("service", "ads").cohort for run in runs]
    offered = sum(cohort.offered for cohort in calls)
    assert sum(cohort.outcomes["timeout"] for cohort in calls) / offered == pytest.approx(0.13, abs=0.01)
    assert sum(cohort.outcomes["ok"] for cohort in ads) / offered > 0.999


def test_no_page_waits_much_longer_than_the_ads_may_take(ran: Results) -> None:
    assert mean_of(ran, "procs_4", "visitors", 0.999) < 30e-3 + 20e-3
