"""Availability in the summary and as a picture."""

from __future__ import annotations

import io
import math
import re

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from rich.console import Console

from sim.errors import DsimError
from sim.experiment import Results, run_scenario
from sim.report import print_summary, results_html
from sim.report.availability import availability_grids
from sim.report.document import document
from sim.report.up_and_down import DOWN, IMPAIRED, STALLED, UP
from sim.scenario import load_text

TEXT = """
scenario: zones
run: {duration: 60s, warmup: 10s, window: 1s, replications: 2}
nodes: {app: {count: 3, cores: 2}}
services:
  web: {nodes: app, instances: 3, steps: [{cpu: 1ms}, {call: stock}]}
  stock: {nodes: app, instances: 3, cpu: 1ms}
defaults: {calls: {timeout: 100ms}}
traffic:
  users: {to: web, arrivals: poisson(100/s), timeout: 200ms, slo: {latency: 100ms, availability: 99%}}
failures:
  host dies: {crash: app-2, at: 20s, for: 5s}
  stalls: {pause: web-1, at: 30s, for: 5s}
  limps: {slow: app-3, factor: 0.5, at: 40s, for: 5s}
"""


@pytest.fixture(scope="module")
def results() -> Results:
    return run_scenario(load_text(TEXT, "zones.yaml"))


def printed(what: Results) -> str:
    buffer = io.StringIO()
    print_summary(what, Console(file=buffer, width=160))
    return buffer.getvalue()


def test_the_summary_has_accounts_and_blast_radii(results: Results) -> None:
    text = printed(results)
    assert "Availability: good requests, and downtimes a replication" in text
    assert "Blast radius: what an episode of each fault cost" in text
    assert "Down: a window of 1s in which more than 10 % of the requests that ended were not good" in text
    [accounts, blasts], _ = availability_grids(results)
    users = dict(zip(accounts.headers, accounts.rows[0], strict=True))
    assert users["of"] == "users" and users["downtimes"] == "2.00"
    assert float(users["budget used %"].split()[0]) > 300
    assert "service stock" in [row[0] for row in accounts.rows]
    failed = {row[0]: float(row[3].split()[0]) for row in blasts.rows}
    assert failed["host dies"] > failed["stalls"] > 50 and failed["limps"] < 5


def test_nothing_broke_and_no_objective_nothing_is_told() -> None:
    calm = run_scenario(
        load_text(TEXT, "calm.yaml", {"failures": None, "traffic.users.slo.availability": None}), replications=2
    )
    assert availability_grids(calm) == ([], [])
    assert "Availability:" not in printed(calm) and "availability" not in document(calm)


def test_without_downtime_there_are_bounds() -> None:
    calm = run_scenario(load_text(TEXT, "calm.yaml", {"failures": None}), replications=2)
    [accounts], _ = availability_grids(calm)
    users = dict(zip(accounts.headers, accounts.rows[0], strict=True))
    assert users["good %"].startswith("≥ 99.9") and users["nines"].startswith("≥ 3.")
    assert users["MTBF s"] == "≥ 33.4" and users["MTTR s"] == "–" and users["downtimes"] == "0"


def test_notebooks_and_json_have_the_same_tables(results: Results) -> None:
    assert "Blast radius" in results_html(results)
    written = document(results)
    assert [row["name"] for row in written["availability"]] == ["users", "web", "stock"]
    assert {row["fault"] for row in written["blast_radius"]} == {"host dies", "stalls", "limps"}
    assert written["availability"][1]["objective"] is None


def bars(axes: object) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """By row the spans of each colour."""
    labels = [label.get_text().strip() for label in axes.get_yticklabels()]  # type: ignore[attr-defined]
    found: dict[str, dict[str, list[tuple[float, float]]]] = {label: {} for label in labels}
    for collection in axes.collections:  # type: ignore[attr-defined]
        for path in collection.get_paths():
            box = path.get_extents()
            row = labels[round((box.y0 + box.y1) / 2)]
            colour = to_hex(collection.get_facecolor()[0]).upper()
            found[row].setdefault(colour, []).append((box.x0, box.x1))
    return found


def test_the_timeline_shows_what_was_up(results: Results) -> None:
    figure = results.plot.availability()
    shares, rows = figure.axes
    found = bars(rows)
    assert list(found) == [
        "users",
        "app-1",
        "web-1",
        "stock-1",
        "app-2",
        "web-2",
        "stock-2",
        "app-3",
        "web-3",
        "stock-3",
    ]
    assert all(of[UP] == [(0.0, 60.0)] for of in found.values())
    for name in ("app-2", "web-2", "stock-2"):
        assert found[name][DOWN.upper()] == [(20.0, 25.0)]
    assert found["web-1"][STALLED.upper()] == [(30.0, 35.0)] and STALLED.upper() not in found["stock-1"]
    assert found["app-3"][IMPAIRED.upper()] == found["web-3"][IMPAIRED.upper()] == [(40.0, 45.0)]
    assert set(found["stock-1"]) == {UP}
    downs = [(round(start), round(end)) for start, end in found["users"][DOWN.upper()]]
    assert [start for start, _ in downs] == [20, 30]
    assert all(5 <= end - start <= 6 for start, end in downs)
    bands = sorted({(patch.get_x(), patch.get_width()) for patch in shares.patches if isinstance(patch, Rectangle)})
    assert bands == [(0.0, 10.0), (20.0, 5.0), (30.0, 5.0), (40.0, 5.0)]


def test_the_warm_up_is_in_the_picture_too() -> None:
    early = run_scenario(load_text(TEXT, "early.yaml", {"failures.host dies.at": "2s"}), replications=1)
    spans = bars(early.plot.availability().axes[1])["users"][DOWN.upper()]
    assert round(spans[0][0]) == 2 and early.downtime().start_s.min() == 30.0


def test_one_replication_of_one_variant(results: Results) -> None:
    note = results.plot.availability(replication=1)._supxlabel.get_text()  # type: ignore[attr-defined]
    assert note.startswith("Replication 1, in windows of 1s")
    with pytest.raises(DsimError, match=re.escape("replication: got 7; must be one of 0 to 1")):
        results.plot.availability(replication=7)


def test_many_places_show_those_that_something_happened_to() -> None:
    text = TEXT.replace("count: 3", "count: 30").replace("instances: 3", "instances: 30")
    figure = run_scenario(load_text(text, "many.yaml"), replications=1).plot.availability()
    labels = [label.get_text().strip() for label in figure.axes[1].get_yticklabels()]
    assert labels == ["users", "web-1", "app-2", "web-2", "stock-2", "app-3", "web-3", "stock-3"]
    assert "83 nodes and instances" in figure._supxlabel.get_text()  # type: ignore[attr-defined]
    assert not math.isnan(figure.axes[0].get_ylim()[0])


def test_faults_that_always_overlap_are_named() -> None:
    text = TEXT.replace("at: 30s, for: 5s", "at: 22s, for: 5s")
    _, sentences = availability_grids(run_scenario(load_text(text, "zones.yaml")))
    [told] = [sentence for sentence in sentences if sentence.startswith("Blast radius of")]
    assert told.startswith("Blast radius of host dies and stalls: another fault was in force in every episode's time")


def test_faults_apart_are_not_said_to_overlap(results: Results) -> None:
    _, sentences = availability_grids(results)
    assert not any(sentence.startswith("Blast radius of") for sentence in sentences)
