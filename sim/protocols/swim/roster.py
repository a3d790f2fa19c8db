"""What one member believes of all others, and in which order it probes them.

Members of a large group agree on nearly everything: each holds what differs from a shared beginning, so that a thousand
members do not take a million records. The shuffle is drawn place by place, when a place is reached (Fisher–Yates,
forwards): the order has the law of memberlist's `shuffleNodes`, and no probe costs more in a larger group.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from sim.protocols.swim.messages import Record

ATTEMPTS = 3
"""`kRandomNodes` gives up after three tries for each member of the list."""


class Roster:
    def __init__(self, shared: Mapping[str, Record], names: tuple[str, ...], uniform: Callable[[], float]) -> None:
        self._shared = shared
        self._names = names
        self._changed: dict[str, Record | None] = {}
        self._moved: dict[int, str] = {}
        self._size = len(names)
        self._next = 0
        self._uniform = uniform
        self.departed: dict[str, Record] = {}
        """Dead or left, and not forgotten yet."""

    def __len__(self) -> int:
        """All that are known, dead ones that are not forgotten yet and oneself among them: memberlist's estimate of
        the size of the group."""
        return self._size

    def get(self, name: str) -> Record | None:
        changed = self._changed
        return changed[name] if name in changed else self._shared.get(name)

    def records(self) -> tuple[Record, ...]:
        if not self._changed:
            return tuple(self._shared.values())
        kept = {**self._shared, **self._changed}
        return tuple(record for record in kept.values() if record is not None)

    def put(self, record: Record) -> None:
        """Believes `record` from now on; a new name comes to a random place of the order, as in memberlist."""
        if self.get(record.name) is None:
            self._insert(record.name)
        self._changed[record.name] = record
        if record.status in ("dead", "left"):
            self.departed[record.name] = record
        else:
            self.departed.pop(record.name, None)

    def forget(self, names: Collection[str]) -> None:
        """Knows these no longer; a pass begins."""
        gone = set(names)
        kept = tuple(name for name in map(self._at, range(self._size)) if name not in gone)
        self._names, self._moved, self._size, self._next = kept, {}, len(kept), 0
        for name in names:
            del self.departed[name]
            self._changed[name] = None

    def random_other(self, name: str) -> str:
        """Anyone but `name`, each equally likely; in a group of one, `name`."""
        for _ in range(ATTEMPTS * self._size):
            other = self._at(int(self._uniform() * self._size))
            if other != name:
                return other
        return name

    def next_name(self) -> str | None:
        """The next of the shuffled order; None at the end of a pass."""
        here = self._next
        if here >= self._size:
            return None
        self._swap(here, here + int(self._uniform() * (self._size - here)))
        self._next += 1
        return self._at(here)

    def new_pass(self) -> None:
        """Starts a pass; from whichever order, since each place is drawn anew."""
        if self._size != len(self._names):
            self._names = tuple(map(self._at, range(self._size)))
        self._next = 0
        self._moved = {}

    def pick(self, count: int, wanted: Callable[[Record], bool]) -> list[str]:
        """Up to `count` different random members that are wanted."""
        found: list[str] = []
        for _ in range(ATTEMPTS * self._size):
            if len(found) == count:
                break
            name = self._at(int(self._uniform() * self._size))
            record = self.get(name)
            if name not in found and record is not None and wanted(record):
                found.append(name)
        return found

    def _at(self, place: int) -> str:
        name = self._moved.get(place)
        return self._names[place] if name is None else name

    def _swap(self, one: int, other: int) -> None:
        first, second = self._at(one), self._at(other)
        self._moved[one], self._moved[other] = second, first

    def _insert(self, name: str) -> None:
        self._moved[self._size] = name
        self._size += 1
        self._swap(int(self._uniform() * self._size), self._size - 1)


def everyone(names: Iterable[str], now_s: float = 0.0) -> dict[str, Record]:
    """A group in which all are alive and know each other: what its rosters share."""
    return {name: Record(name, 1, "alive", now_s) for name in names}
