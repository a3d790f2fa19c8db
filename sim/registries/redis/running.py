"""Redis as it runs."""

from __future__ import annotations

from dataclasses import dataclass

from sim.registries.redis.messages import Ledger
from sim.registries.redis.sentinel import Sentinel
from sim.registries.redis.server import Server


@dataclass(eq=False)
class Running:
    """What runs."""

    servers: tuple[Server, ...]
    sentinels: tuple[Sentinel, ...]
    ledger: Ledger

    def leader(self) -> str | None:
        """A primary that lives, the newest where there are two; faults ask for it."""
        alive = [one for one in self.servers if one.is_up and one.is_primary]
        return max(alive, key=lambda one: one.branch.count("-")).host if alive else None
