"""What a Consul datacenter is told: every time of it, in s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sim.protocols.swim import SERF, Config

Consistency = Literal["default", "stale", "consistent"]

RAFT_HEARTBEAT_S = 0.1
RAFT_ELECTION_S = 1.0
RPC_HOLD_S = 7.0
"""How long a request waits for a leader before it fails (`RPCHoldTimeout`)."""
JITTER_FRACTION = 16
"""Waits and holds are jittered by a sixteenth of themselves."""
KEEPALIVE_INTERVAL_S = 30.0
KEEPALIVE_TIMEOUT_S = 10.0
"""yamux, which carries an agent's requests to a server: a silent server is given up after both."""
SESSION_TTL_LEAST_S = 10.0
SESSION_TTL_MULTIPLIER = 2
"""A session is destroyed after twice its TTL."""
SYNC_RETRY_S = 15.0
"""After a synchronization that failed: so long, and as long again at random."""
SYNC_SCALE_THRESHOLD = 128
RECONCILE_S = 60.0
"""How often the leader holds its catalog against what gossip says (`ReconcileInterval`)."""


@dataclass(frozen=True, slots=True)
class Check:
    """What the local agent asks of each instance. `failures_before_critical`: so many in a row, 0 as 1."""

    interval_s: float
    timeout_s: float
    success_before_passing: int
    failures_before_critical: int
    deregister_after_s: float | None


@dataclass(frozen=True, slots=True)
class Settings:
    check: Check | None
    consistency: Consistency
    wait_s: float
    raft_multiplier: int
    sync_interval_s: float
    reap_interval_s: float
    gossip: Config = SERF

    @property
    def heartbeat_s(self) -> float:
        return RAFT_HEARTBEAT_S * self.raft_multiplier

    @property
    def election_s(self) -> float:
        return RAFT_ELECTION_S * self.raft_multiplier
