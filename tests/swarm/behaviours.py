"""A handler in SimPy that does a bit of everything, differently for each request."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import simpy

from sim.engine.behaviours import Request
from sim.model import Model
from sim.steps.behaviour import Behaviour
from sim.steps.call import Call

MOST_CALLS = 4


def wander(request: Request) -> Generator[simpy.Event, Any, None]:
    """CPU, waits, calls one by one and side by side; every seventh request fails."""
    calls = sorted({name for name in request._calls if "." in name})
    yield request.cpu(0.002 + 0.0001 * (request.index % 13))
    for number, name in enumerate(calls):
        match (request.index + number) % 4:
            case 0:
                yield request.call(name)
            case 1:
                yield request.call(name) & request.cpu(0.001) & request.timeout(0.004)
            case 2:
                yield request.call(name) | request.timeout(0.003 * (1 + request.index % 5))
            case _:
                yield request.timeout(0.0007 * (1 + request.index % 3))
    if request.index % 7 == 3:
        request.fail()
    yield request.cpu(0.0)


def with_behaviours(model: Model, every: int) -> Model:
    """The model with each so many-th endpoint handed over to `wander`, which makes the same calls."""
    number = 0
    services = []
    for service in model.services:
        endpoints = []
        for endpoint in service.endpoints:
            if number % every == 0:
                calls = tuple(calls_in(endpoint.steps))[:MOST_CALLS]
                endpoint = replace(endpoint, steps=(Behaviour(f"{__name__}:wander", calls),))
            endpoints.append(endpoint)
            number += 1
        services.append(replace(service, endpoints=tuple(endpoints)))
    return replace(model, services=tuple(services))


def calls_in(steps: Any) -> list[Call]:
    """All calls of some steps, however deep."""
    if isinstance(steps, Call):
        return [steps]
    if isinstance(steps, tuple):
        return [call for step in steps for call in calls_in(step)]
    return [call for name in ("branches", "steps") for call in calls_in(getattr(steps, name, ()))]
