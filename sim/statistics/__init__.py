"""Estimates with honest intervals: pure functions over the numbers of independent replications."""

from sim.statistics.availability import availability, upper_bound_without_failures
from sim.statistics.estimate import Estimate
from sim.statistics.means import mean_estimate
from sim.statistics.quantiles import pooled_quantile

__all__ = ["Estimate", "availability", "mean_estimate", "pooled_quantile", "upper_bound_without_failures"]
