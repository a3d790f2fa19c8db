"""A Redis server: keys that expire, and replicas that follow without anybody waiting for them.

Redis 7.0: `replication.c` (replicationCron, shiftReplicationId), `expire.c`. What is in memory is gone after a crash:
there is no persistence. A replica that lost its primary tries again every second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim.engine.daemons import Answer, Daemon
from sim.registries.redis.messages import (
    AskInfo,
    Delete,
    Entry,
    Get,
    Hold,
    Info,
    Ledger,
    Put,
    Scan,
    SlaveOf,
    Snapshot,
    Sync,
    Value,
    Write,
)

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

NAME = "redis"
REPLICATION_CRON_S = 1.0
EXPIRE_CYCLE_S = 0.1
"""`hz 10`: how often a primary looks for keys that are over by the wall clock. Departs from it as long as that clock
does not jump: then a key is removed when its time is over."""
REPLICATION_TIMEOUT_S = 60.0
CONFIG_BYTES = 2000.0


class Server(Daemon):
    """One server. Clients are answered at once, before any replica has heard of a write."""

    def __init__(self, cluster: Cluster, host: str, primary: str, component: str, ledger: Ledger) -> None:
        super().__init__(cluster, host, NAME)
        self.component, self.ledger = component, ledger
        self.kept["primary"] = primary
        self.data: dict[str, Entry] = {}
        self.primary: str | None = None
        """Whom it follows; None: nobody."""
        self.branch, self.offset = f"{primary}-0", 0
        self.told: Callable[[str, str], None] = lambda event, key: None
        """Told by a primary of each key that is new, deleted or over: `registered`, `deregistered`, `expired`."""
        self._lives = 0
        self._replicas: set[str] = set()
        self._is_linked, self._heard_s, self._behind_s = True, 0.0, 0.0
        self._at.clock.on_jump.append(self._clock_jumped)

    @property
    def is_primary(self) -> bool:
        return self.primary is None

    def started(self) -> None:
        primary, first = self.kept["primary"], self._lives == 0
        self._lives += 1
        self.primary = None if primary == self.host else primary
        self._replicas, self._heard_s, self._behind_s = set(), self.clock_s, 0.0
        self._is_linked = first
        if not first:
            self.data, self.branch, self.offset = {}, f"{self.host}-{self._lives}", 0
            if self.is_primary:
                self.cluster.record(self.component, "writable", self.host)
        else:
            for key, entry in self.data.items():
                self._expire_later(key, entry)
        self._follow()

    def begin(self, data: dict[str, Entry], replicas: set[str]) -> None:
        """What it has at time 0."""
        self.data = dict(data)
        self._first_replicas = replicas

    def crashed(self) -> None:
        if self.is_primary:
            self.cluster.record(self.component, "unwritable", self.host)

    def received(self, sender: str, message: Any) -> None:
        if self.primary != sender.partition("/")[0] or not self._is_linked:
            return
        if message.branch != self.branch or message.offset != self.offset + 1:
            self._is_linked = False
            self._connect()
            return
        self.offset = message.offset
        self._apply(message.key, message.entry)

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        match message:
            case Hold():
                return
            case AskInfo():
                down_ms = 0 if self._is_linked else max(1, int(1000 * (self.clock_s - self._heard_s)))
                reply(Info(self.is_primary, self.primary or self.host, self.offset, 0 if self.is_primary else down_ms))
            case SlaveOf(primary):
                self._slave_of(primary, lambda: reply(True))
            case Sync():
                reply(self._sync(sender, message))
            case Put() | Delete() | Get() | Scan():
                reply(self.execute(message))
            case _:
                reply(True)

    # Commands

    def execute(self, command: Put | Delete | Get | Scan) -> Value:
        match command:
            case Get(key):
                entry = self._live(key)
                return Value(value=None if entry is None else entry.value)
            case Scan(prefix):
                return Value(keys=tuple(k for k in self.data if k.startswith(prefix) and self._live(k) is not None))
        if not self.is_primary:
            return Value(done=False, read_only=True)
        if (found := self.data.get(command.key)) is not None and self._live(command.key) is None:
            self._expire(command.key, found)
        entry = self._live(command.key)
        match command:
            case Put(key, value, ttl_s, absent):
                if absent and entry is not None:
                    return Value(done=False)
                self._write(key, Entry(value, None if ttl_s is None else self._at.clock.wall() + ttl_s))
                if entry is None:
                    self.told("registered", key)
            case Delete(key, only):
                if entry is None or only not in (None, entry.value):
                    return Value(done=False)
                self._write(key, None)
                self.told("deregistered", key)
        self.ledger.acknowledged[self.branch] = self.offset
        return Value()

    def _live(self, key: str) -> Entry | None:
        """What a key has, if it is not over by this server's clock: replicas tell by themselves, too."""
        entry = self.data.get(key)
        is_over = entry is not None and entry.expires_s is not None and entry.expires_s <= self._at.clock.wall()
        return None if is_over else entry

    def _write(self, key: str, entry: Entry | None) -> None:
        self.offset += 1
        self._apply(key, entry)
        for replica in sorted(self._replicas):
            self.tell(replica, Write(self.branch, self.offset, key, entry))

    def _apply(self, key: str, entry: Entry | None) -> None:
        if entry is None:
            self.data.pop(key, None)
            return
        self.data[key] = entry
        self._expire_later(key, entry)

    def _expire_later(self, key: str, entry: Entry) -> None:
        if entry.expires_s is not None:
            self.after(entry.expires_s - self._at.clock.wall(), self._expire, key, entry)

    def _expire(self, key: str, entry: Entry) -> None:
        """Only a primary removes keys, and tells its replicas."""
        if self.data.get(key) is not entry or not self.is_primary:
            return
        assert entry.expires_s is not None
        left_s = entry.expires_s - self._at.clock.wall()
        if left_s > 1e-9:
            self.after(left_s, self._expire, key, entry)
            return
        self.told("expired", key)
        self._write(key, None)

    def _clock_jumped(self) -> None:
        if self.is_up:
            self.after(EXPIRE_CYCLE_S * self.uniform(), self._look_at_all)

    def _look_at_all(self) -> None:
        for key, entry in list(self.data.items()):
            if entry.expires_s is not None:
                self._expire(key, entry)

    # Replication

    def _slave_of(self, primary: str | None, then: Callable[[], None]) -> None:
        """Change the role at once, and keep it (CONFIG REWRITE) before the answer."""
        was_primary = self.is_primary
        self.primary = None if primary == self.host else primary
        if self.is_primary and not was_primary:
            self._promote()
        elif not self.is_primary:
            if was_primary:
                self._demote()
            self._is_linked = False
            self._connect()

        def kept() -> None:
            self.kept["primary"] = self.primary or self.host
            if self.is_primary and not was_primary:
                self.cluster.record(self.component, "promoted", self.host)
                self.cluster.record(self.component, "writable", self.host)
            then()

        self.flush(CONFIG_BYTES, kept)

    def _promote(self) -> None:
        """Its history goes on under a new name; what the old primary had acknowledged beyond it is lost."""
        self._count_lost(self.branch, self.offset)
        self.branch = f"{self.host}-{self._lives}-{self.offset}"
        self._replicas = set()
        for key, entry in list(self.data.items()):
            self._expire_later(key, entry)

    def _demote(self) -> None:
        """A primary that comes back behind another loses what it took meanwhile."""
        self.cluster.record(self.component, "unwritable", self.host, "follows another")
        self._count_lost(self.branch, self.ledger.counted.get(self.branch, self.offset))

    def _count_lost(self, branch: str, offset: int) -> None:
        if lost := self.ledger.lost_beyond(branch, offset):
            self.cluster.record(self.component, "lost_writes", self.host, str(lost))

    def _follow(self) -> None:
        """Once a second a replica says how far it is, and hears whether that is where it should be."""
        phase = self.uniform() if self._lives == 1 else 1.0
        if self._lives == 1 and self.is_primary:
            self._replicas = set(self._first_replicas)
        if self._lives > 1 and not self.is_primary:
            self._connect()
        self.every(REPLICATION_CRON_S, self._connect, REPLICATION_CRON_S * phase)

    def _connect(self) -> None:
        if self.primary is None:
            return
        asked = self.primary

        def ended(answer: Answer) -> None:
            if self.primary != asked:
                return
            if answer.outcome != "ok" or answer.message is None:
                self._is_linked = False
                return
            self._heard_s = self.clock_s
            self._take(answer.message)

        sync = Sync(self.branch if self._is_linked else "", self.offset)
        self.ask(f"{asked}/{NAME}", sync, ended, REPLICATION_TIMEOUT_S)

    def _take(self, snapshot: Snapshot) -> None:
        if snapshot.data is None:
            self._is_linked = True
            return
        self.data, self.branch, self.offset = dict(snapshot.data), snapshot.branch, snapshot.offset
        self._is_linked = True

    def _sync(self, sender: str, sync: Sync) -> Snapshot | None:
        """None: no primary. A replica that is of another history, or unknown, gets all of it."""
        if not self.is_primary:
            return None
        if sync.branch == self.branch and sender in self._replicas:
            return Snapshot(self.branch, self.offset)
        self._replicas.add(sender)
        return Snapshot(self.branch, self.offset, dict(self.data))
