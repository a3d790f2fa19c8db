"""Active health checks by the balancer: each client probes the servers that it knows, and leaves out those that fail.

As HAProxy 2.6 does it (configuration manual, section 5.2, `check`, `inter`, `fastinter`, `downinter`, `fall`, `rise`;
`process_chk_conn`, `srv_getinter` and `start_checks` in its check.c). A server has a counter between 0 and
rise + fall - 1 and is in while the counter is at least `rise`. A probe that fails takes one off, and all where it then
falls below `rise`; one that succeeds adds one, up to the top where it then reaches `rise`. The next probe begins an
interval after the end of the last, so that silence, which lasts until the timeout, spaces probes further. A balancer
that starts has its servers at `rise`: they are in, and out at the first failure; so is one that its registry lists
anew. Its servers' probes are spread over the interval. nginx Plus R31 documents the same rules with other defaults
(ngx_http_upstream_hc_module), but for new servers, which are in until `fails` probes have failed.

A probe is a connection, which the kernel of a living machine accepts even for a process that is paused, or a request to
an endpoint, which waits in the server's queue as any other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from sim.engine.cluster import Cluster
from sim.engine.daemons import Daemon
from sim.model import HealthCheck
from sim.registries.health import NAME, Watch

HANDSHAKE_BYTES = 60.0
"""Of a SYN, or its answer, with the headers of IP and TCP and usual options."""
FALLS_AT_ONCE = ("haproxy",)
"""Systems whose servers are out at the first failure after the balancer's start."""


class Prober(Daemon, ABC):
    """Probes the instances of one service from one host, by the rules above."""

    def __init__(self, cluster: Cluster, host: str, name: str, service: str, check: HealthCheck, probe: str) -> None:
        """`probe` is the name of its requests, of those that are not mere connections."""
        super().__init__(cluster, host, name)
        self.service, self.check, self.request = service, check, probe
        self.servers = cluster.instances_of(service)
        self.health: dict[str, int] = {}
        """The counter of each server."""
        self._is_first_life = True

    @abstractmethod
    def knows(self, server: str) -> bool:
        """Is it to be probed?"""

    def forgotten(self) -> None:
        """A server that is not known any more is in, if it should be known again."""

    @abstractmethod
    def changed(self, server: str) -> None:
        """A server is in or out now, and was not."""

    @property
    def top(self) -> int:
        return self.check.rise + self.check.fall - 1

    @property
    def _fresh(self) -> int:
        """Of a server that is new to it."""
        return self.check.rise if self.check.system.partition("@")[0] in FALLS_AT_ONCE else self.top

    def started(self) -> None:
        """Every server is in, and its first probe is due at its part of the interval."""
        self.health = dict.fromkeys(self.servers, self.top if self._is_first_life else self._fresh)
        phase = self.uniform() if self._is_first_life else 0.0
        for number, server in enumerate(self.servers):
            part = (phase + number / len(self.servers)) % 1.0
            self.after(self.check.interval_s * part, self._probe, server)
        self._is_first_life = False

    def _probe(self, server: str) -> None:
        if not self.knows(server):
            self.health[server] = self._fresh
            self.forgotten()
            self.after(self.check.interval_s, self._probe, server)
        elif self.check.endpoint is None:
            self._connect(server, lambda outcome: self._ended(server, outcome))
        else:
            self.probe(self.request, server, lambda outcome, _: self._ended(server, outcome))

    def _connect(self, server: str, then: Callable[[str], None]) -> None:
        """Open a connection and close it."""
        host, mail = self.cluster.hosts.find(server), self.cluster.mail
        incarnation, is_open = self._at.incarnation, True

        def end(outcome: str) -> None:
            nonlocal is_open
            if is_open:
                is_open = False
                then(outcome)

        def arrive() -> None:
            outcome = "ok" if host.up else "refused"
            mail.carry(host, self._at, HANDSHAKE_BYTES, lambda: come_back(outcome), lambda: is_open)

        def come_back(outcome: str) -> None:
            self._at.when_running(lambda: end(outcome), incarnation)

        mail.carry(self._at, host, HANDSHAKE_BYTES, arrive, lambda: is_open)
        self.after(self.check.timeout_s, end, "timeout")

    def _ended(self, server: str, outcome: str) -> None:
        was_in = self.is_in(server)
        self.health[server] = self._counted(self.health[server], outcome == "ok")
        if self.is_in(server) != was_in:
            self.changed(server)
        self.after(self._gap_s(server), self._probe, server)

    def _counted(self, health: int, is_good: bool) -> int:
        if is_good:
            return self.top if health + 1 >= self.check.rise else health + 1
        return 0 if health - 1 < self.check.rise else health - 1

    def _gap_s(self, server: str) -> float:
        """From the end of a probe to the beginning of the next."""
        if self.health[server] == self.top:
            return self.check.interval_s
        return self.check.down_interval_s if self.health[server] == 0 else self.check.fast_interval_s

    def is_in(self, server: str) -> bool:
        return self.health[server] >= self.check.rise


class Checker(Prober):
    """The part of one client that probes the instances of one service, and leaves out those that fail."""

    def __init__(self, cluster: Cluster, host: str, watch: Watch) -> None:
        super().__init__(cluster, host, f"{NAME}/{watch.service}", watch.service, watch.check, watch.probe)

    def started(self) -> None:
        super().started()
        self._show()

    def knows(self, server: str) -> bool:
        return server in self.cluster.published(self.host, self.service)

    def forgotten(self) -> None:
        self._show()

    def changed(self, server: str) -> None:
        self.cluster.record(NAME, "healthy" if self.is_in(server) else "unhealthy", server, self.host)
        self._show()

    def _show(self) -> None:
        out = [server for server in self.servers if not self.is_in(server)]
        self.cluster.leave_out(self.host, self.service, out)
