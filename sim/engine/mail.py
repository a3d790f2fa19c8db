"""Messages of the control plane: over the links, the ways and the faults of the simulated network.

A message takes the latencies (and jitters) of the links on its way, and the time that its bytes take each link's
bandwidth; it is lost as packets are: with the links' probabilities, by faults between its two ends, where there is no
way, and where it is cut off before it arrives. It does not queue behind requests, nor they behind it.

What travels by `carry` is sent again when it is lost, as TCP does (RFC 6298: after 0.2 s, then twice as long each
time), for as long as somebody waits. Handshakes and acknowledgements are not modelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from sim.distributions import Constant, Distribution, draw_many
from sim.engine.clock import Environment
from sim.engine.hosts import Host
from sim.engine.wires import Harm, Interference
from sim.kernel.codes import NONE
from sim.kernel.draws import stream_key, uniform
from sim.kernel.packets import AT_ONCE, NO_WAY
from sim.model import Link

DRAWN_AT_ONCE = 64
RESEND_S, RESEND_MOST_S = 0.2, 120.0
Way = list[tuple[Link, int]]
"""Links, with their rows in the kernel's table; -1 where it has none."""


@dataclass(eq=False)
class Letter:
    """One message that was sent; `arrived_s` is None while it is on its way, and for ever if it is lost."""

    sent_s: float
    sender: str
    receiver: str
    message: Any
    arrived_s: float | None = None


def _never() -> bool:
    return False


class Parcel:
    """One message on its way, perhaps several times."""

    __slots__ = ("arrive", "cuts", "is_wanted", "mail", "receiver", "sender", "sent_s", "size_bytes", "tries", "way")

    def __init__(
        self,
        mail: Mail,
        sender: Host,
        receiver: Host,
        size_bytes: float,
        arrive: Callable[[], object],
        is_wanted: Callable[[], bool],
    ) -> None:
        self.mail, self.sender, self.receiver, self.size_bytes = mail, sender, receiver, size_bytes
        self.arrive, self.is_wanted = arrive, is_wanted
        self.tries = 0
        self.way: Way = []
        self.cuts: list[int] = []

    def leave(self) -> None:
        mail = self.mail
        self.sent_s = mail.env.now
        taken_s = mail.transit_s(self.sender, self.receiver, self.size_bytes)
        if taken_s is None:
            self.lose()
            return
        if mail.has_wires:
            self.way = mail.way(self.sender, self.receiver) or []
            self.cuts = mail.cuts(self.way)
        mail.env.call_later(taken_s, self.come_in)

    def come_in(self) -> None:
        mail = self.mail
        is_cut = mail.is_cut(self.sender, self.receiver) or (self.cuts and self.cuts != mail.cuts(self.way))
        self.lose() if is_cut or not self.receiver.node_up else self.arrive()

    def lose(self) -> None:
        """It will be sent again, if somebody still wants that when the time has come."""
        due_s = self.sent_s + min(RESEND_S * 2.0**self.tries, RESEND_MOST_S)
        self.tries += 1
        if self.is_wanted is not _never:
            self.mail.env.call_later(max(due_s - self.mail.env.now, 0.0), self.leave_again)

    def leave_again(self) -> None:
        if self.is_wanted():
            self.leave()


class Mail:
    """Carries messages between hosts."""

    def __init__(self, env: Environment, network: Interference) -> None:
        self.env = env
        self.trace: list[Letter] | None = None
        """All messages, where somebody asks for them by giving a list."""
        self._network = network
        self._streams: dict[tuple[str, Distribution | None], Iterator[float]] = {}
        self._ways: dict[tuple[str, str], Way | None] = {}
        self._ways_found = -1
        self._fixed_s: dict[tuple[str, str], float | None] = {}

    @property
    def has_wires(self) -> bool:
        """Can links go down?"""
        return self._network.wires is not None

    def letter(self, sender: str, receiver: str, message: Any) -> Letter:
        letter = Letter(self.env.now, sender, receiver, message)
        if self.trace is not None:
            self.trace.append(letter)
        return letter

    def post(self, sender: Host, receiver: Host, size_bytes: float, arrive: Callable[[], object]) -> None:
        """Send once. `arrive` happens when and if it gets through to a machine that has power."""
        Parcel(self, sender, receiver, size_bytes, arrive, _never).leave()

    def carry(
        self,
        sender: Host,
        receiver: Host,
        size_bytes: float,
        arrive: Callable[[], object],
        is_wanted: Callable[[], bool],
    ) -> None:
        """Send, and again for as long as it is wanted, until it gets through."""
        Parcel(self, sender, receiver, size_bytes, arrive, is_wanted).leave()

    def transit_s(self, sender: Host, receiver: Host, size_bytes: float) -> float | None:
        """Seconds that a message takes that leaves now; None: it is lost."""
        if self._network.wires is None and not self._network.harms:
            pair = sender.place, receiver.place
            if pair not in self._fixed_s:
                self._fixed_s[pair] = self._find_fixed_s(sender, receiver)
            fixed_s = self._fixed_s[pair]
            if fixed_s is not None:
                return fixed_s
        way = self.way(sender, receiver)
        return None if way is None else self._time(sender, receiver, way, size_bytes)

    def _find_fixed_s(self, sender: Host, receiver: Host) -> float | None:
        """What every message between two hosts takes where nothing is drawn; None where something is."""
        network = self.env.tables.model.network
        if sender.place == receiver.place:
            return network.same_node.value if isinstance(network.same_node, Constant) else None
        taken_s = 0.0
        for link, _ in self.way(sender, receiver) or ():
            is_plain = link.jitter is None and link.loss == 0.0 and link.bandwidth_bps is None
            if not is_plain or not isinstance(link.latency, Constant):
                return None
            taken_s += link.latency.value
        return taken_s

    # Ways

    def way(self, sender: Host, receiver: Host) -> Way | None:
        """The links from one to the other; None: there is no way."""
        if sender.place == receiver.place or sender.site is None or receiver.site is None:
            return []
        wires = self._network.wires
        found = 0 if wires is None else wires.found
        if found != self._ways_found:
            self._ways, self._ways_found = {}, found
        pair = sender.site, receiver.site
        if pair not in self._ways:
            self._ways[pair] = self._find_way(*pair)
        return self._ways[pair]

    def _find_way(self, at: str, goal: str) -> Way | None:
        wires, links = self._network.wires, self.env.tables.model.network.links
        if wires is None:
            return [(links[at, goal], NONE)] if (at, goal) in links else []
        by_row, sites = {row: pair for pair, row in wires.rows.items()}, wires.sites
        way: Way = []
        while True:
            row = int(wires.state["route"][sites[at] * len(sites) + sites[goal]])
            if row == NO_WAY:
                return None
            if row == AT_ONCE:
                return way
            way.append((links[by_row[row]], row))
            at = by_row[row][1]
            if at == goal:
                return way

    def cuts(self, way: Way) -> list[int]:
        """How often each link has been down so far."""
        if self._network.wires is None:
            return []
        link = self.env.tables.state["link"]
        return [int(link[row]["cuts"]) for _, row in way if row != NONE]

    def is_cut(self, sender: Host, receiver: Host) -> bool:
        return bool(self._network.harms) and any(harm.loss >= 1.0 for harm in self._harms(sender, receiver))

    def _harms(self, sender: Host, receiver: Host) -> list[Harm]:
        """Faults that strike what the one sends to the other."""
        harms = self._network.harms
        if not harms or sender.place == receiver.place or sender.site is None or receiver.site is None:
            return []
        return [h for h in harms.values() if sender.place in h.senders and receiver.place in h.receivers]

    # Times

    def _time(self, sender: Host, receiver: Host, way: Way, size_bytes: float) -> float | None:
        """Seconds on the way; None: lost."""
        if sender.place == receiver.place and sender is not receiver:
            return self._loopback(sender)
        taken_s = 0.0
        for link, row in way:
            slowness, loss, down = 1.0, link.loss, False
            if row != NONE:
                now = self.env.tables.state["link"][row]
                slowness, loss, down = float(now["slowness"]), float(now["loss"]), bool(now["down"])
            if down or (loss > 0.0 and self._draw(sender, None) < loss):
                return None
            taken_s += self._latency(sender, link) * slowness
            if link.bandwidth_bps is not None:
                taken_s += 8.0 * size_bytes / link.bandwidth_bps
        for harm in self._harms(sender, receiver):
            if harm.loss > 0.0 and self._draw(sender, None) < harm.loss:
                return None
            if harm.latency is not None:
                taken_s += self._draw(sender, harm.latency)
        return taken_s

    def _loopback(self, host: Host) -> float:
        network = self.env.tables.model.network
        if network.same_node is not None:
            return self._draw(host, network.same_node)
        link = None if host.site is None else network.links.get((host.site, host.site))
        return 0.0 if link is None else self._latency(host, link)

    def _latency(self, sender: Host, link: Link) -> float:
        taken_s = self._draw(sender, link.latency)
        return taken_s if link.jitter is None else taken_s + self._draw(sender, link.jitter)

    def _draw(self, sender: Host, law: Distribution | None) -> float:
        """The next number of a sender's stream: of a law, or (None) uniform."""
        key = sender.name, law
        if key not in self._streams:
            self._streams[key] = self._stream(sender.name, law)
        return next(self._streams[key])

    def _stream(self, sender: str, law: Distribution | None) -> Iterator[float]:
        tables = self.env.tables
        key = stream_key(tables.model.run.seed, tables.replication, f"mail:{sender}:{law!r}")
        for first in count(step=DRAWN_AT_ONCE):
            if law is None:
                yield from (float(uniform(key, k)) for k in range(first, first + DRAWN_AT_ONCE))
            else:
                yield from draw_many(law, key, DRAWN_AT_ONCE, first).tolist()
