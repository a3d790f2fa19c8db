"""The event loop of a sentinel: one thing at a time, and nothing while it writes its configuration.

Redis 7.0: `ae.c`, `ae_epoll.c`, `serverCron`, sentinelFlushConfig.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any

from sim.engine.daemons import Daemon
from sim.registries.redis import server

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

CONFIG_WRITES = 2
"""fsyncs of a change of the configuration: of the new file, and again after it has its name."""


class EventLoop(Daemon, ABC):
    """Subclasses have a timer, `tick`, and a configuration that is kept."""

    def __init__(self, cluster: Cluster, host: str, name: str) -> None:
        super().__init__(cluster, host, name)
        self.reset_loop()

    @abstractmethod
    def tick(self) -> None:
        """The timer runs. Plans its next run."""

    @abstractmethod
    def config(self) -> tuple[Any, ...]:
        """What is on the disk after `save`, as `kept["config"]`."""

    @property
    def ms(self) -> int:
        """`mstime()`; an hour at time 0, so that 0 is long ago."""
        return int(1000.0 * (3600.0 + self._at.clock.wall()) + 1e-6)

    def reset_loop(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._outbox: list[Callable[[], object]] = []
        self._writes = 0
        self._is_busy = False
        self._due_s = 0.0
        """When the timer runs, by the monotonic clock."""

    def loop(self, act: Callable[[], None]) -> None:
        """Do something as soon as nothing else is being done; what it sends leaves when it is through."""
        self._waiting.append(act)
        self._turn()

    def post(self, send: Callable[[], object]) -> None:
        self._outbox.append(send)

    def save(self) -> None:
        """sentinelFlushConfig"""
        self._writes += CONFIG_WRITES

    def _turn(self) -> None:
        while self._waiting and not self._is_busy:
            self._is_busy = True
            self._waiting.popleft()()
            self.settle()

    def settle(self) -> None:
        if self._writes:
            self._writes -= 1
            self.flush(server.CONFIG_BYTES, self._saved)
            return
        outbox, self._outbox = self._outbox, []
        for send in outbox:
            send()
        self._is_busy = False
        self._sleep()

    def _sleep(self) -> None:
        """Until the timer is due, in whole milliseconds rounded up, as `ae_epoll.c` waits."""
        left_s = self._due_s - self.clock_s
        if left_s > 0.0:
            self._due_s = self.clock_s + ceil(1000.0 * left_s - 1e-6) / 1000.0

    def plan_tick(self, wait_s: float) -> None:
        self._due_s = self.clock_s + wait_s
        self.after(wait_s, self._ring)

    def _ring(self) -> None:
        if (left_s := self._due_s - self.clock_s) > 1e-9:
            self.after(left_s, self._ring)
        else:
            self.loop(self.tick)

    def _saved(self) -> None:
        self.kept["config"] = self.config()
        self.settle()
        self._turn()
