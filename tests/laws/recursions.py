"""Queues as recursions over their requests: ten lines each, no clock, no events but those that matter.

Arrivals are in ascending order, works in the order of the arrivals; results are departure times in that order. They add
times as a simulator with a clock does, so that rounding stays alike.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def one_server(arrivals: Iterable[float], works: Iterable[float]) -> Floats:
    """First come, first served (Lindley, Mathematical Proceedings of the Cambridge Philosophical Society 48, 1952)."""
    departures, free = [], 0.0
    for arrival, work in zip(arrivals, works, strict=True):
        free = max(arrival, free) + work
        departures.append(free)
    return np.array(departures)


def several_servers(arrivals: Iterable[float], works: Iterable[float], servers: int) -> Floats:
    """First come, first served by the server that is free first (Kiefer & Wolfowitz 1955)."""
    departures, free = [], [0.0] * servers
    for arrival, work in zip(arrivals, works, strict=True):
        departure = max(arrival, free[0]) + work
        heapq.heapreplace(free, departure)
        departures.append(departure)
    return np.array(departures)


def bounded_queue(arrivals: Iterable[float], works: Iterable[float], servers: int, room: int) -> Floats:
    """As `several_servers`, for at most `room` requests at once; who finds the room full leaves at once."""
    departures, free, present = [], [0.0] * servers, []
    for arrival, work in zip(arrivals, works, strict=True):
        while present and present[0] <= arrival:
            heapq.heappop(present)
        if len(present) == room:
            departures.append(arrival)
            continue
        departure = max(arrival, free[0]) + work
        heapq.heapreplace(free, departure)
        heapq.heappush(present, departure)
        departures.append(departure)
    return np.array(departures)


def in_turn(arrivals: Floats, works: Floats, servers: int) -> Floats:
    """Request i goes to server i mod n, first come first served there."""
    departures = np.empty(len(arrivals))
    for server in range(servers):
        departures[server::servers] = one_server(arrivals[server::servers], works[server::servers])
    return departures


def shortest_queue(arrivals: Iterable[float], works: Iterable[float], ties: Iterable[float], servers: int) -> Floats:
    """Each request joins the server with the fewest requests; `ties` are uniform numbers that choose among equals."""
    departures: list[float] = []
    present: list[list[float]] = [[] for _ in range(servers)]
    for arrival, work, tie in zip(arrivals, works, ties, strict=True):
        present = [[end for end in ends if end > arrival] for ends in present]
        fewest = min(map(len, present))
        equals = [server for server in range(servers) if len(present[server]) == fewest]
        ends = present[equals[int(tie * len(equals))]]
        ends.append(max(arrival, ends[-1] if ends else 0.0) + work)
        departures.append(ends[-1])
    return np.array(departures)


def sharing(arrivals: Floats, works: Floats) -> Floats:
    """One core shared equally by all who are there.

    In a virtual time that n jobs slow down n-fold, each job progresses at rate 1 and so ends its work after its arrival
    (Parekh & Gallager, IEEE/ACM Transactions on Networking 1(3), 1993). It starts at 0 in each busy period.
    """
    departures = np.empty(len(arrivals))
    now, virtual = 0.0, 0.0
    present: list[tuple[float, int]] = []
    for job, arrival in enumerate([*arrivals, np.inf]):
        while present and now + (present[0][0] - virtual) * len(present) <= arrival:
            end, done = heapq.heappop(present)
            now += (end - virtual) * (len(present) + 1)
            virtual = end if present else 0.0
            departures[done] = now
        if arrival < np.inf:
            virtual += (arrival - now) / len(present) if present else 0.0
            now = arrival
            heapq.heappush(present, (virtual + works[job], job))
    return departures


def event_loop(arrivals: Floats, first: Floats, waits: Floats, second: Floats) -> Floats:
    """Two bursts with a wait between on one core, bursts in the order of becoming ready."""
    departures = np.empty(len(arrivals))
    ready = [(arrival, job, 0) for job, arrival in enumerate(arrivals)]
    heapq.heapify(ready)
    free = 0.0
    while ready:
        time, job, stage = heapq.heappop(ready)
        free = max(time, free) + (second if stage else first)[job]
        if stage:
            departures[job] = free
        else:
            heapq.heappush(ready, (free + waits[job], job, 1))
    return departures
