"""How long a crashed leader is missed: the experiment of Ongaro & Ousterhout 2014, section 9.3, figure 16.

Five servers. The leader sends its heartbeats to all at once and crashes after a time uniform in its heartbeat interval,
half of the shortest election timeout; logs are of unequal length, so that some candidates cannot win. Measured: from
the crash to the moment at which another server is leader.

The paper gives the time of a broadcast, about 15 ms, and not its parts. They decide everything: what splits votes is
the time that a *request* takes. Here 2.5 ms each way and a disk whose writes are exponential with mean 4.8 ms: a
broadcast, which section 5.6 defines as one round to all others in parallel, takes 2.5 + 4.8 · (1 + ½ + ⅓ + ¼) + 2.5
= 15 ms on average. A candidate writes its disk while its requests travel; that is safe, for its log is on the disk
already (the machine itself waits, as etcd does).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

import numpy as np

from sim.protocols.raft import Config, Entry, HardState, Message, Raft, Ready, Stored
from sim.protocols.raft.messages import Heartbeat, VoteRequest

TICK_MS = 0.01
ONE_WAY_MS = 2.5
DISK_MS = 4.8
SERVERS = ("s1", "s2", "s3", "s4", "s5")


class AsksAtOnce(Raft):
    def must_wait_for_disk(self, message: Message) -> bool:
        return not isinstance(message, VoteRequest) and super().must_wait_for_disk(message)


class Trial:
    """What the others do after the last heartbeats of s1 have left, at 0."""

    def __init__(self, timeout_ms: tuple[float, float], random: np.random.Generator) -> None:
        self.now_ms = 0.0
        self._random = random
        self._events: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._order = count()
        self._ticked: dict[str, int] = {}
        self._wakes_ms: dict[str, float] = {}
        shortest = round(timeout_ms[0] / TICK_MS)
        spread = max(round((timeout_ms[1] - timeout_ms[0]) / TICK_MS), 1)
        self.members: dict[str, Raft] = {}
        for extra, name in enumerate(SERVERS[1:]):
            log = [Entry(1, index) for index in range(1, 10 + extra)]
            config = Config(name, SERVERS, election_ticks=shortest, election_spread_ticks=spread)
            stored = Stored(HardState(1, "s1"), log)
            self.members[name] = AsksAtOnce(config, stored, lambda n: int(random.integers(n)))
            self._ticked[name] = 0
            self._at(ONE_WAY_MS, self._deliver, Heartbeat("s1", name, 1, 0))

    def run_to_leader(self, limit_ms: float) -> float:
        """The time, in ms, at which there is a leader, or `limit_ms`."""
        while self._events and self._events[0][0] < limit_ms:
            self.now_ms, _, action, arguments = heapq.heappop(self._events)
            action(*arguments)
            if any(member.is_leader for member in self.members.values()):
                return self.now_ms
        return limit_ms

    def _at(self, time_ms: float, action: Callable[..., None], *arguments: object) -> None:
        heapq.heappush(self._events, (time_ms, next(self._order), action, arguments))

    def _deliver(self, message: Message) -> None:
        if message.receiver in self.members:
            self._let_time_pass(message.receiver)
            self.members[message.receiver].step(message)
            self._work(message.receiver)

    def _wake(self, name: str) -> None:
        self._wakes_ms.pop(name, None)
        self._let_time_pass(name)
        self._work(name)

    def _let_time_pass(self, name: str) -> None:
        ticks = round(self.now_ms / TICK_MS)
        self.members[name].tick(ticks - self._ticked[name])
        self._ticked[name] = ticks

    def _work(self, name: str) -> None:
        member = self.members[name]
        while (ready := member.ready()) is not None:
            for message in ready.messages:
                self._at(self.now_ms + ONE_WAY_MS, self._deliver, message)
            if ready.must_persist:
                self._at(self.now_ms + self._random.exponential(DISK_MS), self._persisted, name, ready)
                break
            self._send_rest(name, ready)
        due_ms = (self._ticked[name] + member.ticks_until_due()) * TICK_MS
        if due_ms < self._wakes_ms.get(name, np.inf):
            self._wakes_ms[name] = due_ms
            self._at(due_ms, self._wake, name)

    def _persisted(self, name: str, ready: Ready) -> None:
        self._let_time_pass(name)
        self._send_rest(name, ready)
        self._work(name)

    def _send_rest(self, name: str, ready: Ready) -> None:
        for message in ready.messages_after_persist:
            self._at(self.now_ms + ONE_WAY_MS, self._deliver, message)
        self.members[name].advance()


def downtimes_ms(timeout_ms: tuple[float, float], trials: int, seed: int, limit_ms: float = 10_000.0) -> np.ndarray:
    """From crash to new leader, ms, one a trial; at most `limit_ms`."""
    random = np.random.default_rng(seed)
    crashes_ms = random.uniform(0.0, timeout_ms[0] / 2, trials)
    return np.array([Trial(timeout_ms, random).run_to_leader(limit_ms + crash) - crash for crash in crashes_ms])
