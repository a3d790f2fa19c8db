"""A member of a gossiping group: SWIM (Das, Gupta, Motivala, DSN 2002) with the extensions of memberlist 0.5 and
Lifeguard (Dadgar, Phillips, Currey 2018), as Serf and Consul run it.

A pure state machine. The owner tells it the time with each call, brings messages (`receive`) and wakes it when
`due_s` has come (`wake`); it leaves what is to be sent in `outbox` and what it learned in `changes`.

Absent: encryption, compression and metadata; the merging of two nodes with one name; `MaxStates` and queue-depth
limits. A stream's timeout does not hold up the next push-pull.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import floor
from typing import Any

from sim.protocols.swim.agenda import Agenda
from sim.protocols.swim.beliefs import Beliefs
from sim.protocols.swim.broadcasts import Broadcasts
from sim.protocols.swim.config import LAN, Config
from sim.protocols.swim.formulas import push_pull_interval_s
from sim.protocols.swim.messages import (
    RECORD_BYTES,
    SIZES_BYTES,
    Alive,
    Claim,
    Dead,
    Outgoing,
    Packet,
    PushPull,
    PushPullReply,
    Record,
    Suspect,
)
from sim.protocols.swim.prober import Prober
from sim.protocols.swim.roster import Roster
from sim.protocols.swim.suspicion import Awareness


class Member:
    """`uniform` gives the next number of [0, 1). `shared`: the group that it knows at the start (`roster.everyone`),
    itself among them, in the order `names`; the phases of its timers (of probes, gossip, push-pull and reconnection, in
    this order) are then the first numbers that it draws. Without a group it is alone until it has joined (`join`)."""

    beliefs_class: type[Beliefs] = Beliefs

    def __init__(
        self,
        name: str,
        now_s: float,
        uniform: Callable[[], float],
        config: Config = LAN,
        shared: Mapping[str, Record] | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        self.name, self.config = name, config
        self.outbox: list[Outgoing] = []
        self._uniform = uniform
        self._agenda = agenda = Agenda(now_s)
        self.roster = Roster(shared or {}, names or tuple(shared or ()), uniform)
        self.awareness = Awareness(config.awareness_max_multiplier)
        self.broadcasts = Broadcasts(config.retransmit_mult)
        self._beliefs = self.beliefs_class(name, config, self.roster, self.broadcasts, agenda, self.awareness)
        self._prober = Prober(name, config, self.roster, self._beliefs, agenda, self.awareness, self._send)
        known = self.roster.get(name)
        if known is None:
            self._beliefs.announce()
        else:
            self._beliefs.incarnation = known.incarnation
        self._prober.start(now_s + uniform() * config.probe_interval_s)
        self._gossip_phase_s = now_s + uniform() * config.gossip_interval_s
        self._gossip_armed = False
        agenda.at(now_s + uniform() * self._push_pull_interval_s, self._push_pull)
        if config.reconnect_interval_s:
            agenda.at(now_s + uniform() * config.reconnect_interval_s, self._reconnect)
        self._handlers: dict[type, Callable[[str, Any], None]] = {
            **self._prober.handlers(),
            Alive: lambda _, claim: self._beliefs.alive(claim),
            Suspect: lambda _, claim: self._beliefs.suspect(claim),
            Dead: lambda _, claim: self._beliefs.dead(claim),
            PushPull: self._exchange,
            PushPullReply: lambda _, reply: self._beliefs.merge(reply.records),
        }
        self._arm_gossip()

    @property
    def due_s(self) -> float:
        """When it wants to be woken; infinite if never."""
        return self._agenda.due_s

    @property
    def incarnation(self) -> int:
        return self._beliefs.incarnation

    @property
    def changes(self) -> list[Record]:
        """What it learned, of itself too, oldest first; the owner clears it."""
        return self._beliefs.changes

    @property
    def failed(self) -> dict[str, Record]:
        """Those who died and did not come back, forgotten or not (Serf's failed members)."""
        return self._beliefs.failed

    @property
    def has_left(self) -> bool:
        """Whether it leaves and its farewell has been passed on as often as it is due."""
        return self._beliefs.leaving and not self.broadcasts

    def believes(self, name: str) -> Record | None:
        return self.roster.get(name)

    def wake(self, now_s: float) -> None:
        self._agenda.run(now_s)
        self._arm_gossip()

    def receive(self, sender: str, packet: Packet, now_s: float) -> None:
        self._agenda.now_s = now_s
        for message in packet:
            self._handlers[type(message)](sender, message)
        self._arm_gossip()

    def join(self, seeds: Iterable[str], now_s: float) -> None:
        """Exchanges all with each of these; one that answers is enough."""
        self._agenda.now_s = now_s
        for seed in seeds:
            if seed != self.name:
                self._send_records(seed, PushPull(self.roster.records()))

    def leave(self, now_s: float) -> None:
        """Says farewell; then it does not refute its end any more."""
        self._agenda.now_s = now_s
        self._beliefs.leaving = True
        self._beliefs.dead(Dead(self.name, self.incarnation, self.name))
        self._arm_gossip()

    def _send(self, to: str, packet: Packet, gossip: bool = True, reliable: bool = False) -> None:
        """Sends; gossip rides along on a datagram, as far as there is room (SWIM §4.1)."""
        size_bytes = sum([SIZES_BYTES[type(message)] for message in packet])
        if gossip and not reliable and self.broadcasts:
            claims, used = self.broadcasts.take(self.config.udp_buffer_bytes - size_bytes, len(self.roster))
            packet, size_bytes = packet + claims, size_bytes + used
        self.outbox.append(Outgoing(to, packet, size_bytes, reliable))

    def _send_records(self, to: str, message: PushPull | PushPullReply) -> None:
        self.outbox.append(Outgoing(to, (message,), RECORD_BYTES * len(message.records), True))

    def _arm_gossip(self) -> None:
        """Gossip ticks at its phase + k · interval; a tick with nothing to say is not waited for."""
        if self._gossip_armed or not self.broadcasts:
            return
        self._gossip_armed = True
        interval_s, phase_s = self.config.gossip_interval_s, self._gossip_phase_s
        ticks = max(0, floor((self._agenda.now_s - phase_s) / interval_s) + 1)
        if phase_s + ticks * interval_s <= self._agenda.now_s:  # by rounding: the tick that has just been
            ticks += 1
        self._agenda.at(phase_s + ticks * interval_s, self._gossip)

    def _gossip(self) -> None:
        self._gossip_armed = False
        recent_s = self._agenda.now_s - self.config.gossip_to_the_dead_s

        def wanted(record: Record) -> bool:
            if record.name == self.name or record.status == "left":
                return False
            return record.status != "dead" or record.changed_s >= recent_s

        for name in self.roster.pick(self.config.gossip_nodes, wanted):
            claims: tuple[Claim, ...]
            claims, used = self.broadcasts.take(self.config.udp_buffer_bytes, len(self.roster))
            if not claims:
                break
            self.outbox.append(Outgoing(name, claims, used, False))

    @property
    def _push_pull_interval_s(self) -> float:
        return push_pull_interval_s(self.config.push_pull_interval_s, len(self.roster))

    def _push_pull(self) -> None:
        self._agenda.at(self._agenda.now_s + self._push_pull_interval_s, self._push_pull)
        for name in self.roster.pick(1, lambda record: record.status == "alive" and record.name != self.name):
            self._send_records(name, PushPull(self.roster.records()))

    def _exchange(self, sender: str, request: PushPull) -> None:
        self._send_records(sender, PushPullReply(self.roster.records()))
        self._beliefs.merge(request.records)

    def _reconnect(self) -> None:
        """Serf 0.10: with a probability of failed to alive members, joins one of the failed again."""
        self._agenda.at(self._agenda.now_s + self.config.reconnect_interval_s, self._reconnect)
        failed = list(self._beliefs.failed)
        if not failed:
            return
        alive = len(self.roster) - len(self.roster.departed)
        if self._uniform() <= len(failed) / max(1, alive):
            name = failed[int(self._uniform() * len(failed))]
            self._send_records(name, PushPull(self.roster.records()))
