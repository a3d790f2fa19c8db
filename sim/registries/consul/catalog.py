"""The catalog that Consul's servers replicate: nodes, instances with their checks, sessions and locks (Consul 1.17,
`agent/consul/state`). Pure: commands in the order of the log; each change of a service has the index of its entry."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Literal, NamedTuple

Status = Literal["passing", "critical"]


class Entry(NamedTuple):
    instance: str
    service: str
    node: str
    status: Status


class Register(NamedTuple):
    """An agent's instance, new or with another status."""

    entry: Entry


class Deregister(NamedTuple):
    node: str
    instance: str


class NodeHealth(NamedTuple):
    """The check `serfHealth` of a node; None: the node has left, with all that is on it."""

    node: str
    status: Status | None


class CreateSession(NamedTuple):
    session: str
    node: str
    ttl_s: float
    lock_delay_s: float


class DestroySession(NamedTuple):
    session: str


class Acquire(NamedTuple):
    key: str
    session: str


class Release(NamedTuple):
    key: str
    session: str


class Nothing(NamedTuple):
    """An entry of a new leader's term."""


Command = Register | Deregister | NodeHealth | CreateSession | DestroySession | Acquire | Release | Nothing


class Key(NamedTuple):
    holder: str | None
    lock_index: int
    """Counts acquisitions: the fencing token that Consul's documentation asks clients to send along."""
    changed: int = 0
    """The index of its last change."""


class Freed(NamedTuple):
    """A lock whose holder has it no longer; `ended`: since its session was."""

    key: str
    session: str
    lock_index: int
    ended: bool


class Catalog:
    """`now_s` at a session's end starts a lock-delay, on the clock of the server that applies it; the leader looks at
    its own before it proposes an Acquire (`kvs_endpoint.go`), so that replicas do not differ."""

    def __init__(self) -> None:
        self.index = 0
        self.nodes: dict[str, Status] = {}
        self.entries: dict[str, Entry] = {}
        self.sessions: dict[str, CreateSession] = {}
        self.keys: dict[str, Key] = {}
        self.freed: list[Freed] = []
        """By the last command."""
        self._delayed_s: dict[str, float] = {}
        self._changed: dict[str, int] = {}

    def apply(self, index: int, command: Command, now_s: float) -> Any:
        """Returns what the command gives: of Acquire the lock index or None, of others whether it changed anything."""
        self.index, self.freed = index, []
        match command:
            case Register(entry):
                return self._put(entry)
            case Deregister(_, instance):
                return self._drop(instance)
            case NodeHealth(node, status):
                return self._set_health(node, status, now_s)
            case CreateSession(session=session, node=node):
                if self.nodes.get(node) == "critical":
                    return False
                self.sessions[session] = command
                return True
            case DestroySession(session):
                return self._destroy(session, now_s)
            case Acquire(key, session):
                return self._acquire(key, session)
            case Release(key, session):
                return self._release(key, session)
            case Nothing():
                return False

    def healthy(self, service: str) -> tuple[str, ...]:
        """Instances that pass, on nodes that pass, by name."""
        return tuple(
            entry.instance
            for entry in self.entries.values()
            if entry.service == service and entry.status == "passing" and self.nodes.get(entry.node) != "critical"
        )

    def changed(self, service: str) -> int:
        """The index of its last change: what a blocking query waits to exceed. At least 1."""
        return max(1, self._changed.get(service, 0))

    def on_node(self, node: str) -> dict[str, Entry]:
        return {entry.instance: entry for entry in self.entries.values() if entry.node == node}

    def snapshot(self) -> Catalog:
        return deepcopy(self)

    def _put(self, entry: Entry) -> bool:
        if self.entries.get(entry.instance) == entry:
            return False
        self.entries[entry.instance] = entry
        self.entries = dict(sorted(self.entries.items()))
        self._changed[entry.service] = self.index
        return True

    def _drop(self, instance: str) -> bool:
        entry = self.entries.pop(instance, None)
        if entry is not None:
            self._changed[entry.service] = self.index
        return entry is not None

    def _set_health(self, node: str, status: Status | None, now_s: float) -> bool:
        if self.nodes.get(node) == status:
            return False
        for entry in self.on_node(node).values():
            self._changed[entry.service] = self.index
            if status is None:
                del self.entries[entry.instance]
        if status is None:
            self.nodes.pop(node, None)
        else:
            self.nodes[node] = status
        if status != "passing":
            for session in [name for name, created in self.sessions.items() if created.node == node]:
                self._destroy(session, now_s)
        return True

    def _destroy(self, session: str, now_s: float) -> bool:
        """What it held is free, but nobody gets it for the lock-delay: the holder may not know yet."""
        created = self.sessions.pop(session, None)
        if created is None:
            return False
        for key in [key for key, held in self.keys.items() if held.holder == session]:
            self._free(key, ended=True)
            self._delayed_s[key] = now_s + created.lock_delay_s
        return True

    def _release(self, key: str, session: str) -> bool:
        if self.key(key).holder != session:
            return False
        self._free(key, ended=False)
        return True

    def _free(self, key: str, ended: bool) -> None:
        held = self.keys[key]
        assert held.holder is not None
        self.freed.append(Freed(key, held.holder, held.lock_index, ended))
        self.keys[key] = Key(None, held.lock_index, self.index)

    def key(self, key: str) -> Key:
        return self.keys.get(key, Key(None, 0))

    def is_delayed(self, key: str, now_s: float) -> bool:
        """Nobody may have it yet."""
        return self.key(key).holder is None and now_s < self._delayed_s.get(key, 0.0)

    def _acquire(self, key: str, session: str) -> int | None:
        held = self.key(key)
        if session not in self.sessions or held.holder not in (None, session):
            return None
        if held.holder is None:
            held = self.keys[key] = Key(session, held.lock_index + 1, self.index)
        return held.lock_index
