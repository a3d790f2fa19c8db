"""What a person, or a machine, reads of the results."""

from sim.report.accessor import Plots
from sim.report.document import document
from sim.report.html import results_html
from sim.report.summary import print_summary

__all__ = ["Plots", "document", "print_summary", "results_html"]
