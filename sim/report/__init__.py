"""What a person, or a machine, reads of the results."""

from sim.report.accessor import Plots
from sim.report.comparison import comparison_html, print_comparison
from sim.report.document import comparison_document, document
from sim.report.html import results_html
from sim.report.states import states_html
from sim.report.summary import print_summary

__all__ = [
    "Plots",
    "comparison_document",
    "comparison_html",
    "document",
    "print_comparison",
    "print_summary",
    "results_html",
    "states_html",
]
