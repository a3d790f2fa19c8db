"""The part of a client that looks a service up: its resolver library, and what its runtime keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.registries.dns.lookups import Asker, Records
from sim.registries.dns.settings import FOR_EVER_S, Settings

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

TRY_S, TRIES = 5.0, 2
"""resolv.conf(5): timeout, attempts."""
SOONEST_S = 0.01
"""Between two lookups of a name whose time to live is over."""
AGAIN_S = 1.0
"""After a failure that nothing keeps: the next request of a busy client."""


class Client(Asker):
    """One client and one service.

    A busy client is meant: it asks again as soon as what it knows is out of date, and uses that until it hears. A real
    one's requests would wait for the lookup, which takes a round trip where the servers answer.
    """

    def __init__(
        self,
        cluster: Cluster,
        host: str,
        name: str,
        service: str,
        servers: Sequence[str],
        settings: Settings,
    ) -> None:
        super().__init__(cluster, host, f"{name}/{service}/client")
        self.service, self.servers, self.settings = service, list(servers), settings

    def started(self) -> None:
        super().started()
        if self.now > 0.0:
            self.cluster.publish(self.host, self.service, ())
            self._ask()
        elif self.settings.keep_s is None:
            self._ask()
        elif self.settings.keep_s < FOR_EVER_S:
            self.after(self.settings.keep_s * self.uniform(), self._ask)

    def _ask(self) -> None:
        self.look_up(self.service, self.servers * TRIES, TRY_S, self._heard)

    def _heard(self, records: Records) -> None:
        self.cluster.publish(self.host, self.service, records.members or ())
        if records.members is None:
            self.after(max(self.settings.negative_keep_s, AGAIN_S), self._ask)
            return
        keep_s = self.settings.keep_s if records.members else self.settings.negative_keep_s or None
        if keep_s is None:
            keep_s = records.ttl_s
        if keep_s < FOR_EVER_S:
            self.after(max(keep_s, SOONEST_S), self._ask)
