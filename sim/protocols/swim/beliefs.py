"""What a claim about a member changes: the rules for alive, suspect and dead (SWIM §4.2; memberlist's `state.go`, 0.5).

A claim of a lower incarnation than the one believed is old news. At equal incarnations suspect overrides alive, and
dead overrides both; only the member itself raises its incarnation, to refute. So what is dead comes back with a higher
incarnation or not at all, for as long as its death is remembered (`gossip_to_the_dead_s`, and the rest of a pass).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sim.protocols.swim.agenda import Agenda
from sim.protocols.swim.broadcasts import Broadcasts
from sim.protocols.swim.config import Config
from sim.protocols.swim.formulas import suspicion_timeout_s
from sim.protocols.swim.messages import Alive, Dead, Record, Suspect
from sim.protocols.swim.roster import Roster
from sim.protocols.swim.suspicion import Awareness, Suspicion


class Beliefs:
    def __init__(
        self, name: str, config: Config, roster: Roster, broadcasts: Broadcasts, agenda: Agenda, awareness: Awareness
    ) -> None:
        self.name = name
        self.incarnation = 0
        self.leaving = False
        self.changes: list[Record] = []
        """Each change of what it believes, of itself too, in order; for the owner to take."""
        self.failed: dict[str, Record] = {}
        """Dead and not come back, forgotten by memberlist or not: whom Serf tries again."""
        self._config, self._roster, self._broadcasts = config, roster, broadcasts
        self._agenda, self._awareness = agenda, awareness
        self._suspicions: dict[str, Suspicion] = {}

    def announce(self) -> None:
        """Says that this member is there, with its first or next incarnation."""
        self.incarnation += 1
        self._become(Record(self.name, self.incarnation, "alive", self._agenda.now_s))
        self._broadcasts.put(Alive(self.name, self.incarnation))

    def forget(self, names: Collection[str]) -> None:
        """Knows these no longer, as if it had never heard of them."""
        for name in names:
            record = self._roster.get(name)
            assert record is not None and record.status in ("dead", "left"), f"{name} is {record}"
            self.changes.append(record._replace(status="forgotten"))
        self._roster.forget(names)

    def alive(self, claim: Alive) -> None:
        node, incarnation = claim
        if node == self.name:
            if incarnation > self.incarnation and not self.leaving:
                self._refute(incarnation)
            return
        before = self._roster.get(node)
        if incarnation <= (before.incarnation if before is not None else 0):
            return
        self._end_suspicion(node)
        self._broadcasts.put(claim)
        since_s = before.changed_s if before is not None and before.status == "alive" else self._agenda.now_s
        self._become(Record(node, incarnation, "alive", since_s))

    def suspect(self, claim: Suspect) -> None:
        node, incarnation, by = claim
        before = self._roster.get(node)
        if before is None or incarnation < before.incarnation:
            return
        suspicion = self._suspicions.get(node)
        if suspicion is not None:
            if suspicion.confirm(by):
                self._broadcasts.put(claim)
            return
        if before.status != "alive":
            return
        if node == self.name:
            self._refute(incarnation)
            return
        self._broadcasts.put(claim)
        self._become(Record(node, incarnation, "suspect", self._agenda.now_s))
        self._suspicions[node] = self._begin_suspicion(claim)

    def dead(self, claim: Dead) -> None:
        node, incarnation, by = claim
        before = self._roster.get(node)
        if before is None or incarnation < before.incarnation:
            return
        self._end_suspicion(node)
        if before.status in ("dead", "left"):
            return
        if node == self.name and not self.leaving:
            self._refute(incarnation)
            return
        self._broadcasts.put(claim)
        self._become(Record(node, incarnation, "left" if node == by else "dead", self._agenda.now_s))

    def merge(self, records: Iterable[Record]) -> None:
        """What another member believes. Its dead are only suspects here, so that they may refute."""
        get = self._roster.get
        for record in records:
            mine = get(record.name)
            if mine is record or (
                mine is not None and mine.status == record.status == "alive" and mine.incarnation >= record.incarnation
            ):
                continue
            if record.status == "alive":
                self.alive(Alive(record.name, record.incarnation))
            elif record.status == "left":
                self.dead(Dead(record.name, record.incarnation, record.name))
            else:
                self.suspect(Suspect(record.name, record.incarnation, self.name))

    def _become(self, record: Record) -> None:
        self._roster.put(record)
        self.changes.append(record)
        if record.status == "dead":
            self.failed[record.name] = record
        elif record.status != "suspect":
            self.failed.pop(record.name, None)

    def _refute(self, accused: int) -> None:
        self.incarnation = max(self.incarnation, accused) + 1
        self._awareness.add(1)
        self._become(Record(self.name, self.incarnation, "alive", self._agenda.now_s))
        self._broadcasts.put(Alive(self.name, self.incarnation))

    def _begin_suspicion(self, claim: Suspect) -> Suspicion:
        """Two fewer confirmations are wanted than the multiplier, since probes have no phase in common; none where the
        group is too small to give them."""
        config, size = self._config, len(self._roster)
        wanted = config.suspicion_mult - 2
        if size - 2 < wanted:
            wanted = 0
        min_s = suspicion_timeout_s(config.suspicion_mult, size, config.probe_interval_s)

        def expired() -> None:
            record = self._roster.get(claim.node)
            assert record is not None and record.status == "suspect", "its suspicion had been cancelled"
            self.dead(Dead(claim.node, record.incarnation, self.name))

        return Suspicion(self._agenda, claim.by, wanted, min_s, min_s * config.suspicion_max_timeout_mult, expired)

    def _end_suspicion(self, node: str) -> None:
        suspicion = self._suspicions.pop(node, None)
        if suspicion is not None:
            suspicion.cancel()
