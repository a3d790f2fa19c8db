"""What a store offers to the application: locks that are held under leases.

A store is a component whose runtime object (`cluster.component(name)`) has an attribute `locks`. What a process may do
with them, it does as a generator of SimPy events, in the task that wants the lock (`sim.steps.lock`); all that it
learns, it learns from the store's clients in its process, and so only while it runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from sim.model import Service
from sim.steps.lock import locks_in

Steps = Generator[Any, Any, Any]


@dataclass(slots=True)
class Holding(ABC):
    """A lock that a process took; whether it still has it, it may not know.

    `order` counts the holders of the key, in the order in which the store let them have it: for a store that gives
    tokens it is the `token`. Where it gives none (None), `order` is for the record only: nobody in the system knows it.
    """

    holder: str
    key: str
    order: int
    token: int | None
    _is_lost: bool = field(default=False, init=False)
    _told: Callable[[], object] | None = field(default=None, init=False)

    def when_lost(self, then: Callable[[], object]) -> None:
        """Call a function when the process learns that it has lost it; at once, if it has learned that."""
        self._told = then
        if self._is_lost:
            then()

    def lose(self) -> None:
        """The process has learned that it has it no more (of stores that keep locks alive)."""
        self._is_lost = True
        if self._told is not None:
            self._told()

    @abstractmethod
    def released(self) -> Steps:
        """Give it back; ends when the store has answered, or when that has taken too long."""

    @abstractmethod
    def abandon(self) -> None:
        """Whoever held it goes no further: give it back without waiting, if the process lives and still has it."""


class Locks(ABC):
    """The locks of one store."""

    @abstractmethod
    def acquire(self, host: str, key: str, lease_s: float, wait_s: float | None) -> Steps:
        """Wait for a lock, at most `wait_s` of the node's clock (None: for ever). Returns a Holding, or None where it
        was not to be had: in that time, or at all."""


def users_of(store: str, services: tuple[Service, ...]) -> list[str]:
    """The instances whose handlers have locks of a store, or that elect a leader by it."""
    return [
        instance.name
        for service in services
        if any(lock.store == store for endpoint in service.endpoints for lock in locks_in(endpoint.steps))
        for instance in service.instances
    ]
