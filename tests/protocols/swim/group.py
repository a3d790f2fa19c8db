"""A group of members over a network of one latency: the obvious one, for tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from math import inf
from typing import Any

import numpy as np

from sim.protocols.swim import LAN, Config, Member, Outgoing, Record, everyone


def numbers(seed: int) -> Callable[[], float]:
    """Uniform numbers, in blocks."""
    generator = np.random.default_rng(seed)

    def blocks() -> Iterator[float]:
        while True:
            yield from generator.random(256).tolist()

    return blocks().__next__


def after_zeros(count: int, uniform: Callable[[], float]) -> Callable[[], float]:
    """The same, but the first numbers are 0: timers that start in step."""
    left = [count]

    def draw() -> float:
        if left[0] > 0:
            left[0] -= 1
            return 0.0
        return uniform()

    return draw


class Group:
    """`heard(sender, receiver)`: whether a message gets through now. `loss` strikes datagrams only."""

    def __init__(
        self,
        size: int,
        config: Config = LAN,
        seed: int = 1,
        latency_s: float = 0.0005,
        loss: float = 0.0,
        in_step: bool = False,
        member: type[Member] = Member,
    ) -> None:
        self.now_s = 0.0
        self.latency_s, self.loss, self.seed, self.config, self.member_class = latency_s, loss, seed, config, member
        self.names = tuple(f"m{number}" for number in range(size))
        self.heard: Callable[[str, str], bool] = lambda sender, receiver: True
        self.sent: Counter[str] = Counter()
        self.sent_bytes = 0
        self.log: list[tuple[float, str, Record]] = []
        self._random = numbers(seed + 10**6)
        self._queue: list[tuple[float, int, str, Any]] = []
        self._count = 0
        self._woken_s: dict[str, float] = {}
        shared = everyone(self.names)
        self.members: dict[str, Member] = {}
        for number, name in enumerate(self.names):
            uniform = numbers(seed * 100_003 + number)
            if in_step:
                uniform = after_zeros(2, uniform)
            self.members[name] = member(name, 0.0, uniform, config, shared, self.names)
            self.carry(name)

    def crash(self, name: str) -> None:
        del self.members[name]
        self._woken_s.pop(name, None)

    def start(self, name: str, seeds: tuple[str, ...], seed: int = 77) -> Member:
        member = self.members[name] = self.member_class(name, self.now_s, numbers(seed), self.config)
        member.join(seeds, self.now_s)
        self.carry(name)
        return member

    def run(self, until_s: float) -> None:
        queue, members = self._queue, self.members
        while queue and queue[0][0] <= until_s:
            self.now_s, _, name, event = heappop(queue)
            member = members.get(name)
            if member is None:
                continue
            if event is None:
                if self._woken_s.get(name) != self.now_s:
                    continue
                self._woken_s.pop(name)
                member.wake(self.now_s)
            else:
                sender, packet = event
                member.receive(sender, packet, self.now_s)
            self.carry(name)
        self.now_s = until_s

    def carry(self, name: str) -> None:
        """Sends what `name` has to send, and notes when it wants to be woken."""
        member = self.members[name]
        if member.outbox:
            for outgoing in member.outbox:
                self._send(name, outgoing)
            member.outbox.clear()
        if member.changes:
            self.log += [(self.now_s, name, record) for record in member.changes]
            member.changes.clear()
        due_s = member.due_s
        if due_s < self._woken_s.get(name, inf):
            self._woken_s[name] = due_s
            self._push(due_s, name, None)

    def _send(self, sender: str, outgoing: Outgoing) -> None:
        self.sent[sender] += 1
        self.sent_bytes += outgoing.size_bytes
        if not self.heard(sender, outgoing.to):
            return
        if self.loss and not outgoing.reliable and self._random() < self.loss:
            return
        self._push(self.now_s + self.latency_s, outgoing.to, (sender, outgoing.packet))

    def _push(self, at_s: float, name: str, event: Any) -> None:
        self._count += 1
        heappush(self._queue, (at_s, self._count, name, event))

    def times(self, name: str, status: str) -> list[float]:
        """When each member that came to believe this of `name` first did."""
        first: dict[str, float] = {}
        for at_s, believer, record in self.log:
            if record.name == name and record.status == status:
                first.setdefault(believer, at_s)
        return sorted(first.values())
