"""What clients knew in summaries, documents and pictures, from logs made by hand."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from rich.console import Console

from sim.errors import DsimError
from sim.experiment import Results
from sim.experiment.registry import log_of
from sim.report import document, print_comparison, print_summary, results_html
from sim.report.elections import elections, reigns, variants_with_elections
from sim.report.knowledge import knowledge_grids
from sim.report.views import STALE, belief, variants_with_views, views
from tests.experiment.control_logs import results
from tests.experiment.test_coordination import LOCK
from tests.experiment.test_knowledge import KILL

STATIC = "0 views view a api: api-1 api-2; 2 truth down api-1"
LED = """
0 etcd elected api-1 term 1
4 truth down api-1
4 etcd unwritable etcd
5.5 etcd elected api-2 term 2
5.5 etcd writable etcd
9 etcd stepped_down api-2 term 3
"""


@pytest.fixture
def made() -> Results:
    return results({"base": [KILL, KILL], "static": [STATIC, STATIC], "locks": [LOCK, LOCK], "led": [LED, LED]})


def printed(what: Results) -> str:
    buffer = io.StringIO()
    print_summary(what, Console(file=buffer, width=200))
    return buffer.getvalue()


def test_one_table_tells_what_clients_knew(made: Results) -> None:
    [known, locks], sentences = knowledge_grids(made)
    rows = {row[0]: dict(zip(known.headers, row, strict=True)) for row in known.rows}
    assert rows["base"]["detect s"] == "3.000 ±0" and rows["base"]["stale-view s"] == "6.500 ±0"
    assert rows["static"]["detect s"] == rows["static"]["converge all s"] == "never (2)"
    assert rows["led"]["unwritable s"] == "1.500 ±0" and rows["led"]["elections"] == "1.000 ±0"
    assert dict(zip(locks.headers, locks.rows[2], strict=True))["stale ones fenced"] == "1.000 ±0"
    assert any(sentence.startswith("Never:") for sentence in sentences)


def test_it_is_told_only_where_somebody_tells_clients() -> None:
    alone = results({"static": [STATIC.replace("0 views view a api: api-1 api-2;", "")] * 2}, tells_clients=False)
    assert knowledge_grids(alone) == ([], [])
    assert "What clients knew" not in printed(alone)
    assert "registry" not in document(alone)


def test_a_store_of_locks_alone_has_its_own_table() -> None:
    [grid], _ = knowledge_grids(results({"locks": [LOCK, LOCK]}, tells_clients=False))
    assert grid.title == "Locks: a replication"


def test_leaders_of_a_store_are_told_without_what_clients_knew_of_static_lists() -> None:
    [grid], sentences = knowledge_grids(results({"led": [LED, LED]}, tells_clients=False))
    assert (grid.title, grid.headers) == ("Leaders: a replication", ["variant", "unwritable s", "elections"])
    assert grid.rows == [["led", "1.500 ±0", "1.000 ±0"]]
    assert sentences == []


def test_summary_notebook_comparison_and_document_have_it(made: Results) -> None:
    assert "What clients knew" in printed(made) and "Locks: a replication" in printed(made)
    assert "What clients knew" in results_html(made)
    buffer = io.StringIO()
    print_comparison(made, made.compare("base"), Console(file=buffer, width=200))
    assert "What clients knew" in buffer.getvalue()
    rows = json.loads(json.dumps(document(made), allow_nan=False))["registry"]
    (stale,) = [row for row in rows if (row["variant"], row["measure"]) == ("static", "stale_view_s")]
    assert stale["value"] == 10.0


def test_violations_are_sentences(made: Results) -> None:
    broken = replace(made, runs=[replace(made.runs[0], violations=["two leaders in term 3"] * 7), *made.runs[1:]])
    text = printed(broken)
    assert text.count("Violated (base, replication 0): two leaders in term 3") == 5
    assert "and 2 more violations" in text
    assert document(broken)["violations"] == {"base": ["two leaders in term 3"] * 7}


def test_the_share_of_clients_that_list_an_instance(made: Results) -> None:
    found = belief(log_of(made, "base", 0), "api", "api-1")
    at = [found.share[np.searchsorted(found.edges_s, at_s, side="right") - 1] for at_s in (1.0, 5.2, 7.0, 8.7, 10.0)]
    assert at == [1.0, 0.5, 0.0, 0.5, 1.0]


def area(figure: Figure, colour: str) -> float:
    """Seconds, times the share of clients, that are drawn in a colour."""
    (axes,) = figure.axes
    total = 0.0
    for patch in axes.patches:
        if to_hex(patch.get_facecolor()) == to_hex(colour) and hasattr(patch, "get_data"):
            values, edges, baseline = patch.get_data()
            total += float(np.sum((np.asarray(baseline) - values) * np.diff(edges)))
    return total


def test_stale_seconds_are_the_coloured_area(made: Results) -> None:
    """In a lane whose belief is 0.62 high, two clients with 6.5 stale-view seconds between them."""
    assert area(views(made, "base"), STALE) == pytest.approx(0.62 * 6.5 / 2)


def test_pictures_are_offered_where_they_show_something(made: Results) -> None:
    assert variants_with_views(made) == ["base", "static"]
    assert variants_with_elections(made) == ["led"]
    with pytest.raises(DsimError, match="nobody was elected"):
        elections(made, "base")
    with pytest.raises(DsimError, match="no client looks up a service"):
        views(made, "locks")
    with pytest.raises(DsimError, match="got 'db'; must be one that clients look up: api"):
        views(made, "base", "db")
    with pytest.raises(DsimError, match="replication: got 9"):
        views(made, "base", replication=9)


def test_reigns_end_with_death_or_resignation(made: Results) -> None:
    found = reigns(log_of(made, "led", 0))
    assert [(of.member, of.said, of.start_s, of.end_s) for of in found] == [
        ("api-1", "term 1", 0.0, 4.0),
        ("api-2", "term 2", 5.5, 9.0),
    ]
    (axes,) = elections(made, "led").axes
    assert [text.get_text() for text in axes.texts] == ["term 1", "term 2"]
