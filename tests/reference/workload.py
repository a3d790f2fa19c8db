"""How large a model is, before it runs."""

from __future__ import annotations

from typing import Any

from sim.model import Model
from sim.steps.call import Call
from sim.steps.choose import Choose
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat
from sim.traffic import Trace

Steps = tuple[Any, ...]


def expected_tasks(model: Model) -> float:
    """Roughly how many tasks the model's requests become, failures and early ends aside."""
    endpoints = {(s.name, e.name): e.steps for s in model.services for e in s.endpoints}

    def of_steps(steps: Steps, depth: int) -> float:
        return sum((of_step(step, depth) for step in steps), 0.0)

    def of_step(step: Any, depth: int) -> float:
        match step:
            case Call():
                if depth >= model.run.depth_limit:
                    return 0.0
                retries = 1.5 if step.policy.retry else 1.0
                return retries * (1.0 + of_steps(endpoints[step.service, step.endpoint], depth + 1))
            case Parallel():
                return sum(of_steps(branch, depth) for branch in step.branches)
            case Choose():
                return sum(w * of_steps(b, depth) for w, b in zip(step.weights, step.branches, strict=True))
            case Repeat():
                return step.times * of_steps(step.steps, depth)
            case _:
                return 0.0

    tasks = 0.0
    for source in model.sources:
        arrivals = source.arrivals
        requests = len(arrivals.times_s) if isinstance(arrivals, Trace) else 20 * arrivals.users
        for target in source.targets:
            tasks += requests * target.weight * (1.0 + of_steps(endpoints[target.service, target.endpoint], 1))
    return tasks
