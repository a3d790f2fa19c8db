"""What requests ask of links: the seconds for which their messages occupy the bandwidth, both ways.

Messages that are lost and sent again are not counted, nor are headers and acknowledgements.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.analysis.latency import NoContention, Seats, on_one_node
from sim.analysis.spread import shares
from sim.analysis.traffic import Traffic
from sim.model import Model


def link_demands(model: Model, traffic: Traffic, times: NoContention) -> dict[str, np.ndarray]:
    """Seconds a request of each source, shape (sources,), of each link that has a bandwidth and carries something, by
    its name `a → b`. Balancers spread as at low load."""
    wires = times.wires
    if not wires.per_bit.any():
        return {}
    found: dict[str, np.ndarray] = {}
    for source in range(len(model.sources)):
        occupied = wires.occupation_s(_bits(model, traffic, times, source))
        for a, b in zip(*np.nonzero(occupied), strict=True):
            name = f"{wires.all[a]} → {wires.all[b]}"
            found.setdefault(name, np.zeros(len(model.sources)))[source] = occupied[a, b]
    return found


def _bits(model: Model, traffic: Traffic, times: NoContention, source: int) -> np.ndarray:
    """Bits that one request of a source sends from site to site."""
    bits = np.zeros((times.wires.ends, times.wires.ends))
    weights = _executions(traffic, times.seats, source)
    for number, edge in enumerate(traffic.edges):
        attempts = np.nan_to_num(traffic.per_request(number), nan=0.0)[source]
        caller = traffic.source_of(number)
        seats = times.seats[edge.client] if caller is None else times.client(model.sources[caller])
        callee = times.seats[edge.service]
        if attempts == 0.0 or seats.site[0] < 0:
            continue
        each = np.outer(weights.get(edge.client, np.ones(1)), shares(edge.policy.balance, len(callee.site))) * attempts
        if times.same_node is not None:
            each[on_one_node(seats, callee)] = 0.0
        request_bytes, response_bytes = times.sizes[edge.callee]
        np.add.at(bits, np.ix_(seats.site, callee.site), 8.0 * request_bytes * each)
        np.add.at(bits, np.ix_(callee.site, seats.site), 8.0 * response_bytes * each.T)
    return bits


def _executions(traffic: Traffic, seats: Mapping[str, Seats], source: int) -> dict[str, np.ndarray]:
    """The share of each instance in its service's work for one source."""
    found = {service: np.zeros(len(there.site)) for service, there in seats.items()}
    for number, edge in enumerate(traffic.edges):
        attempts = np.nan_to_num(traffic.per_request(number), nan=0.0)[source]
        found[edge.service] += attempts * shares(edge.policy.balance, len(seats[edge.service].site))
    return {service: np.divide(load, max(load.sum(), 1e-300)) for service, load in found.items()}
