"""Sentinel: who finds that the primary is down, agrees with the others, and makes a replica the primary.

Redis 7.0, `sentinel.c`, function by function, whose names stand at ours. Its timer runs 10 to 19 times a second, at
random anew each time (`server.hz`), so that sentinels do not stay in step; every stage of a failover waits for the next
run.

Departures: sentinels know each other and all servers from the start and tell each other their beliefs directly, not
through the servers' channels as well; scripts, SENTINEL FAILOVER and priorities are absent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sim.registries.redis import server
from sim.registries.redis.event_loop import EventLoop
from sim.registries.redis.link import PING_MS, Peer, Watched
from sim.registries.redis.messages import AskInfo, AskPrimary, Hello, Hold, Info, IsDown, Opinion, SlaveOf
from sim.registries.redis.settings import SentinelSettings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

NAME = "sentinel"
DEFAULT_HZ = 10
ASK_MS, PUBLISH_MS, INFO_MS, INFO_SOON_MS = 1000, 2000, 10_000, 1000
MAX_DESYNC_MS = 1000
ELECTION_TIMEOUT_MS = 10_000
TILT_TRIGGER_MS, TILT_MS = 2000, 30_000
RECONF_TIMEOUT_MS = 10_000
State = Literal["none", "wait_start", "select", "send", "wait_promotion", "reconf", "update"]


class Sentinel(EventLoop):
    """One sentinel, which watches one primary and its replicas."""

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        settings: SentinelSettings,
        servers: Sequence[str],
        sentinels: Sequence[str],
        component: str,
    ) -> None:
        super().__init__(cluster, host, NAME)
        self.settings, self.component = settings, component
        self._servers, self._others = tuple(servers), [other for other in sentinels if other != host]
        self.kept["config"] = (servers[0], 0, 0, None, 0)
        self.primary = servers[0]
        self._is_first_life = True

    # Life

    def started(self) -> None:
        first, self._is_first_life = self._is_first_life, False
        self.reset_loop()
        self.primary, self.epoch, self.config_epoch, self.leader, self.leader_epoch = self.kept["config"]
        self.peers = {other: Peer(self, other, NAME) for other in self._others}
        self._tilt_at: int | None = None
        self._ticked = self.ms
        self._watch(self.primary)
        if first:
            for link in [*self.peers.values(), *self.watched.values()]:
                link.last_pong = link.last_available = link.last_ping = self.ms - int(PING_MS * self.uniform())
                link.last_hello -= int(PUBLISH_MS * self.uniform())
                link.act_ping = 0
                link.open()
            for one in self.watched.values():
                one.info_at = self.ms - int(INFO_MS * self.uniform())
            self.settle()
        self.plan_tick(self.uniform() / DEFAULT_HZ if first else 0.0)

    def _watch(self, primary: str) -> None:
        """sentinelResetMasterAndChangeAddress"""
        self.primary = primary
        self.watched = {host: Watched(self, host, server.NAME, host != primary) for host in self._servers}
        self.is_objectively_down = False
        self.state: State = "none"
        self.state_at = self.ms
        self.failover_epoch = 0
        self.promoted: Watched | None = None
        self.failover_start = 0

    @property
    def master(self) -> Watched:
        return self.watched[self.primary]

    @property
    def current_primary(self) -> str:
        """sentinelGetCurrentMasterAddress: the promoted one as soon as it says so itself."""
        return self.promoted.host if self.promoted is not None and self.state in ("reconf", "update") else self.primary

    def config(self) -> tuple[Any, ...]:
        return self.current_primary, self.epoch, self.config_epoch, self.leader, self.leader_epoch

    @property
    def replicas(self) -> list[Watched]:
        return [one for one in self.watched.values() if one is not self.master]

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        if not isinstance(message, Hold):
            self.loop(lambda: self._answer(message, reply))

    def received(self, sender: str, message: Any) -> None:
        self.loop(lambda: self._hear_hello(message))

    def _answer(self, message: Any, reply: Callable[[Any], None]) -> None:
        match message:
            case IsDown():
                opinion = self._opinion(message)
                self.post(lambda: reply(opinion))
            case AskPrimary():
                self.post(lambda: reply(self.current_primary))
            case _:
                self.post(lambda: reply(True))

    def _event(self, event: str, detail: str = "") -> None:
        self.cluster.record(self.component, event, self.host, detail)

    # sentinelTimer

    def tick(self) -> None:
        elapsed, self._ticked = self.ms - self._ticked, self.ms
        if not 0 <= elapsed <= TILT_TRIGGER_MS:
            self._tilt_at = self.ms
            self._event("tilt")
        if self._tilt_at is not None and self.ms - self._tilt_at >= TILT_MS:
            self._tilt_at = None
        self._handle_primary()
        for replica in self.replicas:
            self._handle(replica)
        for peer in self.peers.values():
            self._handle_peer(peer)
        if self.state == "update":
            self._switch(self.promoted.host if self.promoted else self.primary)
        hz = DEFAULT_HZ + int(self.uniform() * DEFAULT_HZ)
        self.post(lambda: self.plan_tick((1000 // hz) / 1000.0))

    def _handle_primary(self) -> None:
        self._handle(self.master)
        if self._tilt_at is not None:
            return
        self._check_objectively_down()
        if self._start_failover_if_needed():
            self._ask_others(forced=True)
        {
            "wait_start": self._wait_start,
            "select": self._select,
            "send": self._send_slave_of_no_one,
            "wait_promotion": self._wait_promotion,
            "reconf": self._reconf_next,
        }.get(self.state, lambda: None)()
        self._ask_others(forced=False)

    def _handle(self, one: Watched) -> None:
        one.reconnect()
        self._send_periodic(one)
        if self._tilt_at is None:
            self._check_subjectively_down(one)

    def _handle_peer(self, peer: Peer) -> None:
        peer.reconnect()
        if peer.is_connected:
            peer.ping_if_due(self.settings.down_after_ms)
            self._hello_if_due(peer)
        peer.elapsed_ms(self.settings.down_after_ms)

    def _send_periodic(self, one: Watched) -> None:
        """sentinelSendPeriodicCommands"""
        if not one.is_connected:
            return
        is_close = one.is_replica and (self.is_objectively_down or self.state != "none" or one.info.link_down_ms != 0)
        if self.ms - one.info_at > (INFO_SOON_MS if is_close else INFO_MS):
            one.command(AskInfo(), lambda info: self._refresh(one, info))
        one.ping_if_due(self.settings.down_after_ms)

    def _hello_if_due(self, peer: Peer) -> None:
        if self.ms - peer.last_hello > PUBLISH_MS:
            peer.last_hello = self.ms
            hello = Hello(self.epoch, self.current_primary, self.config_epoch)
            self.post(lambda: self.tell(peer.to, hello))

    # Down?

    def _check_subjectively_down(self, one: Watched) -> None:
        elapsed = one.elapsed_ms(self.settings.down_after_ms)
        strayed = one is self.master and not one.info.is_primary
        too_long = self.settings.down_after_ms + 2 * INFO_MS
        is_down = elapsed > self.settings.down_after_ms or (strayed and self.ms - one.role_at > too_long)
        if is_down and not one.is_down:
            one.down_since = self.ms
            if one is self.master:
                self._event("subjectively_down", one.host)
        one.is_down = is_down

    def _check_objectively_down(self) -> None:
        agreeing = 1 + sum(peer.says_down for peer in self.peers.values())
        is_down = self.master.is_down and agreeing >= self.settings.quorum
        if is_down and not self.is_objectively_down:
            self._event("objectively_down", self.primary)
        self.is_objectively_down = is_down

    def _ask_others(self, *, forced: bool) -> None:
        """sentinelAskMasterStateToOtherSentinels"""
        for peer in self.peers.values():
            if self.ms - peer.replied_at > 5 * ASK_MS:
                peer.says_down, peer.leader = False, None
            if not self.master.is_down or not peer.is_connected:
                continue
            if forced or self.ms - peer.replied_at >= ASK_MS:
                candidate = self.host if self.state != "none" else None
                ask = IsDown(self.primary, self.epoch, candidate)
                peer.command(ask, lambda opinion, peer=peer: self._hear_opinion(peer, opinion))  # type: ignore[misc]

    def _hear_opinion(self, peer: Peer, opinion: Opinion) -> None:
        peer.replied_at = self.ms
        peer.says_down = opinion.is_down
        if opinion.leader is not None:
            peer.leader, peer.leader_epoch = opinion.leader, opinion.leader_epoch

    def _opinion(self, ask: IsDown) -> Opinion:
        """SENTINEL IS-MASTER-DOWN-BY-ADDR"""
        is_down = self._tilt_at is None and ask.primary == self.primary and self.master.is_down
        if ask.primary != self.primary or ask.candidate is None:
            return Opinion(is_down)
        return Opinion(is_down, *self._vote(ask.epoch, ask.candidate))

    # Who leads?

    def _vote(self, epoch: int, candidate: str) -> tuple[str | None, int]:
        """sentinelVoteLeader: once an epoch, for whoever asks first."""
        if epoch > self.epoch:
            self.epoch = epoch
            self.save()
        if self.leader_epoch < epoch and self.epoch <= epoch:
            self.leader, self.leader_epoch = candidate, self.epoch
            self.save()
            if candidate != self.host:
                self.failover_start = self.ms + int(self.uniform() * MAX_DESYNC_MS)
        return self.leader, self.leader_epoch

    def _leader(self) -> str | None:
        """sentinelGetLeader: who has a majority of all sentinels, and the quorum."""
        votes = Counter(
            peer.leader for peer in self.peers.values() if peer.leader is not None and peer.leader_epoch == self.epoch
        )
        favourite = votes.most_common(1)[0][0] if votes else self.host
        mine, epoch = self._vote(self.failover_epoch, favourite)
        if mine is not None and epoch == self.failover_epoch:
            votes[mine] += 1
        if not votes:
            return None
        [(winner, most)] = votes.most_common(1)
        voters = len(self.peers) + 1
        return winner if most >= voters // 2 + 1 and most >= self.settings.quorum else None

    def _start_failover_if_needed(self) -> bool:
        if not self.is_objectively_down or self.state != "none":
            return False
        if self.ms - self.failover_start < 2 * self.settings.failover_timeout_ms:
            return False
        self._enter("wait_start")
        self.epoch += 1
        self.failover_epoch = self.epoch
        self.failover_start = self.ms + int(self.uniform() * MAX_DESYNC_MS)
        return True

    def _enter(self, state: State) -> None:
        self.state, self.state_at = state, self.ms

    def _abort(self, why: str) -> None:
        self._event("aborted", why)
        self._enter("none")
        if self.promoted is not None:
            self.promoted.is_promoted = False
            self.promoted = None

    def _wait_start(self) -> None:
        if self._leader() == self.host:
            self._event("elected", f"epoch {self.failover_epoch}")
            self._enter("select")
        elif self.ms - self.failover_start > min(ELECTION_TIMEOUT_MS, self.settings.failover_timeout_ms):
            self._abort("not elected")

    # Whom to promote

    def _select(self) -> None:
        """sentinelSelectSlave: who has the most of the primary's history."""
        most_down = 10 * self.settings.down_after_ms
        most_down += self.ms - self.master.down_since if self.master.is_down else 0
        info_age = 5 * PING_MS if self.master.is_down else 3 * INFO_MS
        able = [
            one
            for one in self.replicas
            if one.is_connected
            and not one.is_down
            and self.ms - one.last_available <= 5 * PING_MS
            and self.ms - one.info_at <= info_age
            and one.info.link_down_ms <= most_down
        ]
        if not able:
            self._abort("no good replica")
            return
        self.promoted = min(able, key=lambda one: (-one.info.offset, one.host))
        self.promoted.is_promoted = True
        self._enter("send")

    def _send_slave_of_no_one(self) -> None:
        assert self.promoted is not None
        if self.promoted.is_connected:
            self.promoted.command(SlaveOf(None))
            self._enter("wait_promotion")
        elif self.ms - self.state_at > self.settings.failover_timeout_ms:
            self._abort("replica timeout")

    def _wait_promotion(self) -> None:
        if self.ms - self.state_at > self.settings.failover_timeout_ms:
            self._abort("replica timeout")

    def _refresh(self, one: Watched, info: Info) -> None:
        """sentinelRefreshInstanceInfo"""
        before, one.info, one.info_at = one.info, info, self.ms
        if info.is_primary != before.is_primary:
            one.role_at = self.ms
        if info.primary != before.primary or (before.is_primary and not info.is_primary):
            one.primary_at = self.ms
        if self._tilt_at is not None or not one.is_replica:
            return
        if info.is_primary:
            self._refresh_promoted(one)
            return
        self._fix_primary(one)
        if one.reconf == "sent" and self.promoted is not None and info.primary == self.promoted.host:
            one.reconf = "in progress"
        if one.reconf == "in progress" and info.link_down_ms == 0:
            one.reconf = "done"

    def _refresh_promoted(self, one: Watched) -> None:
        """A replica says that it is a primary: as it was told to, or it has to be told better."""
        if one.is_promoted and self.state == "wait_promotion":
            self.config_epoch = self.failover_epoch
            self._enter("reconf")
            self.save()
            for peer in self.peers.values():
                peer.last_hello = 0
        elif not one.is_promoted and self._is_sane() and self.ms - one.role_at > 4 * PUBLISH_MS and not one.is_down:
            one.command(SlaveOf(self.primary))

    def _fix_primary(self, one: Watched) -> None:
        wait = self.settings.failover_timeout_ms
        if one.info.primary != self.primary and self._is_sane() and self.ms - one.primary_at > wait and not one.is_down:
            one.command(SlaveOf(self.primary))

    def _is_sane(self) -> bool:
        """sentinelMasterLooksSane"""
        master = self.master
        is_up = not master.is_down and not self.is_objectively_down
        return master.info.is_primary and is_up and self.ms - master.info_at < 2 * INFO_MS

    # The rest follow

    def _reconf_next(self) -> None:
        """sentinelFailoverReconfNextSlave, sentinelFailoverDetectEnd"""
        assert self.promoted is not None
        others = [one for one in self.replicas if not one.is_promoted]
        busy = sum(one.reconf in ("sent", "in progress") for one in others)
        for one in others:
            if one.reconf == "sent" and self.ms - one.reconf_at > RECONF_TIMEOUT_MS:
                one.reconf = "done"
            if busy < self.settings.parallel_syncs and not one.reconf and one.is_connected:
                one.command(SlaveOf(self.promoted.host))
                one.reconf, one.reconf_at = "sent", self.ms
                busy += 1
        if self.promoted.is_down:
            return
        missing = [one for one in others if one.reconf != "done" and not one.is_down]
        if self.ms - self.state_at > self.settings.failover_timeout_ms:
            for one in missing:
                if not one.reconf:
                    one.command(SlaveOf(self.promoted.host))
            missing = []
        if not missing:
            self._enter("update")

    def _switch(self, primary: str) -> None:
        """+switch-master"""
        self._event("switched", primary)
        self._watch(primary)
        self.save()

    def _hear_hello(self, hello: Hello) -> None:
        if hello.epoch > self.epoch:
            self.epoch = hello.epoch
            self.save()
        if hello.config_epoch > self.config_epoch:
            self.config_epoch = hello.config_epoch
            if hello.primary != self.primary:
                self._switch(hello.primary)
