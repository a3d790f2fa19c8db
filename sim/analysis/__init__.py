"""What can be known without simulating: demands, utilizations, the bottleneck and the load at which it is full."""

from sim.analysis.explain import explain, explain_scenario
from sim.analysis.explanation import Explanation

__all__ = ["Explanation", "explain", "explain_scenario"]
