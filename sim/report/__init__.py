"""What a person, or a machine, reads of the results."""

from sim.report.document import document
from sim.report.summary import print_summary

__all__ = ["document", "print_summary"]
