"""What the names of services, and who looks them up, are like."""

from __future__ import annotations

from dataclasses import dataclass

from sim.model import HealthCheck

FOR_EVER_S = 1e9


@dataclass(frozen=True, slots=True)
class Settings:
    """`ttl_s`: of a record. `negative_ttl_s`: of the answer that there is none (RFC 2308, section 5). `minimum_ttl_s`:
    resolvers keep everything for at least so long. `keep_s`: clients keep answers for so long, None: for what is left
    of their time to live; `negative_keep_s`: that there is no answer. `health`: how the provider of the zone probes
    (None: records never change); `operator_s`: what passes from its verdict to the change of the zone."""

    ttl_s: float
    negative_ttl_s: float
    minimum_ttl_s: float
    keep_s: float | None
    negative_keep_s: float
    health: HealthCheck | None
    operator_s: float
