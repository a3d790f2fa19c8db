"""Experiments: variants × replications, in parallel, and their results in tables and on disk."""

from sim.experiment.results import Results
from sim.experiment.runner import Progress, run_scenario

__all__ = ["Progress", "Results", "run_scenario"]
