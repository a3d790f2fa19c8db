"""Estimates with honest intervals: pure functions over the numbers of independent replications."""

from sim.statistics.availability import availability, burn_rate, nines, upper_bound_without_failures
from sim.statistics.contrast import Contrast
from sim.statistics.estimate import Estimate
from sim.statistics.fates import two_groups
from sim.statistics.means import mean_estimate
from sim.statistics.mser import mser_cut
from sim.statistics.multiple import consistent, holm, simultaneous_confidence
from sim.statistics.paired import mean_contrast, quantile_contrast, share_contrast
from sim.statistics.quantiles import pooled_quantile
from sim.statistics.ratios import exact_rate, ratio_estimate
from sim.statistics.samples import Averages, Latencies, Samples, Shares
from sim.statistics.verdict import Verdict, decide, more_replications

__all__ = [
    "Averages",
    "Contrast",
    "Estimate",
    "Latencies",
    "Samples",
    "Shares",
    "Verdict",
    "availability",
    "burn_rate",
    "consistent",
    "decide",
    "exact_rate",
    "holm",
    "mean_contrast",
    "mean_estimate",
    "more_replications",
    "mser_cut",
    "nines",
    "pooled_quantile",
    "quantile_contrast",
    "ratio_estimate",
    "share_contrast",
    "simultaneous_confidence",
    "two_groups",
    "upper_bound_without_failures",
]
