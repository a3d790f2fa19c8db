"""Counting: who was offered what, how it ended, how long it took."""

from __future__ import annotations

import numpy as np

from sim.kernel.codes import ALL, COHORT, OK, PENDING
from sim.kernel.histogram import BINS, bin_of
from sim.kernel.hooks import bins_of, prefetch
from sim.kernel.jit import f8, i8, kernel, void
from sim.kernel.tables import STATE_TYPE

_ONE = np.uint32(1)


@kernel(void, STATE_TYPE, i8, i8, hot=True)
def count_offered(S, stat_row, measured):
    stat = S.stat[stat_row]
    stat.offered[ALL] += 1
    stat.offered[COHORT] += measured


@kernel(void, STATE_TYPE, i8, f8, hot=True)
def count_bin(S, row, latency_s):
    """Add one to a histogram's bin, a little later.

    With many servers a bin is hardly ever in the cache, and waiting for it would be a tenth of the run time. So the bin
    is asked for now, and counted when PENDING others have come after it (or in `count_pending`).
    """
    bins = bins_of(S)
    place = row * BINS + bin_of(latency_s)
    prefetch(bins, place)
    S.pending_next = (S.pending_next + 1) % PENDING
    bins[S.pending[S.pending_next]] += _ONE
    S.pending[S.pending_next] = place


@kernel(void, STATE_TYPE)
def count_pending(S):
    """Bring the histograms up to date; their last row takes the counts of empty places."""
    bins = bins_of(S)
    for k in range(PENDING):
        bins[S.pending[k]] += _ONE
        S.pending[k] = S.bins_length - 1


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
    count_bin(S, stat_row, latency_s)


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
        count_bin(S, other_bins, latency_s)
