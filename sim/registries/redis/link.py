"""A sentinel's connection to a server or to another sentinel, and what it knows of it.

Redis 7.0, `sentinel.c`: instanceLink, sentinelReconnectInstance, sentinelSendPing, sentinelPingReplyCallback,
sentinelCheckSubjectivelyDown. All times are in whole milliseconds, as `mstime()` gives them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim.engine.daemons import Answer
from sim.registries.redis.messages import Hold, Info, Ping

if TYPE_CHECKING:
    from sim.registries.redis.sentinel import Sentinel

PING_MS = 1000
MIN_RECONNECT_MS = 15_000
COMMAND_TIMEOUT_S = 15.0
FOREVER_S = 1e8
MOST_PENDING = 100


class Link:
    """Commands and their answers, in the sentinel's event loop."""

    def __init__(self, owner: Sentinel, host: str, name: str) -> None:
        self.owner, self.host, self.to = owner, host, f"{host}/{name}"
        self.is_connected = False
        self.pending = self._generation = 0
        self.act_ping = owner.ms
        """When the ping was sent that is still unanswered; 0: none. It begins before there is a connection."""
        self.last_ping = self.last_pong = self.last_available = owner.ms
        self.last_reconnect = self.connected_at = 0
        self.last_hello = owner.ms

    def reconnect(self) -> None:
        """Dial, at most once a second, and send a ping at once. A refusal comes after the ping was sent, which counts
        from then on."""
        if self.is_connected or self.owner.ms - self.last_reconnect < PING_MS:
            return
        self.last_reconnect = self.connected_at = self.owner.ms
        self.open()
        self.ping()

    def open(self) -> None:
        self.is_connected, self.pending = True, 0
        self._generation += 1
        self._ask(Hold(), lambda _: None, FOREVER_S)

    def close(self) -> None:
        self.is_connected = False
        self._generation += 1

    def command(self, message: Any, then: Callable[[Any], None] = lambda _: None) -> None:
        if self.is_connected and self.pending < MOST_PENDING:
            self.pending += 1
            self._ask(message, then, COMMAND_TIMEOUT_S)

    def ping(self) -> None:
        self.command(Ping(), self._pong)
        self.last_ping = self.owner.ms
        self.act_ping = self.act_ping or self.last_ping

    def ping_if_due(self, down_after_ms: int) -> None:
        now, period = self.owner.ms, min(down_after_ms, PING_MS)
        if now - self.last_pong > period and now - self.last_ping > period // 2:
            self.ping()

    def elapsed_ms(self, down_after_ms: int) -> int:
        """For how long nothing was heard. A connection that seems to be dead is closed, so that it is made anew."""
        now, elapsed = self.owner.ms, 0
        if self.act_ping:
            elapsed = now - self.act_ping
        elif not self.is_connected:
            elapsed = now - self.last_available
        half = down_after_ms // 2
        is_old = self.is_connected and now - self.connected_at > MIN_RECONNECT_MS
        if is_old and self.act_ping and now - self.act_ping > half and now - self.last_pong > half:
            self.close()
        return elapsed

    def _pong(self, _: Any) -> None:
        self.last_available = self.last_pong = self.owner.ms
        self.act_ping = 0

    def _ask(self, message: Any, then: Callable[[Any], None], timeout_s: float) -> None:
        generation = self._generation

        def ended(answer: Answer) -> None:
            self.owner.loop(lambda: self._ended(generation, answer, then))

        self.owner.post(lambda: self.owner.ask(self.to, message, ended, timeout_s))

    def _ended(self, generation: int, answer: Answer, then: Callable[[Any], None]) -> None:
        if generation != self._generation:
            return
        self.pending -= 1
        if answer.outcome == "ok":
            then(answer.message)
        else:
            self.close()


class Watched(Link):
    """A server."""

    def __init__(self, owner: Sentinel, host: str, name: str, is_replica: bool) -> None:
        super().__init__(owner, host, name)
        self.is_replica = is_replica
        self.info = Info(not is_replica, owner.primary, 0)
        self.info_at = 0
        self.role_at = self.primary_at = owner.ms
        """When INFO came last, when it told another role, and another primary."""
        self.is_down = False
        self.down_since = owner.ms
        self.is_promoted = False
        self.reconf: str = ""
        """`sent`, `in progress`, `done`: on its way to the new primary."""
        self.reconf_at = 0


class Peer(Link):
    """Another sentinel."""

    def __init__(self, owner: Sentinel, host: str, name: str) -> None:
        super().__init__(owner, host, name)
        self.says_down = False
        self.replied_at = 0
        self.leader: str | None = None
        self.leader_epoch = 0
