"""The picture of an architecture: sources at the left, services in layers by depth of calls, shared nodes below.

Rates, utilizations and the bottleneck are those of `sim.analysis.explain`; nothing is simulated.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from sim.analysis import explain
from sim.model import Model
from sim.report import style
from sim.report.boxes import boxes_of, call_graph, node_cells, source_key
from sim.report.drawing import ROW_GAP_IN, Drawing, box_height_in
from sim.report.layers import layered


@style.styled
def topology(model: Model) -> Figure:
    """Draw a model's sources, services, calls and nodes. Bars are utilizations at the declared load; what is full first
    is vermillion, what a fault takes down is crossed."""
    found = explain(model)
    boxes = boxes_of(model, found)
    graph = call_graph(model, found)
    roots = frozenset(source_key(source.name) for source in model.sources)
    layout = layered(graph, {key: box_height_in(box) for key, box in boxes.items()}, ROW_GAP_IN, roots)
    drawing = Drawing(boxes, graph, layout, node_cells(model, found))
    drawing.draw()
    drawing.title(model.title or model.scenario, f"{model.scenario}, variant {model.variant}")
    drawing.footnote(" ".join(found.verdict[:2]))
    return drawing.picture
