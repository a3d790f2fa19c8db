"""Counting: who was offered what, how it ended, how long it took."""

from __future__ import annotations

import numpy as np

from sim.kernel.codes import ALL, COHORT, OK
from sim.kernel.histogram import BINS, bin_of
from sim.kernel.hooks import bins_of
from sim.kernel.jit import f8, i8, kernel, void
from sim.kernel.tables import STATE_TYPE

_ONE = np.uint32(1)


@kernel(void, STATE_TYPE, i8, i8, hot=True)
def count_offered(S, stat_row, measured):
    stat = S.stat[stat_row]
    stat.offered[ALL] += 1
    stat.offered[COHORT] += measured


@kernel(void, STATE_TYPE, i8, f8)
def count_latency(S, stat_row, latency_s):
    """An ok latency of the cohort: moments and histogram."""
    stat = S.stat[stat_row]
    if stat.outcome[OK, COHORT] == 1:
        stat.shift = latency_s
        stat.minimum = latency_s
        stat.maximum = latency_s
    difference = latency_s - stat.shift
    stat.total += difference
    stat.square_total += difference * difference
    stat.minimum = min(stat.minimum, latency_s)
    stat.maximum = max(stat.maximum, latency_s)
    bins_of(S)[stat_row * BINS + bin_of(latency_s)] += _ONE


@kernel(void, STATE_TYPE, i8, i8, i8, f8, f8, i8, hot=True)
def count_outcome(S, stat_row, outcome, measured, latency_s, slo_s, other_bins):
    """An end. Ok latencies outside the cohort enter the histogram `other_bins`, where there is one."""
    stat = S.stat[stat_row]
    stat.outcome[outcome, ALL] += 1
    stat.outcome[outcome, COHORT] += measured
    if outcome != OK:
        return
    stat.flow_total += latency_s
    if latency_s <= slo_s:
        stat.good[ALL] += 1
        stat.good[COHORT] += measured
    if measured:
        count_latency(S, stat_row, latency_s)
    elif other_bins >= 0:
        bins_of(S)[other_bins * BINS + bin_of(latency_s)] += _ONE
