"""Questions for names, as datagrams: asked again when nothing is heard (RFC 1035, section 4.2.1; RFC 7766 keeps UDP
first)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.engine.daemons import Daemon, Timer

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

QUESTION_BYTES = 60.0
RECORD_BYTES = 16.0
"""Of an A record whose name is compressed, beside what the question takes."""


@dataclass(frozen=True, slots=True)
class Records:
    """What is known of a name: `members` None means that nobody could say. `ttl_s` is what is left."""

    members: tuple[str, ...] | None
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Question:
    number: int
    service: str


@dataclass(frozen=True, slots=True)
class Reply:
    number: int
    records: Records


@dataclass(slots=True)
class Lookup:
    """A question on its way, to one server after the other."""

    service: str
    left: list[str]
    try_s: float
    then: Callable[[Records], None]
    timer: Timer | None = None


class Asker(Daemon):
    """Looks names up at others."""

    def __init__(self, cluster: Cluster, host: str, name: str) -> None:
        super().__init__(cluster, host, name)
        self._lookups: dict[int, Lookup] = {}
        self._number = 0

    def started(self) -> None:
        self._lookups = {}

    def look_up(self, service: str, servers: Sequence[str], try_s: float, then: Callable[[Records], None]) -> None:
        """Ask some servers in order, each for `try_s`; `then` gets the first answer, or that there was none."""
        self._number += 1
        self._lookups[self._number] = Lookup(service, list(servers), try_s, then)
        self._try(self._number)

    def _try(self, number: int) -> None:
        lookup = self._lookups.get(number)
        if lookup is None:
            return
        if not lookup.left:
            self._end(number, Records(None, 0.0))
            return
        lookup.timer = self.after(lookup.try_s, self._try, number)
        self.send(lookup.left.pop(0), Question(number, lookup.service), QUESTION_BYTES)

    def received(self, sender: str, message: Any) -> None:
        if not isinstance(message, Reply) or message.number not in self._lookups:
            return
        if message.records.members is not None:
            self._end(message.number, message.records)
            return
        timer = self._lookups[message.number].timer
        assert timer is not None
        timer.cancel()
        self._try(message.number)  # a failure of the server (SERVFAIL): the next, or the same once more

    def _end(self, number: int, records: Records) -> None:
        lookup = self._lookups.pop(number, None)
        if lookup is not None:
            if lookup.timer is not None:
                lookup.timer.cancel()
            lookup.then(records)

    def answer(self, asker: str, question: Question, records: Records) -> None:
        count = len(records.members or ())
        self.send(asker, Reply(question.number, records), QUESTION_BYTES + RECORD_BYTES * count)
