"""Experiments: variants × replications, in parallel, and their results in tables and on disk."""

from sim.experiment.results import Results
from sim.experiment.runner import Progress, run_scenario
from sim.experiment.store import load_results

__all__ = ["Progress", "Results", "load_results", "run_scenario"]
