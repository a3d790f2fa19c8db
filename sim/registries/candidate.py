"""An instance that campaigns: it leads while it has the lock of its service, as far as it knows.

Source: etcd's `client/v3/concurrency` 3.5, election.go and session.go: `Campaign` creates a key under a session and
waits until it is the first, as the package's mutex does, so here it takes the store's lock; the leader hears of the end
of its session (`Session.Done`), stops leading and campaigns anew, as code does that heeds it; `Resign` gives the lead
back. Campaigns begin with the process, also at time 0: who leads first is not decided before the run. How a campaign
that failed is tried again is the application's affair, not etcd's: here after 1 s.
"""

from __future__ import annotations

import simpy

from sim.engine.cluster import Cluster
from sim.engine.daemons import Daemon
from sim.registries.election import Election
from sim.registries.store import Holding, Locks, Steps

RETRY_S = 1.0


class Candidate(Daemon):
    """`holding`: by which it believes to lead; None: it stands by."""

    def __init__(self, cluster: Cluster, host: str, election: Election) -> None:
        super().__init__(cluster, host, election.name)
        self._election = election
        self.holding: Holding | None = None
        self._campaign: simpy.Process | None = None
        self._is_stopping = False
        self._leaving: Steps | None = None

    def started(self) -> None:
        self._is_stopping = False
        self.after(0.0, self._begin)

    def crashed(self) -> None:
        self.holding = None
        self._give_up()
        if self._leaving is not None:
            self._leaving.close()

    def stopping(self) -> None:
        """Resign, or leave the queue: whoever stops wants to lead no more."""
        self._is_stopping = True
        self._give_up()
        if self.holding is not None:
            holding, self.holding = self.holding, None
            self._record("stepped_down", holding)
            self._leaving = holding.released()
            if (sent := next(self._leaving, None)) is not None:  # at once: the process may end in this moment
                self.cluster.env.process(_go_on(self._leaving, sent))

    def _begin(self) -> None:
        if not self._is_stopping:
            self._campaign = self.cluster.env.process(self._run())

    def _run(self) -> Steps:
        election = self._election
        locks: Locks = self.cluster.component(election.store).locks
        try:
            holding = yield from locks.acquire(self.host, election.service, election.lease_s, None)
        except simpy.Interrupt:
            return
        if holding is None:
            self.after(RETRY_S, self._begin)
        else:
            self._lead(holding)

    def _lead(self, holding: Holding) -> None:
        self.holding = holding
        self._record("elected", holding)
        holding.when_lost(self._lost)

    def _lost(self) -> None:
        if self.holding is not None:
            holding, self.holding = self.holding, None
            self._record("lost", holding)
            holding.abandon()
            self._begin()

    def _give_up(self) -> None:
        if self._campaign is not None and self._campaign.is_alive:
            self._campaign.interrupt()

    def _record(self, event: str, holding: Holding) -> None:
        self.cluster.record(self._election.service, event, self.host, f"token {holding.order}")


def _go_on(steps: Steps, awaited: simpy.Event) -> Steps:
    """The rest of steps that have begun."""
    while True:
        answer = yield awaited
        try:
            awaited = steps.send(answer)
        except StopIteration:
            return
