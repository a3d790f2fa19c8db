"""Results: what is estimated from known runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.errors import DsimError
from sim.experiment import Results
from sim.experiment.measures import measured_s
from tests.experiment import fakes


def results(**changes: object) -> Results:
    runs = [fakes.run("base", r) for r in range(3)] + [fakes.run("other", r, **changes) for r in range(3)]  # type: ignore[arg-type]
    return Results({"base": fakes.outlined("base"), "other": fakes.outlined("other")}, runs, wall_s=0.1)


def test_summary_has_a_row_a_variant_and_source() -> None:
    summary = results().summary()
    assert list(summary.index) == [(v, s) for v in ("base", "other") for s in ("users", "robots")]
    assert (summary["replications"] == 3).all()


def test_rates_are_per_measured_second() -> None:
    row = results(failed=100).summary().loc[("other", "users")]
    assert row["offered_per_s"] == pytest.approx(210.0)
    assert row["throughput_per_s"] == pytest.approx(200.0)
    assert row["goodput_per_s"] == pytest.approx(100.0)


def test_means_are_those_over_replications_with_their_interval() -> None:
    runs = [fakes.run("base", r) for r in range(3)]
    means = np.array([r.scope("source", "users").latency.mean_s for r in runs])
    row = results().summary().loc[("base", "users")]
    assert row["latency_mean_s"] == pytest.approx(means.mean())
    assert row["latency_mean_s_half_width"] == pytest.approx(4.302653 * means.std(ddof=1) / math.sqrt(3), rel=1e-5)
    assert results().summary().loc[("base", "robots")]["latency_mean_s_half_width"] == pytest.approx(0.0, abs=1e-12)


def test_headline_quantiles_rank_failures_as_infinitely_slow() -> None:
    clean = results().summary().loc[("other", "users")]
    failing = results(failed=100).summary().loc[("other", "users")]
    assert failing["latency_p50_s"] > clean["latency_p50_s"]
    assert math.isinf(failing["latency_p99_s"])
    assert failing["latency_p99_ok_s"] == clean["latency_p99_s"]
    assert failing["availability"] == pytest.approx(2000 / 2100)


def test_what_is_withheld_says_why() -> None:
    row = results().summary().loc[("base", "robots")]
    assert math.isnan(row["latency_p999_s"])
    assert "latency_p999_s: p99.9 needs 10000 requests a replication" in row["notes"]
    assert "availability: no failure in 3000 requests" in row["notes"]
    assert row["availability_low"] < 1.0


def test_unfinished_requests_are_not_good() -> None:
    estimates = results().estimates("base", "robots")
    run = fakes.run("base", 0)
    run.scopes[1] = fakes.scope("source", "robots", np.full(1000, 0.02), unfinished=50)
    changed = Results({"base": fakes.outlined()}, [run, run], 0.1).estimates("base", "robots")
    assert estimates["availability"].value == 1.0
    assert changed["availability"].value == pytest.approx(1000 / 1050)
    assert math.isinf(changed["latency_p99_s"].value)


def test_a_run_that_stopped_is_measured_up_to_there() -> None:
    run = fakes.run(stopped="too many")
    run.stopped_at_s = 7.0
    assert measured_s(run) == 5.0


def test_unstable_variants_give_their_sentence() -> None:
    assert results().unstable() == {}
    assert results(stopped="100000 requests in flight at 3 s").unstable() == {
        "other": "100000 requests in flight at 3 s"
    }


def test_scopes_are_tidy() -> None:
    table = results(failed=7).scopes()
    assert len(table) == 6 * 2
    users = table[(table["variant"] == "other") & (table["name"] == "users")]
    assert (users["timeout"] == 7).all()
    assert (table["offered"] == table["ok"] + table["timeout"] + table["unfinished"]).all()
    assert table["attempts_started"].dtype == np.int64


def test_gauges_and_series_carry_variant_and_replication() -> None:
    assert list(results().gauges().columns[:4]) == ["variant", "replication", "kind", "name"]
    series = results().timeseries()
    assert list(series.columns[:2]) == ["variant", "replication"]
    assert len(series) == 6 * 2


def test_requests_that_were_not_recorded_say_how_to_record_them() -> None:
    with pytest.raises(DsimError, match=r"run\.record: none"):
        results().requests()


def test_an_unknown_variant_names_those_there_are() -> None:
    with pytest.raises(DsimError, match="there are base, other"):
        results().of("third")


def test_html_is_a_table() -> None:
    assert "<table" in results()._repr_html_()


def test_a_short_name_for_a_prompt() -> None:
    assert repr(results()) == "<Results of fake: base, other; 6 runs>"


def test_chosen_variants_alone_in_the_order_asked_for() -> None:
    only = results().only(["other", "base"])
    assert (only.variants, len(only.runs)) == (["other", "base"], 6)
    assert results().only(["other"]).summary().index.tolist() == [("other", "users"), ("other", "robots")]
    with pytest.raises(DsimError, match="there are base, other"):
        results().only(["third"])
