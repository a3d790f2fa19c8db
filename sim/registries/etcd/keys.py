"""What every etcd member makes of the committed log: keys with revisions, under leases; and who hears of changes.

Source: etcd 3.4 and 3.5, `server/mvcc` (3.4: `mvcc`) and `server/etcdserver/apply.go`: each write has one revision for
all that it changes; a key's create revision is that of the write which made it, and goes with it. Compaction is
absent: the history is kept whole.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace

NO_LEASE = ""


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A key as it stands. Revisions count writes of the whole store, `version` those of this key."""

    key: str
    value: str
    lease: str
    create_revision: int
    mod_revision: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class Event:
    """A change that watchers hear of. `before`: what the key was; None where it is new."""

    revision: int
    key: str
    after: KeyValue | None
    before: KeyValue | None


@dataclass(frozen=True, slots=True)
class Grant:
    """Make a lease of `ttl_s`; at least the members' minimum."""

    lease: str
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Revoke:
    """End a lease, and delete its keys. `is_over`: the leader found that its time is over; else its owner asks."""

    lease: str
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Put:
    key: str
    value: str
    lease: str = NO_LEASE


@dataclass(frozen=True, slots=True)
class Create:
    """Put a key if there is none (a transaction on its create revision). Either way the answer is what there is, and
    what was created first under `prefix`."""

    key: str
    value: str
    lease: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    key: str


Command = Grant | Revoke | Put | Create | Delete


@dataclass(frozen=True, slots=True)
class Result:
    """Of a command. `error`: `lease not found`, `lease exists`, or none."""

    revision: int
    error: str = ""
    key_value: KeyValue | None = None
    first: KeyValue | None = None
    """Of `Create`."""
    deleted: int = 0


@dataclass(slots=True)
class Store:
    """The state of one member. The same log gives the same state and the same results everywhere."""

    revision: int = 1
    keys: dict[str, KeyValue] = field(default_factory=dict)
    leases: dict[str, float] = field(default_factory=dict)
    """Times to live as granted, in s."""
    attached: dict[str, set[str]] = field(default_factory=dict)
    history: list[Event] = field(default_factory=list)
    """All events, in order: what a watch that begins in the past is told."""

    def range(self, prefix: str) -> tuple[KeyValue, ...]:
        """All keys that begin so, in order."""
        return tuple(found for key, found in sorted(self.keys.items()) if key.startswith(prefix))

    def since(self, revision: int, prefix: str) -> tuple[Event, ...]:
        """Events from a revision on, of keys that begin so."""
        first = bisect_left(self.history, revision, key=lambda event: event.revision)
        return tuple(event for event in self.history[first:] if event.key.startswith(prefix))

    def copy(self) -> Store:
        """Another of the same state."""
        return Store(
            self.revision,
            dict(self.keys),
            dict(self.leases),
            {lease: set(keys) for lease, keys in self.attached.items()},
            list(self.history),
        )

    def apply(self, command: Command) -> Result:
        """Take in one committed command."""
        match command:
            case Grant():
                return self._grant(command)
            case Revoke():
                return self._revoke(command)
            case Put():
                return self._put(command)
            case Create():
                return self._create(command)
            case Delete():
                return self._delete([command.key])

    def _grant(self, command: Grant) -> Result:
        if command.lease in self.leases:
            return Result(self.revision, "lease exists")
        self.leases[command.lease] = command.ttl_s
        self.attached[command.lease] = set()
        return Result(self.revision)

    def _revoke(self, command: Revoke) -> Result:
        if command.lease not in self.leases:
            return Result(self.revision, "lease not found")
        del self.leases[command.lease]
        return self._delete(sorted(self.attached.pop(command.lease)))

    def _put(self, command: Put) -> Result:
        if command.lease != NO_LEASE and command.lease not in self.leases:
            return Result(self.revision, "lease not found")
        self.revision += 1
        before = self.keys.get(command.key)
        if before is None:
            after = KeyValue(command.key, command.value, command.lease, self.revision, self.revision)
        else:
            self._detach(before)
            after = replace(
                before,
                value=command.value,
                lease=command.lease,
                mod_revision=self.revision,
                version=before.version + 1,
            )
        self.keys[command.key] = after
        if command.lease != NO_LEASE:
            self.attached[command.lease].add(command.key)
        self.history.append(Event(self.revision, command.key, after, before))
        return Result(self.revision, key_value=after)

    def _create(self, command: Create) -> Result:
        found = self.keys.get(command.key)
        if found is None:
            result = self._put(Put(command.key, command.value, command.lease))
            if result.error:
                return result
            found = result.key_value
        first = min(self.range(command.prefix), key=lambda known: known.create_revision)
        return Result(self.revision, key_value=found, first=first)

    def _delete(self, keys: list[str]) -> Result:
        gone = [self.keys.pop(key) for key in keys if key in self.keys]
        if gone:
            self.revision += 1
            for before in gone:
                self._detach(before)
            self.history += [Event(self.revision, before.key, None, before) for before in gone]
        return Result(self.revision, deleted=len(gone))

    def _detach(self, key_value: KeyValue) -> None:
        if key_value.lease in self.attached:
            self.attached[key_value.lease].discard(key_value.key)
