"""Counting: who was offered what, how it ended, how long it took."""

from __future__ import annotations

import numpy as np

from sim.kernel.codes import OK
from sim.kernel.histogram import BINS, bin_of
from sim.kernel.hooks import bins_of
from sim.kernel.jit import f8, i8, kernel, void
from sim.kernel.tables import STATE_TYPE

_ONE = np.uint32(1)


@kernel(void, STATE_TYPE, i8, i8, hot=True)
def count_offered(S, stat_row, measured):
    stat = S.stat[stat_row]
    stat.offered += 1
    stat.cohort_offered += measured


@kernel(void, STATE_TYPE, i8, f8, i8)
def count_latency(S, stat_row, latency_s, other_bins):
    """An ok latency: into the cohort's moments and histogram, or, where other_bins is a row, into that one."""
    stat = S.stat[stat_row]
    if other_bins >= 0:
        bins_of(S)[other_bins * BINS + bin_of(latency_s)] += _ONE
        return
    if stat.cohort_outcome[OK] == 1:
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
    """An end. Latencies count for ok ones; outside the cohort only where `other_bins` has room for them."""
    stat = S.stat[stat_row]
    stat.outcome[outcome] += 1
    if measured:
        stat.cohort_outcome[outcome] += 1
    if outcome != OK:
        return
    stat.flow_total += latency_s
    if latency_s <= slo_s:
        stat.good += 1
        stat.cohort_good += measured
    if measured:
        count_latency(S, stat_row, latency_s, -1)
    elif other_bins >= 0:
        count_latency(S, stat_row, latency_s, other_bins)
