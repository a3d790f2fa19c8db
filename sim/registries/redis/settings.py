"""What Redis, its clients and its sentinels are set to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ReadFrom = Literal["primary", "replica"]


@dataclass(frozen=True, slots=True)
class ClientSettings:
    ttl_s: float
    refresh_s: float
    poll_s: float
    timeout_s: float
    read_from: ReadFrom


@dataclass(frozen=True, slots=True)
class SentinelSettings:
    quorum: int
    down_after_ms: int
    failover_timeout_ms: int
    parallel_syncs: int
