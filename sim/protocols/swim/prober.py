"""One member's probing: a ping, then others asked to ping, then a suspicion (SWIM §3.1; memberlist's `probeNode`, 0.5).

One probe at a time. A tick that comes meanwhile is remembered, once, as Go's ticker does: the next probe follows at
once. Lifeguard: the health score stretches the probe's time, not the first timeout; peers that could not reach the
target either say so, and silence of theirs is taken for one's own fault. With the LAN defaults a peer's no leaves it
0.5 s after the request, which is after the 1 s of an unstretched probe: it counts from the second failure on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.protocols.swim.agenda import Agenda, Entry
from sim.protocols.swim.beliefs import Beliefs
from sim.protocols.swim.config import Config
from sim.protocols.swim.messages import Ack, IndirectPing, Nack, Ping, Record, StreamAck, StreamPing, Suspect
from sim.protocols.swim.roster import Roster
from sim.protocols.swim.suspicion import Awareness


class Probe:
    """The one under way."""

    __slots__ = ("answered_by_stream", "deadline_s", "nacks", "nacks_expected", "sequence", "target", "timer")

    def __init__(self, sequence: int, target: Record, deadline_s: float, timer: Entry) -> None:
        self.sequence, self.target, self.deadline_s, self.timer = sequence, target, deadline_s, timer
        self.nacks = self.nacks_expected = 0
        self.answered_by_stream = False


class Prober:
    def __init__(
        self,
        name: str,
        config: Config,
        roster: Roster,
        beliefs: Beliefs,
        agenda: Agenda,
        awareness: Awareness,
        send: Callable[..., None],
    ) -> None:
        self._name, self._config, self._roster, self._beliefs = name, config, roster, beliefs
        self._agenda, self._awareness, self._send = agenda, awareness, send
        self._probe: Probe | None = None
        self._tick_waits = False
        self._sequence = 0
        self._relayed: dict[int, tuple[str, int, Entry]] = {}
        self._tick_s = 0.0

    def start(self, first_s: float) -> None:
        self._tick_s = first_s
        self._agenda.at(first_s, self._tick)

    def _tick(self) -> None:
        interval_s = self._config.probe_interval_s
        self._tick_s += interval_s
        if self._tick_s <= self._agenda.now_s:  # woken late, by a pause: missed ticks are dropped
            self._tick_s += interval_s * ((self._agenda.now_s - self._tick_s) // interval_s + 1)
        self._agenda.at(self._tick_s, self._tick)
        if self._probe is None:
            self._begin()
        else:
            self._tick_waits = True

    def _begin(self) -> None:
        target = self._choose()
        if target is None:
            return
        now_s = self._agenda.now_s
        self._sequence += 1
        deadline_s = now_s + self._awareness.stretch(self._config.probe_interval_s)
        timer = self._agenda.at(now_s + self._config.probe_timeout_s, self._ask_others)
        self._probe = Probe(self._sequence, target, deadline_s, timer)
        ping = Ping(self._sequence, target.name)
        if target.status == "alive":
            self._send(target.name, (ping,))
        else:  # a suspect learns of it, so that it may refute (Lifeguard's buddy system)
            self._send(target.name, (ping, Suspect(target.name, target.incarnation, self._name)), gossip=False)

    def _choose(self) -> Record | None:
        if self._config.order == "random":
            return self._wanted(self._roster.random_other(self._name))
        for _ in range(len(self._roster) + 1):
            name = self._roster.next_name()
            if name is None:
                self._begin_pass()
                continue
            record = self._wanted(name)
            if record is not None:
                return record
        return None

    def _wanted(self, name: str) -> Record | None:
        record = self._roster.get(name)
        return record if record is not None and name != self._name and record.status in ("alive", "suspect") else None

    def _begin_pass(self) -> None:
        """Those who died or left long enough ago are forgotten between two passes."""
        oldest_s = self._agenda.now_s - self._config.gossip_to_the_dead_s
        gone = [name for name, record in self._roster.departed.items() if record.changed_s < oldest_s]
        if gone:
            self._beliefs.forget(gone)
        self._roster.new_pass()

    def _ask_others(self) -> None:
        probe = self._probe
        assert probe is not None
        others = self._roster.pick(
            self._config.indirect_checks,
            lambda record: record.status == "alive" and record.name not in (self._name, probe.target.name),
        )
        probe.nacks_expected = len(others)
        for other in others:
            self._send(other, (IndirectPing(probe.sequence, probe.target.name),))
        if self._config.stream_fallback:
            self._send(probe.target.name, (StreamPing(probe.sequence),), reliable=True)
        probe.timer = self._agenda.at(probe.deadline_s, self._verdict)

    def _verdict(self) -> None:
        probe = self._probe
        assert probe is not None
        if probe.answered_by_stream:
            self._awareness.add(-1)
        else:
            self._awareness.add(max(0, probe.nacks_expected - probe.nacks) if probe.nacks_expected else 1)
            self._beliefs.suspect(Suspect(probe.target.name, probe.target.incarnation, self._name))
        self._end()

    def _end(self) -> None:
        self._probe = None
        if self._tick_waits:
            self._tick_waits = False
            self._begin()

    def pinged(self, sender: str, ping: Ping) -> None:
        self._send(sender, (Ack(ping.sequence),))

    def asked(self, sender: str, request: IndirectPing) -> None:
        self._sequence += 1
        number = self._sequence

        def too_late() -> None:
            del self._relayed[number]
            self._send(sender, (Nack(request.sequence),))

        timer = self._agenda.at(self._agenda.now_s + self._config.probe_timeout_s, too_late)
        self._relayed[number] = (sender, request.sequence, timer)
        self._send(request.target, (Ping(number, request.target),))

    def acknowledged(self, _: str, ack: Ack) -> None:
        probe = self._probe
        if probe is not None and probe.sequence == ack.sequence:
            self._agenda.cancel(probe.timer)
            self._awareness.add(-1)
            self._end()
            return
        relayed = self._relayed.pop(ack.sequence, None)
        if relayed is not None:
            asker, sequence, timer = relayed
            self._agenda.cancel(timer)
            self._send(asker, (Ack(sequence),))

    def denied(self, _: str, nack: Nack) -> None:
        if self._probe is not None and self._probe.sequence == nack.sequence:
            self._probe.nacks += 1

    def pinged_by_stream(self, sender: str, ping: StreamPing) -> None:
        self._send(sender, (StreamAck(ping.sequence),), reliable=True)

    def acknowledged_by_stream(self, _: str, ack: StreamAck) -> None:
        if self._probe is not None and self._probe.sequence == ack.sequence:
            self._probe.answered_by_stream = True

    def handlers(self) -> dict[type, Callable[[str, Any], None]]:
        return {
            Ping: self.pinged,
            IndirectPing: self.asked,
            Ack: self.acknowledged,
            Nack: self.denied,
            StreamPing: self.pinged_by_stream,
            StreamAck: self.acknowledged_by_stream,
        }
