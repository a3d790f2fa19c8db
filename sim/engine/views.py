"""Views: which instances of a service each client knows, and so balances over.

A view is an interned, immutable list in the kernel's tables; a client's channels refer to one. Lists that nobody refers
to any more make room when the tables are full.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.engine import loop
from sim.engine.clock import Environment
from sim.errors import DsimError
from sim.kernel.tables import CAPACITY

Key = tuple[int, tuple[int, ...]]
"""Service row, and ordinals of its instances."""


class Views:
    """What every client knows."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self._tables = env.tables
        model = env.tables.model
        self._service_row = {service.name: row for row, service in enumerate(model.services)}
        self._ordinals = {s.name: {i.name: n for n, i in enumerate(s.instances)} for s in model.services}
        self._names = {service.name: tuple(self._ordinals[service.name]) for service in model.services}
        self._rows: dict[Key, int] = {}
        for row, service in enumerate(model.services):
            self._rows[row, tuple(range(len(service.instances)))] = row
        self._fixed = len(model.services)
        self._rows_used = self._fixed
        self._members_used = sum(len(service.instances) for service in model.services)
        self._members_fixed = self._members_used
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}

    def known(self, client: str, service: str) -> tuple[str, ...]:
        """The instances of a service that a client knows, in its order."""
        self._channels(client, service)
        return self._known.get((client, service), self._names[service])

    def publish(self, client: str, service: str, members: Sequence[str]) -> bool:
        """From now on a client knows exactly these. False: it did already."""
        channels, view = self._channels(client, service), tuple(members)
        if view == self.known(client, service):
            return False
        row = self._row(service, view)
        self._known[client, service] = view
        for channel in channels:
            self._tables.state["channel"][channel]["listing"] = row
            self.env.control(loop.RENEW_VIEW, channel)
        return True

    def _channels(self, client: str, service: str) -> list[int]:
        try:
            return self._tables.clients[client][service]
        except KeyError:
            raise DsimError(f"{client} does not call {service}, so it has no view of it") from None

    def _row(self, service: str, view: tuple[str, ...]) -> int:
        ordinals = self._ordinals[service]
        if unknown := [name for name in view if name not in ordinals]:
            raise DsimError(f"service {service} has no instance {unknown[0]!r}; there are: {', '.join(ordinals)}")
        key = self._service_row[service], tuple(ordinals[name] for name in view)
        if key not in self._rows:
            self._rows[key] = self._written(key[1])
        return self._rows[key]

    def _written(self, members: tuple[int, ...]) -> int:
        state = self._tables.state
        if self._rows_used == CAPACITY["listing"] or self._members_used + len(members) > CAPACITY["member"]:
            self._make_room()
        row, start = self._rows_used, self._members_used
        if row == CAPACITY["listing"] or start + len(members) > CAPACITY["member"]:
            raise DsimError(f"clients have more than {row:,} different views at once; the kernel has no room for more")
        state["listing"][row] = (start, len(members))
        state["member"][start : start + len(members)] = members
        self._rows_used, self._members_used = row + 1, start + len(members)
        return row

    def _make_room(self) -> None:
        """Keep only the lists that channels refer to, one after the other."""
        state = self._tables.state
        channels = [row for services in self._tables.clients.values() for rows in services.values() for row in rows]
        used = set(np.unique(state["channel"]["listing"][channels]).tolist())
        moved: dict[int, int] = {}
        kept = sorted((row, key) for key, row in self._rows.items() if row < self._fixed or row in used)
        self._rows_used, self._members_used = self._fixed, self._members_fixed
        self._rows = {}
        for row, key in kept:
            if row >= self._fixed:
                moved[row], row = self._rows_used, self._rows_used
                state["listing"][row] = (self._members_used, len(key[1]))
                state["member"][self._members_used : self._members_used + len(key[1])] = key[1]
                self._rows_used, self._members_used = row + 1, self._members_used + len(key[1])
            self._rows[key] = row
        for channel in channels:
            listing = int(state["channel"][channel]["listing"])
            state["channel"][channel]["listing"] = moved.get(listing, listing)
