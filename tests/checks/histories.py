"""Histories of clients of a correct object, of any length, and small ones of any kind; and the obvious slow checker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sim.checks import UNKNOWN, Lease, Operation
from sim.checks.models import Illegal, Model, State


def slowly_linearizable(history: Sequence[Operation], model: Model) -> bool:
    """Every order of the answered operations with any of the unanswered ones. One key."""
    return explained(model.prepared(history), model, model.initial)


def explained(left: Sequence[Operation], model: Model, state: State) -> bool:
    if all(operation.output is UNKNOWN for operation in left):
        return True
    for position, operation in enumerate(left):
        others = [*left[:position], *left[position + 1 :]]
        after = model.step(state, operation)
        is_next = not any(precedes(left, other, operation) for other in others)
        if is_next and not isinstance(after, Illegal) and explained(others, model, after):
            return True
    return False


def precedes(history: Sequence[Operation], first: Operation, second: Operation) -> bool:
    """At equal times: the answered operations of one client in the order of the history."""
    if first.returned_s == second.called_s and first.client == second.client and second.output is not UNKNOWN:
        return history.index(first) < history.index(second)
    return first.returned_s < second.called_s


def registers(seed: int, operations: int, clients: int, unanswered: float) -> list[Operation]:
    """Clients of one register, each with one operation at a time, which takes effect somewhere between call and answer;
    of the unanswered ones half do, at any time."""
    random = np.random.default_rng(seed)
    effects: list[tuple[float, int, Operation]] = []
    for client in range(clients):
        now_s = random.random()
        for number in range(operations // clients):
            effect_s = now_s + random.exponential(1.0)
            answer_s = effect_s + random.exponential(1.0)
            known = Operation(f"c{client}", "x", "read", None, None, now_s, answer_s)
            if random.random() < unanswered:
                known = replace(known, output=UNKNOWN, returned_s=np.inf)
                effect_s = now_s + random.exponential(10.0) if random.random() < 0.5 else np.inf
                answer_s = now_s + 5.0
            effects.append((effect_s, client * operations + number, known))
            now_s = answer_s + random.exponential(0.5)
    return take_effect(sorted(effects, key=lambda effect: effect[:2]), random)


def take_effect(effects: list[tuple[float, int, Operation]], random: np.random.Generator) -> list[Operation]:
    value: int | None = None
    history = []
    for effect_s, number, operation in effects:
        kind = str(random.choice(("read", "write", "cas"), p=(0.4, 0.4, 0.2)))
        given, output = None, value
        if kind == "write":
            given, output = number, None
        elif kind == "cas":
            expected = value if random.random() < 0.7 else int(random.integers(number + 1))
            given, output = (expected, number), expected == value
        if effect_s < np.inf and (kind == "write" or (kind == "cas" and output)):
            value = number
        output = UNKNOWN if operation.output is UNKNOWN else output
        history.append(replace(operation, kind=kind, input=given, output=output))
    return sorted(history, key=lambda operation: operation.called_s)


def locks(seed: int, operations: int, clients: int, unanswered: float, early_s: float = 0.0) -> list[Operation]:
    """Clients of one lock with leases of 5 s, some of whom forget to release it. The server frees it when a lease is
    over, or up to `early_s` before."""
    ttl_s = 5.0
    random = np.random.default_rng(seed)
    free_at_s = [0.0] * clients
    times = []
    for _ in range(operations):
        client = int(np.argmin(free_at_s))
        called_s = free_at_s[client]
        effect_s = called_s + random.exponential(0.5)
        answer_s = effect_s + random.exponential(0.5)
        free_at_s[client] = answer_s + random.exponential(1.0)
        times.append((effect_s, client, called_s, answer_s))
    holder, until_s, token = "", 0.0, 0
    mine: dict[int, Lease] = {}
    history = []
    for number, (effect_s, client, called_s, answer_s) in enumerate(sorted(times)):
        if effect_s >= until_s - early_s * random.random():
            holder = ""
        lease = mine.pop(client, None)
        output: object
        if lease is None:
            kind, lease = "acquire", Lease(f"l{number}", ttl_s, called_s)
            output = None if holder else token + 1
            if not holder:
                holder, until_s, token = lease.name, effect_s + ttl_s, token + 1
        else:
            kind = "release" if random.random() < 0.4 else "renew"
            output = holder == lease.name
            if output and kind == "release":
                holder = ""
            elif output:
                until_s = effect_s + ttl_s
        is_known = random.random() >= unanswered
        answer = {"output": output, "returned_s": answer_s} if is_known else {"output": UNKNOWN, "returned_s": np.inf}
        history.append(Operation(f"c{client}", "k", kind, lease, called_s=called_s, **answer))
        goes_on = is_known and output not in (None, False) and kind != "release" and random.random() < 0.9
        if goes_on:
            mine[client] = replace(lease, since_s=called_s)
    return sorted(history, key=lambda operation: operation.called_s)
