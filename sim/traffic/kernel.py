"""The next arrival of a process, compiled.

The draw behind arrival i is word i of the source's key (a standard exponential), whatever the process: a source whose
rate alone is changed keeps its draws. Sojourns and gaps have keys of their own, derived from the source's.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.distributions import Constant, DistributionTable
from sim.distributions.sampling import DISTRIBUTION_TYPE, sample
from sim.kernel.draws import derive, name_hash, uniform
from sim.kernel.jit import f8, f8s, i8, kernel
from sim.traffic.base import (
    ARRIVAL,
    CONSTANT,
    DIURNAL,
    MMPP,
    POISSON,
    RENEWAL,
    SEGMENTS,
    TRACE,
    Arrivals,
    lower_arrivals,
)

ARRIVAL_TYPE = numba.from_dtype(ARRIVAL)
GAP_SALT, SOJOURN_SALT, STATE_SALT = (name_hash(name) for name in ("gap", "sojourn", "state"))
"""Salts by which a source's key is derived into those of gaps, of sojourns and of the first state; requests are salted
by their numbers."""
NEWTON_STEPS_MAX = 100
_TURN = 2.0 * math.pi


@kernel(f8, ARRIVAL_TYPE)
def _exponential(arrival):
    """The standard exponential of the next arrival."""
    return -math.log(uniform(arrival.key, arrival.index))


@kernel(f8, ARRIVAL_TYPE, DISTRIBUTION_TYPE, f8s)
def _renewal(arrival, gap, data):
    key = derive(derive(arrival.key, GAP_SALT), np.uint64(arrival.index))
    return arrival.time_s + sample(gap, data, key, arrival.index)


@kernel(f8, ARRIVAL_TYPE, f8s)
def _trace(arrival, data):
    return data[arrival.start + arrival.index] if arrival.index < arrival.length else math.inf


@kernel(f8, ARRIVAL_TYPE, f8s)
def _segments(arrival, data):
    """Data: (start in s, rate per s, slope per s²) a segment; position is the segment of the last arrival."""
    need = _exponential(arrival)
    time_s = arrival.time_s
    at = max(arrival.position, 0)
    while True:
        row = arrival.start + 3 * at
        slope = data[row + 2]
        rate = max(data[row + 1] + slope * (time_s - data[row]), 0.0)
        if at == arrival.length - 1:
            arrival.position = at
            return time_s + need / rate if rate > 0.0 else math.inf
        end_s = data[row + 3]
        rate_end = max(data[row + 1] + slope * (end_s - data[row]), 0.0)
        supply = 0.5 * (rate + rate_end) * (end_s - time_s)
        if need < supply:
            arrival.position = at
            root = math.sqrt(max(rate * rate + 2.0 * slope * need, 0.0))
            return min(time_s + 2.0 * need / (rate + root), end_s) if need > 0.0 else time_s
        need -= supply
        time_s = end_s
        at += 1


@kernel(f8, ARRIVAL_TYPE, f8s)
def _sojourn(arrival, data):
    """Length of the sojourn number `episode`, in the state `position`."""
    key = derive(arrival.key, SOJOURN_SALT)
    return -data[arrival.start + 3 * arrival.position + 1] * math.log(uniform(key, arrival.episode))


@kernel(f8, ARRIVAL_TYPE, f8s)
def _mmpp(arrival, data):
    """Data: (rate, mean sojourn, cumulative share of time) a state."""
    if arrival.position < 0:
        choice = uniform(derive(arrival.key, STATE_SALT), 0)
        arrival.position = 0
        while arrival.position < arrival.length - 1 and choice >= data[arrival.start + 3 * arrival.position + 2]:
            arrival.position += 1
        arrival.until_s = _sojourn(arrival, data)
    need = _exponential(arrival)
    time_s = arrival.time_s
    while True:
        rate = data[arrival.start + 3 * arrival.position]
        supply = rate * (arrival.until_s - time_s)
        if need < supply:
            return min(time_s + need / rate, arrival.until_s)
        need -= supply
        time_s = arrival.until_s
        arrival.episode += 1
        arrival.position = (arrival.position + 1) % arrival.length
        arrival.until_s = time_s + _sojourn(arrival, data)


@kernel(f8, ARRIVAL_TYPE)
def _diurnal(arrival):
    """Solve a·(x + b·c/2π·(cos θ - cos(θ + 2πx/c))) = need for the gap x, by Newton's steps within a bracket."""
    mean, swing, period_s = arrival.a, arrival.b, arrival.c
    turns = arrival.time_s / period_s + arrival.d
    begin = _TURN * (turns - math.floor(turns))
    pace = 1.0 + swing * math.sin(begin)
    need = _exponential(arrival) / mean
    reach = swing * period_s / _TURN
    low, high = max(need - 2.0 * reach, need / (1.0 + swing)), need + 2.0 * reach
    gap = min(max(need / max(pace, 0.1), low), high)
    for _ in range(NEWTON_STEPS_MAX):
        half = 0.5 * _TURN * gap / period_s
        excess = gap + 2.0 * reach * math.sin(begin + half) * math.sin(half) - need
        slope = 1.0 + swing * math.sin(begin + 2.0 * half)
        if abs(excess) <= 1e-14 * gap * slope:
            break
        if excess > 0.0:
            high = gap
        else:
            low = gap
        refined = gap - excess / slope if slope > 0.0 else high
        gap = refined if low < refined < high else 0.5 * (low + high)
    return arrival.time_s + gap


@kernel(f8, ARRIVAL_TYPE, DISTRIBUTION_TYPE, f8s)
def next_arrival(arrival, gap, data):
    """The absolute time in s of the next arrival, inf when there is none; advances the row in place.

    Args:
        arrival: a row of dtype ARRIVAL, modified in place (time_s, index and the state of its process).
        gap: the distribution row number `arrival.gap`; only read by a renewal process.
        data: the numbers that all processes and distributions share, float64.
    """
    if arrival.time_s == math.inf:
        return math.inf
    code = arrival.code
    if code == POISSON:
        time_s = arrival.time_s + arrival.a * _exponential(arrival)
    elif code == CONSTANT:
        time_s = (arrival.index + 1) / arrival.a
    elif code == RENEWAL:
        time_s = _renewal(arrival, gap, data)
    elif code == SEGMENTS:
        time_s = _segments(arrival, data)
    elif code == MMPP:
        time_s = _mmpp(arrival, data)
    elif code == DIURNAL:
        time_s = _diurnal(arrival)
    elif code == TRACE:
        time_s = _trace(arrival, data)
    else:
        time_s = math.inf  # CLOSED: the engine moves the users
    arrival.time_s = time_s
    arrival.index += 1
    return time_s


@kernel(
    i8, numba.types.Array(ARRIVAL_TYPE, 1, "C"), numba.types.Array(DISTRIBUTION_TYPE, 1, "C"), f8s, f8, f8s, cache=True
)
def _advance(arrivals, gaps, data, until_s, out):
    """Fill `out` with arrival times up to until_s; returns how many."""
    arrival = arrivals[0]
    count = 0
    while count < out.size:
        time_s = next_arrival(arrival, gaps[arrival.gap], data)
        if not time_s <= until_s or time_s == math.inf:
            break
        out[count] = time_s
        count += 1
    return count


def arrival_times(arrivals: Arrivals, key: np.uint64, until_s: float = math.inf, count: int = 1_000_000) -> np.ndarray:
    """The first arrivals of an open process: those in [0, until_s], at most `count` of them. float64 seconds."""
    table = DistributionTable()
    table.add(Constant(0.0))
    rows = np.zeros(1, ARRIVAL)
    lower_arrivals(rows[0], arrivals, key, table)
    out = np.empty(count)
    with np.errstate(over="ignore"):
        filled = _advance(rows, table.rows(), table.data(), until_s, out)
    return out[:filled]
