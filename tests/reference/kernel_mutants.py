"""Planted mistakes in the kernel's source, which the comparison with the reference must catch.

`NUMBA_DISABLE_JIT=1 python -m tests.reference.kernel_mutants` plants one after the other in the interpreted kernel and
prints, for each, the first random model that tells; exit status 1 if one goes unnoticed.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import NamedTuple

import numpy as np

SEEDS = (*dict.fromkeys((1, 0, 2, 8, 24, 46, 68, 79, 84, 89, *range(60))),)
"""Those first that told when the mutants were planted."""


class Mutant(NamedTuple):
    module: str
    function: str
    right: str
    wrong: str


MUTANTS = {
    "a full queue takes one more": Mutant(
        "sim.kernel.servers", "deliver", "< instance.queue_bound", "<= instance.queue_bound"
    ),
    "workers take the last in the queue": Mutant(
        "sim.kernel.servers", "release_worker", "instance.queue_head", "instance.queue_tail"
    ),
    "one retry too many": Mutant("sim.kernel.calls", "end_attempt", "call.attempt + 1 < edge", "call.attempt < edge"),
    "back-off grows one retry early": Mutant(
        "sim.kernel.calls", "backoff", "(1.0 * call.attempt)", "(1.0 + call.attempt)"
    ),
    "fair shares are not given back": Mutant(
        "sim.kernel.processors", "fair_level", "level = left / hungry", "return left / hungry"
    ),
    "paused processes compute on": Mutant("sim.kernel.pauses", "change_cap", "0.0 if is_paused(S, host) else ", ""),
    "pauses do not stop handlers": Mutant(
        "sim.kernel.pauses",
        "waits",
        "    if kind == REPLY:",
        "    if kind == 4:\n        return False\n    if kind == REPLY:",
    ),
    "timeouts that strike in a pause are lost": Mutant("sim.engine.loop", "strike", "== STRUCK", "== 9"),
    "a crash forgets who waits at the door": Mutant(
        "sim.kernel.pauses", "waits", "(instance.down > 0 and node.paused == 0)", "False"
    ),
    "running bursts do not notice a slowdown": Mutant(
        "sim.kernel.processors", "change_speed", "grant(S, row, instance.share)", "pass"
    ),
    "speed is ignored": Mutant("sim.kernel.processors", "grant", " * instance.speed", ""),
    "a dead host answers": Mutant("sim.kernel.servers", "kill", "if silent:", "if False:"),
    "a timeout stops the callee": Mutant(
        "sim.engine.loop",
        "time_out",
        "    if S.task[row].state == SILENT",
        "    cancel(S, row)\n    if S.task[row].state == SILENT",
    ),
    "a join fails late": Mutant(
        "sim.kernel.servers", "end_branch", "waiting.join_open < waiting.join_needed", "waiting.join_open == 0"
    ),
    "cancel messages are lost": Mutant("sim.kernel.calls", "drop_call", "elif notify and", "elif not notify and"),
    "responses draw the request's latency": Mutant(
        "sim.kernel.network", "attempt_latency", "NETWORK_BACK if back else", ""
    ),
    "kept draws are fresh": Mutant("sim.kernel.calls", "send", "derive(call.kept, _ZERO)", "attempt_key"),
    "loop turns repeat their draws": Mutant("sim.steps.repeat", "turn", "task.visit += ONE", "task.visit += ONE * 0"),
    "a balancer survives its client": Mutant(
        "sim.kernel.servers", "crash_instance", "reset_channel(S, channel)", "pass"
    ),
    "an event loop takes the last": Mutant(
        "sim.kernel.processors", "leave_processor", "following = instance.queue_head", "following = instance.queue_tail"
    ),
}


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """The mutant in place of the right function, wherever that is known."""
    home = importlib.import_module(mutant.module)
    right = getattr(home, mutant.function)
    source = inspect.getsource(right)
    assert mutant.right in source, f"{mutant.function} has changed: {mutant.right!r} is not in it"
    text = source[source.index("def ") :].replace(mutant.right, mutant.wrong)
    space: dict[str, FunctionType] = {}
    exec(compile(text, f"<mutant of {mutant.function}>", "exec"), home.__dict__, space)
    wrong = space[mutant.function]
    known = [(m, n) for m in list(sys.modules.values()) for n, v in list(vars(m).items()) if v is right]
    for module, name in known:
        setattr(module, name, wrong)
    try:
        yield
    finally:
        for module, name in known:
            setattr(module, name, right)


def first_seed_that_tells(mutant: Mutant) -> str | None:
    from tests.reference.compare import differences
    from tests.reference.generate import random_model
    from tests.reference.kernel import kernel_rows
    from tests.reference.model import simulate

    for seed in SEEDS:
        model = random_model(seed)
        expected = simulate(model)
        with planted(mutant), np.errstate(all="ignore"):
            try:
                wrong = differences(model, expected, kernel_rows(model))
            except (AssertionError, IndexError) as error:
                return f"seed {seed}: {type(error).__name__}"
        if wrong:
            return f"seed {seed}: {len(wrong)} requests differ"
    return None


def main() -> int:
    unnoticed = 0
    for name, mutant in MUTANTS.items():
        told = first_seed_that_tells(mutant)
        unnoticed += told is None
        print(f"{name}: {told or 'unnoticed'}", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
