"""How long a request may take before its callers have given up: failures are counted when they end, so those of a fault
may come this much after it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any


def patience_s(model: Mapping[str, Any]) -> float:
    """Of a machine model as plain data: the longest of its clients' patience, all tries and back-offs together. A
    client without a timeout waits as long as the most patient caller within the system that has one."""
    clients = [_of_policy(source["policy"]) for source in model["sources"]]
    inner = [s for s in map(_of_policy, _policies(model["services"])) if math.isfinite(s)]
    waiting = max(inner, default=0.0)
    return max((s if math.isfinite(s) else waiting for s in clients), default=0.0)


def _of_policy(policy: Mapping[str, Any]) -> float:
    timeout_s, retry = policy["timeout_s"], policy["retry"]
    if timeout_s is None:
        return math.inf
    if retry is None:
        return float(timeout_s)
    waits = (min(retry["max_s"], retry["initial_s"] * retry["factor"] ** n) for n in range(retry["attempts"] - 1))
    return float(retry["attempts"] * timeout_s + sum(waits))


def _policies(part: Any) -> Iterator[Mapping[str, Any]]:
    """The call policies anywhere in a part of a model."""
    if isinstance(part, Mapping):
        if "timeout_s" in part and "retry" in part:
            yield part
        for below in part.values():
            yield from _policies(below)
    elif isinstance(part, list):
        for below in part:
            yield from _policies(below)
