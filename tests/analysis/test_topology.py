"""The picture of an architecture: layers, and what is written into it."""

from __future__ import annotations

import itertools

import matplotlib.pyplot
import networkx as nx
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from sim.report.layers import layered
from sim.report.topology import topology
from tests.analysis.simulate import model_from, model_of
from tests.analysis.test_sentences import SHOP


def texts(figure: Figure) -> list[str]:
    return [found.get_text() for found in figure.findobj(Text) if found.get_text()]


def test_what_a_picture_says() -> None:
    written = texts(topology(model_from(SHOP)))
    for part in ("A shop with [brackets]", "users", "web", "2 × goroutines", "8 threads, queue 4", "100/s"):
        assert part in written, part
    assert "workers 50 %, full first" in written
    assert "✕ web-1 down at 10s for 5s" in written
    assert {"zone a", "zone b", "app-1", "app-2"} <= set(written)
    assert "The 8 workers of store-1 are full first: 50 % busy at the declared load." in " ".join(written)


def test_a_picture_belongs_to_nobody_else() -> None:
    matplotlib.pyplot.get_backend()  # is found out when it is first asked for
    before = matplotlib.rcParams.copy()
    topology(model_of("fork_join"))
    assert matplotlib.rcParams == before
    assert matplotlib.pyplot.get_fignums() == []


def test_nothing_is_written_outside_and_boxes_do_not_overlap() -> None:
    figure = topology(model_of("everything_at_ease"))
    figure.canvas.draw()
    (axes,) = figure.axes
    boxes = [patch.get_window_extent() for patch in axes.patches if type(patch).__name__ == "FancyBboxPatch"]
    assert len(boxes) == 5 + 4
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    for text in axes.texts:
        extent = text.get_window_extent()
        assert figure.bbox.x0 <= extent.x0 and extent.x1 <= figure.bbox.x1, text.get_text()
        assert figure.bbox.y0 <= extent.y0 and extent.y1 <= figure.bbox.y1, text.get_text()


def test_text_is_cut_to_its_box() -> None:
    name = "a-service-with-a-name-of-nearly-sixty-four-letters-that-goes-on"
    text = (
        f"scenario: s\nservices: {{{name}: {{cpu: 1ms}}}}\ntraffic: {{users: {{to: {name}, arrivals: poisson(1/s)}}}}"
    )
    (title,) = [written for written in texts(topology(model_from(text))) if written.startswith("a-service")]
    assert title.endswith("…")


@pytest.mark.parametrize("text", ["calls: [{call: a}]", "alone"])
def test_circles_and_lonely_services(text: str) -> None:
    steps = "[{cpu: 1ms}, {choose: [{weight: 10%, steps: [{call: a}]}, {weight: 90%, steps: []}]}]"
    own = steps if text.startswith("calls") else "[{cpu: 1ms}]"
    model = model_from(
        f"scenario: s\nservices: {{a: {{steps: {own}}}, lonely: {{cpu: 1ms}}}}\n"
        "traffic: {users: {to: a, arrivals: poisson(900/s)}}"
    )
    written = texts(topology(model))
    assert "lonely" in written
    assert ("100/s" in written) is text.startswith("calls")


def heights(graph: nx.DiGraph) -> dict[str, float]:
    return dict.fromkeys(graph, 1.0)


def test_layers_follow_the_longest_way() -> None:
    graph = nx.DiGraph([("s", "a"), ("a", "b"), ("b", "c"), ("a", "c"), ("s", "c")])
    layout = layered(graph, heights(graph), 0.5, frozenset({"s"}))
    assert layout.layer == {"s": 0, "a": 1, "b": 2, "c": 3}
    assert [len(layout.lanes[edge]) for edge in (("s", "c"), ("a", "c"), ("a", "b"))] == [2, 1, 0]
    assert layout.back == frozenset()


def test_nothing_shares_a_place() -> None:
    graph = nx.DiGraph([("s", f"a{i}") for i in range(5)] + [(f"a{i}", f"b{i % 2}") for i in range(5)])
    layout = layered(graph, heights(graph), 0.5, frozenset({"s"}))
    for layer in (1, 2):
        ys = sorted(layout.y[node] for node in graph if layout.layer[node] == layer)
        assert all(above - below >= 1.5 - 1e-9 for below, above in itertools.pairwise(ys))


def test_an_order_without_crossings_is_found() -> None:
    """A ladder whose rungs are given upside down."""
    graph = nx.DiGraph([("s", "a"), ("s", "b"), ("s", "c")])
    graph.add_edges_from([("c", "x"), ("b", "y"), ("a", "z")])
    layout = layered(graph, heights(graph), 0.5, frozenset({"s"}))
    order = [sorted("abc", key=layout.y.__getitem__), sorted("xyz", key=layout.y.__getitem__)]
    assert dict(zip(*order, strict=True)) == {"c": "x", "b": "y", "a": "z"}


def test_circles_are_cut_where_they_lead_back() -> None:
    graph = nx.DiGraph([("s", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "c")])
    layout = layered(graph, heights(graph), 0.5, frozenset({"s"}))
    assert layout.back == {("c", "a"), ("c", "c")}
    assert layout.layer == {"s": 0, "a": 1, "b": 2, "c": 3}
