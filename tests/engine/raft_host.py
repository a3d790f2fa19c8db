"""A small deterministic host of the Raft machine: constant latencies and flushes, and etcd's loop around `Ready`.

What the kernel's fast path is held against. It shares nothing with it: an event list of its own, messages by name.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.protocols.raft import Config, Raft, Ready, Stored

TICK_S = 0.1


@dataclass
class Host:
    """One process. `life` counts its starts; what belongs to an earlier one is dropped."""

    number: int
    flush_s: float
    stored: Stored = field(default_factory=Stored)
    raft: Raft | None = None
    life: int = 0
    writing: Ready | None = None
    sent: bool = False
    """Have the messages of what it writes left already?"""
    due: bool = False
    ticks_from_s: float = 0.0
    waiting: list[Any] = field(default_factory=list)
    """Writes without a leader to go to."""
    reads: list[Any] = field(default_factory=list)
    round: list[Any] | None = None
    round_number: int = 0
    round_index: int | None = None
    applied: int = 0
    believed: tuple[int, int | None] = (0, None)


class World:
    """Hosts, their network, and what clients asked. `done` has the time at which each request was answered."""

    def __init__(self, flush_s: Sequence[float], latency_s: Mapping[tuple[int, int], float], seed: int) -> None:
        self.now = 0.0
        self.done: dict[Any, float] = {}
        self.beliefs: list[tuple[float, int, int, int | None]] = []
        """(time, member, term, leader or None): each change of what a member believes."""
        self._latency_s = latency_s
        self._events: list[tuple[float, int, int, Callable[[], None]]] = []
        self._count = 0
        self._random = random.Random(seed)
        self.hosts = [Host(number, flush) for number, flush in enumerate(flush_s)]
        self._names = [f"etcd-{host.number}" for host in self.hosts]

    # --- time --------------------------------------------------------------------------------------------------------

    def at(self, time_s: float, act: Callable[[], None], late: int = 0) -> None:
        """`late`: after all else of that time."""
        self._count += 1
        heapq.heappush(self._events, (time_s, late, self._count, act))

    def run(self, until_s: float) -> None:
        while self._events and self._events[0][0] < until_s:
            self.now, _, _, act = heapq.heappop(self._events)
            act()

    # --- processes ---------------------------------------------------------------------------------------------------

    def start(self, number: int) -> None:
        host = self.hosts[number]
        host.life += 1
        config = Config(self._names[number], self._names)
        host.raft = Raft(config, host.stored, self._random.randrange)
        host.writing, host.due, host.round, host.applied = None, False, None, 0
        host.waiting, host.reads = [], []
        host.believed = (host.raft.term, None)
        self._tick_from(host, self.now)

    def crash(self, number: int) -> None:
        self.hosts[number].raft = None
        self.hosts[number].life += 1

    def stand(self, number: int) -> None:
        """Let a member's election timeout pass now."""
        raft = self.hosts[number].raft
        assert raft is not None
        raft.tick(raft.ticks_until_due())
        self._stir(self.hosts[number])

    def _tick_from(self, host: Host, time_s: float, k: int = 1) -> None:
        host.ticks_from_s = time_s
        life = host.life

        def tick() -> None:
            if host.raft is None or host.life != life or host.ticks_from_s != time_s:
                return
            if host.raft.is_leader:  # elections are the script's: followers do not count
                host.raft.tick()
            self._tick_from(host, time_s, k + 1)
            self._stir(host)

        self.at(time_s + k * TICK_S, tick)

    # --- clients -----------------------------------------------------------------------------------------------------

    def put(self, number: int, request: Any) -> None:
        host = self.hosts[number]
        if host.raft is not None and not host.raft.propose((number, host.life, request)):
            host.waiting.append(request)
        self._stir(host)

    def get(self, number: int, request: Any) -> None:
        self.hosts[number].reads.append(request)
        self._stir(self.hosts[number])

    # --- the loop ----------------------------------------------------------------------------------------------------

    def _stir(self, host: Host) -> None:
        if host.raft is None:
            return
        self._note_belief(host)
        if not host.due:
            host.due = True
            life = host.life
            self.at(self.now, lambda: self._turn(host) if host.life == life else None, late=1)

    def _note_belief(self, host: Host) -> None:
        raft = host.raft
        assert raft is not None
        leader = None if raft.leader is None else int(raft.leader.partition("-")[2])
        if (raft.term, leader) == host.believed:
            return
        was = host.believed[1]
        host.believed = (raft.term, leader)
        self.beliefs.append((self.now, host.number, raft.term, leader))
        if leader == host.number:
            self._tick_from(host, self.now)
        if leader not in (None, was):
            if host.round_index is None:
                host.round = None  # etcd: ErrLeaderChanged
            waiting, host.waiting = host.waiting, []
            for request in waiting:
                self.put(host.number, request)

    def _turn(self, host: Host) -> None:
        host.due = False
        while host.raft is not None and host.writing is None:
            self._next_round(host)
            ready = host.raft.ready()
            if ready is None:
                return
            self._answer(host, ready)
            host.writing, host.sent = ready, host.raft.is_leader
            if host.sent:
                self._send(ready.messages)
            if ready.must_persist:
                life = host.life
                self.at(self.now + host.flush_s, lambda life=life: self._flushed(host, life))
                return
            self._finish(host)

    def _flushed(self, host: Host, life: int) -> None:
        if host.raft is None or host.life != life:
            return
        self._finish(host)
        self._stir(host)

    def _finish(self, host: Host) -> None:
        """etcd's followers send all that they have to say after the write, answers before what they ask for (as etcd
        3.5 does, since they were made in that order); a leader what must wait for it."""
        ready, host.writing = host.writing, None
        assert ready is not None and host.raft is not None
        host.stored.save(ready)
        self._send(ready.messages_after_persist if host.sent else (*ready.messages_after_persist, *ready.messages))
        host.raft.advance()

    def _send(self, messages: Sequence[Any]) -> None:
        for message in messages:
            way = int(message.sender.partition("-")[2]), int(message.receiver.partition("-")[2])

            def arrive(message: Any = message, to: int = way[1]) -> None:
                host = self.hosts[to]
                if host.raft is not None:
                    host.raft.step(message)
                    self._stir(host)

            self.at(self.now + self._latency_s[way], arrive)

    def _answer(self, host: Host, ready: Ready) -> None:
        for entry in ready.committed:
            host.applied = entry.index
            if entry.data is not None and entry.data[:2] == (host.number, host.life):
                self.done.setdefault(entry.data[2], self.now)
        for state in ready.read_states:
            if state.context == (host.number, host.life, host.round_number):
                host.round_index = state.index
        if host.round is not None and host.round_index is not None and host.applied >= host.round_index:
            for request in host.round:
                self.done[request] = self.now
            host.round = None

    def _next_round(self, host: Host) -> None:
        if host.round is None and host.reads and host.raft is not None:
            host.round, host.reads = host.reads, []
            host.round_number += 1
            host.round_index = None
            host.raft.read_index((host.number, host.life, host.round_number))
