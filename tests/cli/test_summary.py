"""What `dsim run` prints of known runs."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pytest
from rich.console import Console

from sim.experiment import Results
from sim.report import document, print_summary
from sim.report.faults import fault_sentences
from sim.report.summary import grouped, notes, place_rows, source_rows, stop_sentences
from tests.experiment import fakes


def results(replications: int = 3, **changes: Any) -> Results:
    return Results(
        {"base": fakes.outlined()}, [fakes.run("base", r, **changes) for r in range(replications)], wall_s=0.1
    )


def printed(what: Results) -> str:
    buffer = io.StringIO()
    print_summary(what, Console(file=buffer, width=140))
    return buffer.getvalue()


def row_of(text: str, *words: str) -> str:
    return next(line for line in text.splitlines() if all(word in line for word in words))


def test_sources_with_intervals() -> None:
    text = printed(results())
    assert "mean ms" in text
    users, robots = row_of(text, "users"), row_of(text, "robots")
    assert "200.0 ±0" in users
    assert "20.004 ±0.020" in robots  # exactly equal latencies, known to the histogram's resolution
    assert "≥ 99.95" in users
    assert "≥ 99.90" in robots


def test_quantiles_among_failures_and_the_ok_ones_beside() -> None:
    users = row_of(printed(results(failed=100)), "users")
    assert "∞" in users
    assert "47.8 ±6.2" in users
    assert "95.24 ±0" in users


def test_reasons_stand_once_below_the_table() -> None:
    text = printed(results(replications=1))
    assert text.count("one replication gives no interval; run at least two") == 1


def test_services_and_nodes_the_busiest_first() -> None:
    rows = place_rows(results(), "base")
    utilization = [row.estimates["utilization"].value for row in rows]
    assert utilization == sorted(utilization, reverse=True)
    api = next(row for row in rows if (row.kind, row.name) == ("service", "api"))
    assert api.estimates["utilization"].value == pytest.approx(0.5)
    assert api.estimates["in_system_mean"].value == pytest.approx(2 + 4 + 2 * 1.0)
    assert api.estimates["queue_mean"].value == pytest.approx(1.0)


def test_faults_are_sentences() -> None:
    assert fault_sentences(results()) == ["Fault “db dies”: from 4 s to 6 s."]
    changed = results()
    for run in changed.of(changed.variants[0]):
        run.faults = [("db dies", 5.0, math.inf)]
    assert fault_sentences(changed)[0].endswith(": from 5 s to the end.")


def test_an_unstable_variant_says_so() -> None:
    text = printed(results(stopped="stopped at 3 s: more than 100,000 requests in flight"))
    assert stop_sentences(results()) == []
    assert "Unstable: stopped at 3 s: more than 100,000 requests in flight. This ended 3 of 3 repl" in text


def test_no_colour_when_it_is_not_a_terminal() -> None:
    assert "\x1b" not in printed(results())


def test_the_document_is_strict_json() -> None:
    text = json.dumps(document(results(failed=100)), allow_nan=False)
    source = json.loads(text)["variants"]["base"]["sources"]["users"]
    assert source["latency_p99_s"]["value"] is None
    assert "among the failures" in source["latency_p99_s"]["reason"]
    assert source["throughput_per_s"] == {"value": 200.0, "low": 200.0, "high": 200.0, "reason": None}
    assert set(json.loads(text)["variants"]["base"]["nodes"]) == {"app-1", "db-1"}


def test_several_variants_are_named() -> None:
    runs = [fakes.run(v, r) for v in ("base", "other") for r in range(2)]
    text = printed(Results({v: fakes.outlined(v) for v in ("base", "other")}, runs, wall_s=0.1))
    assert row_of(text, "other", "users")
    assert "Services and nodes of other, the busiest first" in text
    assert text.count("Fault “db dies”: from 4 s to 6 s.") == 1
    runs[2].faults = []
    text = printed(Results({v: fakes.outlined(v) for v in ("base", "other")}, runs, wall_s=0.1))
    assert "Fault “db dies”: from 4 s to 6 s, in base." in text


def test_notes_name_what_they_concern() -> None:
    runs = [fakes.run("base", r) for r in range(2)] + [fakes.run("other", r, failed=100) for r in range(2)]
    rows = list(source_rows(Results({v: fakes.outlined(v) for v in ("base", "other")}, runs, wall_s=0.1)))
    assert notes(rows) == [
        "available of base/users: no failure in 4000 requests: a one-sided bound",
        "available of base/robots, other/robots: no failure in 2000 requests: a one-sided bound",
        "p99 of other/users: the quantile falls among the failures, which rank as infinitely slow",
    ]


def test_notes_claim_no_more_than_they_say() -> None:
    missing = [("too few", "p99", "a"), ("too few", "p99", "b"), ("too few", "p50", "a"), ("", "p50", "b")]
    assert grouped(missing, columns=5, places=2) == ["p99; p50 of a: too few"]
    assert grouped(missing, columns=5, places=3) == ["p99 of a, b; p50 of a: too few"]
    assert grouped([("one", name, "a") for name in "xyz"], columns=5, places=1) == ["one"]
