"""Results as a notebook shows them: the tables of the command line, as HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from sim.experiment import Results
from sim.report.grid import to_html
from sim.report.summary import notes, remarks, source_rows, sources_grid


def results_html(results: Results) -> str:
    """Sources, and what is to be known of them."""
    rows = list(source_rows(results))
    sentences = [*notes(rows), *remarks(results)]
    return f"<h4>{escape(results.title)}</h4>{to_html(sources_grid(rows))}{paragraph(sentences)}"


def paragraph(sentences: Iterable[str]) -> str:
    return f"<p>{'<br>'.join(map(escape, sentences))}</p>"
