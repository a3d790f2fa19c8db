"""What messages meet between sites when nothing else is on its way: latency, jitter, the time to get onto links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim.model import Model
from sim.network.routes import next_hops


@dataclass(frozen=True, slots=True)
class Way:
    """From some places to others, arrays of shape (senders, receivers)."""

    mean_s: np.ndarray
    variance_s2: np.ndarray
    s_per_bit: np.ndarray
    """Of all links of the way together: each passes a message on as a whole."""


Pairs = tuple[np.ndarray, ...]
"""Numbers of senders, and of receivers."""


class Wires:
    """Ways between the sites of nodes and of clients, by numbers of these sites; links by numbers of all sites."""

    def __init__(self, model: Model) -> None:
        network = model.network
        ends = {node.site for node in model.nodes} | {s.zone for s in model.sources if s.zone is not None}
        self.all = [*sorted(ends), *sorted({site for pair in network.links for site in pair} - ends)]
        self.number = {site: number for number, site in enumerate(self.all)}
        self.routed = network.routed
        size = len(self.all), len(self.all)
        mean, variance, self.per_bit = np.zeros(size), np.zeros(size), np.zeros(size)
        for (sender, receiver), link in network.links.items():
            at = self.number[sender], self.number[receiver]
            laws = [link.latency] if link.jitter is None else [link.latency, link.jitter]
            mean[at] = float(sum(law.mean() for law in laws))
            variance[at] = float(sum(law.variance() for law in laws))
            if link.bandwidth_bps is not None:
                self.per_bit[at] = 1.0 / link.bandwidth_bps
        if self.routed:
            self._next = next_hops(self.all, {pair: link.latency.mean() for pair, link in network.links.items()})
        self.ends = len(ends)
        """Sites of nodes and clients; they have the first numbers."""
        shape = self.ends, self.ends
        self._ways = Way(np.zeros(shape), np.zeros(shape), np.zeros(shape))
        for pairs, passed in self._links_on(np.nonzero(np.ones(shape))):
            self._ways.mean_s[pairs] += mean[passed]
            self._ways.variance_s2[pairs] += variance[passed]
            self._ways.s_per_bit[pairs] += self.per_bit[passed]

    def way(self, senders: np.ndarray, receivers: np.ndarray) -> Way:
        """From each of some sites to each of others."""
        grid = np.ix_(senders, receivers)
        return Way(self._ways.mean_s[grid], self._ways.variance_s2[grid], self._ways.s_per_bit[grid])

    def occupation_s(self, bits: np.ndarray) -> np.ndarray:
        """How long messages occupy the links, shape (all sites, all sites); of so many bits from each site of nodes or
        clients to each other, shape (ends, ends)."""
        found = np.zeros_like(self.per_bit)
        for pairs, link in self._links_on(np.nonzero(bits)):
            np.add.at(found, link, bits[pairs] * self.per_bit[link])
        return found

    def _links_on(self, pairs: Pairs) -> Iterator[tuple[Pairs, Pairs]]:
        """(pairs, the link that each of them passes), a link of all ways at once; where there is none, nothing."""
        if not self.routed:
            yield pairs, pairs
            return
        senders, receivers = pairs
        here = senders
        while len(senders):
            following = self._next[here, receivers]
            onward = (here != receivers) & (following >= 0)
            senders, receivers, here, following = (part[onward] for part in (senders, receivers, here, following))
            yield (senders, receivers), (here, following)
            here = following
