"""Who notices a partition depends on whom one asks; what it burns, on the transport (Alquraan et al., OSDI 2018)."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from sim.experiment import Results
from sim.report.unheard import unheard
from tests.scenarios_gallery.gallery import results

CUT_S = (20.0, 40.0)
SETTLED_S = 25.0
"""Windows from here on hold nothing from before the cut."""
RATE_PER_S, TRIES_THERE = 100, 1 / 3


def ran() -> Results:
    return results("partition", 3)


def ended_while_cut(variant: str, source: str) -> tuple[int, int]:
    """Requests that failed while the network was cut, and all that ended then."""
    series = pd.concat([run.series for run in ran().of(variant)])
    of_source = (series["kind"] == "source") & (series["name"] == source)
    windows = series[of_source & series["window_start_s"].between(SETTLED_S, CUT_S[1], inclusive="left")]
    failed = int(windows["failed"].sum())
    return failed, failed + int(windows["ok"].sum())


@pytest.mark.parametrize(
    "variant, lost_in_a, lost_in_b, lost_in_c",
    [
        ("whole", 0, 0, 0),
        ("complete", 4 / 9, 1 / 9, 1 / 9),
        ("partial", 1 / 9, 1 / 9, 0),
        ("one_way", 1 / 9, 1 / 9, 0),
        ("one_way_grpc", 1 / 9, 1 / 9, 0),
        ("one_way_ideal", 1 / 9, 1 / 9, 0),
    ],
)
def test_both_tries_meet_silence(variant: str, lost_in_a: float, lost_in_b: float, lost_in_c: float) -> None:
    for source, share in (("in_a", lost_in_a), ("in_b", lost_in_b), ("in_c", lost_in_c)):
        failed, ended = ended_while_cut(variant, source)
        assert abs(failed / ended - share) <= 4 * sqrt(share * (1 - share) / ended)


def test_what_is_carried_out_for_nobody_is_a_matter_of_the_transport() -> None:
    nobodys = {
        variant: float(np.mean([unheard(run, "orders")[0] for run in ran().of(variant)]))
        for variant in ("whole", "partial", "one_way", "one_way_grpc", "one_way_ideal")
    }
    sent = RATE_PER_S * (CUT_S[1] - CUT_S[0]) * TRIES_THERE * (1 + TRIES_THERE)
    assert nobodys["whole"] == 0
    assert nobodys["partial"] <= 1
    assert 0 < nobodys["one_way"] <= 2  # idle connections of Go's pool
    assert 10 <= nobodys["one_way_grpc"] <= 30  # a window
    assert nobodys["one_way_ideal"] == pytest.approx(sent, rel=0.1)


@pytest.mark.parametrize("variant, well", [("one_way", True), ("one_way_ideal", True), ("one_way_grpc", False)])
def test_one_old_connection_outlasts_the_cut(variant: str, well: bool) -> None:
    for run in ran().of(variant):
        failed = run.series[(run.series["kind"] == "source") & (run.series["failed"] > 0)]
        last_s = float(failed["window_start_s"].max())
        assert (last_s <= CUT_S[1] + 1) == well
        assert last_s <= CUT_S[1] + 6  # 0.2 s + 0.4 s + … + 12.8 s after the cut began, and a timeout
