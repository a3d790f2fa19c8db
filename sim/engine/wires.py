"""The network in the kernel's tables: links, ways, transports; and what faults do to them while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.distributions import Distribution, DistributionTable
from sim.engine.apart import address_apart
from sim.engine.devices import add_device, add_node, check_room
from sim.errors import DsimError
from sim.kernel.codes import EVENT_LOOP, GOROUTINES, IDEAL, NONE, TCP, UDP
from sim.kernel.draws import name_hash
from sim.kernel.packets import AT_ONCE, NO_WAY, NODES, RECEIVES, SENDS
from sim.kernel.tables import CAPACITY
from sim.kernel.wire import wire
from sim.model import Ideal, Link, Model, Tcp, Transport, Udp
from sim.network.routes import next_hops

if TYPE_CHECKING:
    from sim.engine.lowered import Lowered

UNBOUNDED = 2**31 - 1


def entry(address: Any, row: Any, key: Any, value: Any, unused: Any, what: Any) -> Any:
    """The wire as a C function."""
    return wire(address, row, key, value, unused, what)


def wire_address() -> int:
    """Where the kernel finds the wire."""
    return address_apart("wire", entry)


def is_plain(link: Link) -> bool:
    """Does a link do nothing but take its latency?"""
    return link.jitter is None and link.loss == 0.0 and link.bandwidth_bps is None


def needs_wire(model: Model, transports: Iterable[Transport]) -> bool:
    """Is there anything that latencies alone do not tell?"""
    return (
        model.network.routed
        or any(not is_plain(link) for link in model.network.links.values())
        or any(transport != Ideal() for transport in transports)
        or any(fault.touches_network for fault in model.faults)
    )


def add_transport(S: Any, row: int, transport: Transport) -> None:
    """Fill one row of the transports' table."""
    to = S.transport[row]
    to.streams, to.most_open, to.most_idle, to.rounds = 1, NONE, UNBOUNDED, 1
    match transport:
        case Ideal():
            to.kind, to.segment = IDEAL, Tcp().segment_bytes
            to.resend_least, to.resend_most = transport.resend_s, transport.resend_max_s
        case Udp():
            to.kind, to.segment = UDP, transport.datagram_bytes
        case Tcp():
            to.kind, to.segment = TCP, np.ceil(transport.segment_bytes)
            to.streams, to.rounds = transport.streams, 1 + transport.tls_round_trips
            to.most_open = NONE if transport.max_connections is None else transport.max_connections
            to.most_idle = UNBOUNDED if transport.max_idle is None else transport.max_idle
            to.idle_for = transport.idle_timeout_s
            to.dial_for = np.inf if transport.connect_timeout_s is None else transport.connect_timeout_s
            to.initial, to.window = transport.initial_window, np.floor(transport.receive_window_bytes)
            to.resend_least, to.resend_first = transport.rto_min_s, transport.rto_initial_s
            to.resend_most, to.tries, to.dials = transport.rto_max_s, transport.retries, transport.dial_retries
            if transport.keep_alive_s is not None:
                to.probes, to.probe_after = transport.keep_alive_probes, transport.keep_alive_s
                to.probe_every = transport.keep_alive_every_s


@dataclass
class Change:
    """What one fault does to one direction of a link."""

    link: tuple[str, str]
    down: bool
    latency_factor: float
    bandwidth_factor: float
    loss: float


@dataclass(frozen=True)
class Harm:
    """What one fault does to messages between some places."""

    senders: frozenset[str]
    receivers: frozenset[str]
    loss: float
    latency: Distribution | None


@dataclass
class Wires:
    """The links of a model, in the tables, and what is wrong with them."""

    state: Any
    model: Model
    sites: dict[str, int]
    laws: DistributionTable
    rows: dict[tuple[str, str], int] = field(default_factory=dict)
    stations: dict[tuple[str, str], int] = field(default_factory=dict)
    """Instance rows of the transmitters of links with a bandwidth."""
    changes: dict[int, Change] = field(default_factory=dict)
    found: int = 0
    """How often ways have been found."""
    _handles: int = 0

    def __post_init__(self) -> None:
        S = self.state
        check_room("link", len(self.model.network.links))
        check_room("route", len(self.sites) ** 2)
        for (sender, receiver), link in self.model.network.links.items():
            row = self.rows[sender, receiver] = len(self.rows)
            to = S.link[row]
            to.receiver, to.station, to.salt = self.sites[receiver], NONE, name_hash(f"{sender} → {receiver}")
            to.latency, to.jitter = self._law(link.latency), self._law(link.jitter)
            to.loss = to.kept_loss = link.loss
            to.slowness = 1.0
            if link.bandwidth_bps is not None:
                to.station = self.stations[sender, receiver] = self._station(link.bandwidth_bps / 8.0, link.sharing)
        S.sites = len(self.sites)
        self.find_ways()

    def _law(self, law: Distribution | None) -> int:
        return NONE if law is None else self.laws.add(law)

    def _station(self, bytes_per_s: float, sharing: str) -> int:
        node = add_node(self.state, 1.0)
        self.state.node[node].speed = bytes_per_s
        return add_device(self.state, node, EVENT_LOOP if sharing == "first_come" else GOROUTINES, 1.0)

    def find_ways(self) -> None:
        """Fill in which link comes next, from where, to where."""
        S, count = self.state, len(self.sites)
        self.found += 1
        ways = np.full((count, count), NO_WAY if self.model.network.routed else AT_ONCE, np.int32)
        if self.model.network.routed:
            up = {
                pair: link.latency.mean() * float(S.link[self.rows[pair]].slowness)
                for pair, link in self.model.network.links.items()
                if not S.link[self.rows[pair]].down
            }
            hops = next_hops(list(self.sites), up)
            by_pair = np.full((count, count), NO_WAY, np.int32)
            for (sender, receiver), row in self.rows.items():
                by_pair[self.sites[sender], self.sites[receiver]] = row
            ways = np.where(hops >= 0, np.take_along_axis(by_pair, np.maximum(hops, 0), axis=1), NO_WAY)
            np.fill_diagonal(ways, AT_ONCE)
        else:
            for (sender, receiver), row in self.rows.items():
                ways[self.sites[sender], self.sites[receiver]] = row
        S.route[: count * count] = ways.ravel()


class Interference:
    """What the control plane does to the network of a running simulation."""

    def __init__(self, tables: Lowered, set_speed: Callable[[int, float], object]) -> None:
        self._tables = tables
        self._set_speed = set_speed
        self.harms: dict[int, Harm] = {}
        """In force, by what `mend` asks for."""

    @property
    def wires(self) -> Wires | None:
        """None: messages take plain latencies."""
        return self._tables.wires

    def impair(
        self, senders: frozenset[str], receivers: frozenset[str], loss: float, latency: Distribution | None
    ) -> int:
        """Let messages from some places (nodes, and `source:NAME`) to others be lost, or take longer."""
        self._turn_on()
        S = self._tables.state
        free = np.flatnonzero(S.impairment["used"] == 0)
        if not len(free):
            raise DsimError(f"more than {CAPACITY['impairment']} faults of the network at once; let them overlap less")
        slot = int(free[0])
        S.side[slot] = 0
        for places, bit in ((senders, SENDS), (receivers, RECEIVES)):
            for place in places:
                S.side[slot][self._place(place)] |= bit
        to = S.impairment[slot]
        to.latency = NONE if latency is None else self._tables.add_law(latency)
        to.loss, to.used = loss, 1
        S.impairments = max(int(S.impairments), slot + 1)
        self.harms[slot] = Harm(senders, receivers, loss, latency)
        return slot

    def mend(self, slot: int) -> None:
        S = self._tables.state
        del self.harms[slot]
        S.impairment[slot].used = 0
        used = np.flatnonzero(S.impairment["used"])
        S.impairments = int(used[-1]) + 1 if len(used) else 0

    def _place(self, name: str) -> int:
        tables = self._tables
        if name.startswith("source:"):
            names = [source.name for source in tables.model.sources]
            return int(NODES) + names.index(name.removeprefix("source:"))
        return tables.node_row[name]

    def hide_address(self, service: str, by: int) -> None:
        names = [known.name for known in self._tables.model.services]
        self._tables.state.service[names.index(service)].unresolved += by

    def is_hidden(self, service: str) -> bool:
        names = [known.name for known in self._tables.model.services]
        return bool(self._tables.state.service[names.index(service)].unresolved > 0)

    def change_link(self, change: Change) -> int:
        """Let one direction of a link be down, or slower, or lose more."""
        wires = self._turn_on()
        if change.link not in wires.rows:
            raise DsimError(f"there is no link from {change.link[0]} to {change.link[1]}")
        wires._handles += 1
        wires.changes[wires._handles] = change
        self._apply(wires, change.link)
        return wires._handles

    def mend_link(self, handle: int) -> None:
        wires = self._turn_on()
        self._apply(wires, wires.changes.pop(handle).link)

    def _apply(self, wires: Wires, pair: tuple[str, str]) -> None:
        """From all changes in force, so that the link is what it was when they are gone."""
        in_force = [change for change in wires.changes.values() if change.link == pair]
        link, was_down = self._tables.state.link[wires.rows[pair]], False
        was_down, slowness = bool(link.down), float(link.slowness)
        link.down = sum(change.down for change in in_force)
        link.slowness = prod(change.latency_factor for change in in_force)
        link.loss = 1.0 - (1.0 - float(link.kept_loss)) * prod(1.0 - change.loss for change in in_force)
        if link.down and not was_down:
            link.cuts += 1
        if pair in wires.stations:
            bytes_per_s = (self._tables.model.network.links[pair].bandwidth_bps or 0.0) / 8.0
            node = int(self._tables.state.instance[wires.stations[pair]].node)
            self._set_speed(node, bytes_per_s * prod(change.bandwidth_factor for change in in_force))
        if self._tables.model.network.routed and (bool(link.down) != was_down or link.slowness != slowness):
            wires.find_ways()

    def _turn_on(self) -> Wires:
        """Let messages take the wire from now on, if they do not yet."""
        wires = self._tables.wires
        if wires is None:
            wires = self._tables.lay_wires()
        return wires
