"""Results as a notebook shows them: the tables of the command line, as HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from sim.experiment import Results
from sim.report.availability import availability_grids
from sim.report.grid import to_html
from sim.report.knowledge import knowledge_grids
from sim.report.summary import notes, remarks, source_rows, sources_grid


def results_html(results: Results) -> str:
    """Sources, their availability where something broke, what clients knew, and what is to be known of them."""
    rows = list(source_rows(results))
    grids, of_availability = availability_grids(results)
    known, of_knowledge = knowledge_grids(results)
    tables = "".join(to_html(grid) for grid in (sources_grid(rows), *grids, *known))
    sentences = [*notes(rows), *of_availability, *of_knowledge, *remarks(results)]
    return f"<h4>{escape(results.title)}</h4>{tables}{paragraph(sentences)}"


def paragraph(sentences: Iterable[str]) -> str:
    return f"<p>{'<br>'.join(map(escape, sentences))}</p>"
