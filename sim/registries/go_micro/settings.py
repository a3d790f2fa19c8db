"""What a go-micro registry and its clients are told: every time of it, in s."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    ttl_s: float
    interval_s: float
    cache_s: float
    retry_s: float
    timeout_s: float
    expiry_events: bool
    node_times: bool
    """Does each node in a cache have a time to live of its own, as since v5? In v2 any event renews the whole list."""
