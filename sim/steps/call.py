"""`call`: a request to another service's endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from sim.model import CallPolicy


@dataclass(frozen=True, slots=True)
class Call:
    """The callee and the caller's policy towards it, all precedence resolved."""

    service: str
    endpoint: str
    policy: CallPolicy
    optional: bool = False
