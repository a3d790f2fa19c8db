"""The checkers see what they are there for: each planted mistake is reported by the check that is meant to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from sim.engine import Simulation
from sim.engine.run import Run
from sim.kernel import codes
from sim.kernel.events import KIND_MASK
from sim.kernel.tables import CAPACITY
from tests.contracts.fingerprint import everything
from tests.swarm.conservation import Accounts, accounts_of, unbalanced
from tests.swarm.crashes import CrashWitness
from tests.swarm.invariants import COUNTING_POLICIES, broken
from tests.swarm.snapshot import Snapshot

Place = tuple[str | None, int, str, Any]
"""Table (None: a field of the state itself), row, field, the wrong value."""


@dataclass(frozen=True)
class Mistake:
    check: str
    """Who reports it."""
    find: Callable[[Snapshot], Iterator[Place]]
    """Where it can be planted, if anywhere."""


MISTAKES: dict[str, Mistake] = {}


def mistake(check: str) -> Callable[[Callable[[Snapshot], Iterator[Place]]], Callable[[Snapshot], Iterator[Place]]]:
    def add(find: Callable[[Snapshot], Iterator[Place]]) -> Callable[[Snapshot], Iterator[Place]]:
        MISTAKES[find.__name__] = Mistake(check, find)
        return find

    return add


def tasks(t: Snapshot, *states: int) -> list[int]:
    return t.task.where(lambda row: t.task.state[row] in states)


def plain(check: str, name: str, table: str, field: str, value: Callable[[Snapshot, int], Any], *states: int) -> None:
    """A wrong field of the first task in one of some states."""
    find = lambda t: ((table, row, field, value(t, row)) for row in tasks(t, *states))  # noqa: E731
    MISTAKES[name] = Mistake(check, find)


def off_by_one(check: str, table: str | None, field: str, row: int = 0) -> None:
    def find(t: Snapshot) -> Iterator[Place]:
        yield table, row, field, (t.state if table is None else t.state[table][row])[field] + 1

    MISTAKES[f"{table or 'state'} {field} one too many"] = Mistake(check, find)


for field in ("tasks_used", "calls_used"):
    off_by_one("free_lists", None, field)
for field in ("in_flight", "cohort_open"):
    off_by_one("in_flight", None, field)
for field in ("in_system", "busy_workers"):
    off_by_one("residents", "instance", field)
off_by_one("queues", "instance", "queue_length")
off_by_one("bursts", "instance", "running")
off_by_one("shares", "instance", "share")
off_by_one("shares", "node", "demand")

plain("events_of_rows", "stale event", "task", "generation", lambda t, row: t.task.generation[row] + 1, codes.IN_IO)
plain("events_of_rows", "two ways at once", "task", "state", lambda t, row: codes.REPLYING, codes.FLYING)
plain("events_of_rows", "sleeps for ever", "task", "state", lambda t, row: codes.READY, codes.IN_JOIN)
plain("links_of_calls", "forgotten by its task", "task", "call", lambda t, row: 0, codes.REPLYING)
plain("links_of_calls", "waits for another", "task", "awaits", lambda t, row: t.task.awaits[row] - 1, codes.IN_CALL)
plain("branches", "join too large", "task", "join_open", lambda t, row: t.task.join_open[row] + 1, codes.IN_JOIN)
plain("branches", "decided but asleep", "task", "join_needed", lambda t, row: 0, codes.IN_JOIN)
plain("branches", "lost its branches", "task", "first_branch", lambda t, row: codes.NONE, codes.IN_JOIN)
plain("residents", "no worker", "task", "holds_worker", lambda t, row: 1 - t.task.holds_worker[row], codes.IN_IO)
plain("residents", "too deep", "task", "depth", lambda t, row: 65, codes.ON_CPU)
plain("residents", "silent for nobody", "task", "call", lambda t, row: codes.NONE, codes.SILENT)
plain("bursts", "ends too early", "task", "finish", lambda t, row: -1.0, codes.ON_CPU)
plain("queues", "left the queue", "task", "state", lambda t, row: codes.IN_JOIN, codes.QUEUED)


@mistake("free_lists")
def a_row_in_use_is_free(t: Snapshot) -> Iterator[Place]:
    yield from ((None, 0, "task_free", row) for row in tasks(t, codes.FLYING, codes.ON_CPU))


@mistake("untouched_rows")
def row_minus_one_was_written(t: Snapshot) -> Iterator[Place]:
    yield "task", CAPACITY["task"] - 1, "state", 1


@mistake("untouched_rows")
def a_row_behind_the_last_was_written(t: Snapshot) -> Iterator[Place]:
    yield "call", t.call.count, "kept", 7


@mistake("links_of_calls")
def an_attempt_is_somebody_elses(t: Snapshot) -> Iterator[Place]:
    yield from (("call", row, "attempt_task", 0) for row in t.call.where(t.is_call) if t.call.attempt_task[row] > 0)


@mistake("branches")
def a_branch_lost_its_parent(t: Snapshot) -> Iterator[Place]:
    of = [row for row in tasks(t, codes.IN_IO) if t.task.edge[row] == codes.NONE and t.task.parent[row] != codes.NONE]
    yield from (("task", row, "parent", codes.NONE) for row in of)


@mistake("heaps")
def the_heap_begins_too_late(t: Snapshot) -> Iterator[Place]:
    yield "heap", 0, "time", t.now + 99.0


@mistake("heaps")
def an_event_is_past(t: Snapshot) -> Iterator[Place]:
    yield "heap", 0, "time", t.now - 1e-6


@mistake("heaps")
def a_burst_ends_in_the_past(t: Snapshot) -> Iterator[Place]:
    if t.armed.count:
        yield "armed", 0, "time", t.now - 1e-6


@mistake("bursts")
def a_back_pointer_points_elsewhere(t: Snapshot) -> Iterator[Place]:
    if t.armed.count > 1:
        yield "position", t.armed.instance[1], "", 0


@mistake("bursts")
def a_pairing_heap_lost_a_child(t: Snapshot) -> Iterator[Place]:
    of = [row for row in tasks(t, codes.ON_CPU) if t.task.child[row] != codes.NONE]
    yield from (("task", row, "child", codes.NONE) for row in of)


@mistake("bursts")
def a_burst_ends_before_its_parent(t: Snapshot) -> Iterator[Place]:
    of = [t.task.child[row] for row in tasks(t, codes.ON_CPU) if t.task.child[row] != codes.NONE]
    yield from (("task", row, "finish", t.task.finish[row] - 1.0) for row in of)


@mistake("bursts")
def a_burst_is_armed_for_another_time(t: Snapshot) -> Iterator[Place]:
    if t.armed.count:
        yield "armed", 0, "time", t.armed.time[0] + 1e-7


@mistake("timers")
def a_deadline_was_moved(t: Snapshot) -> Iterator[Place]:
    of = [row for row in tasks(t, codes.FLYING) if t.task.timed[row] and t.task.timer_next[row] != codes.NONE]
    yield from (("task", row, "deadline", t.task.deadline[row] + 100.0) for row in of)


@mistake("timers")
def a_timer_lost_its_tail(t: Snapshot) -> Iterator[Place]:
    yield from (("timer", n, "tail", codes.NONE) for n in range(t.timer.count) if t.timer.head[n] != codes.NONE)


@mistake("events_of_rows")
def a_timer_is_not_armed(t: Snapshot) -> Iterator[Place]:
    yield from (("timer", n, "armed", 0) for n in range(t.timer.count) if t.timer.head[n] != codes.NONE)


@mistake("events_of_rows")
def a_retry_is_forgotten(t: Snapshot) -> Iterator[Place]:
    of = [row for row in t.call.where(t.is_call) if t.call.attempt_task[row] == codes.NONE]
    yield from (("call", row, "generation", t.call.generation[row] + 1) for row in of)


@mistake("queues")
def a_queue_runs_backwards(t: Snapshot) -> Iterator[Place]:
    of = [row for row in tasks(t, codes.QUEUED, codes.CPU_WAIT) if t.task.previous[row] != codes.NONE]
    yield from (("task", row, "previous", codes.NONE) for row in of)


@mistake("queues")
def a_queue_is_longer_than_its_bound(t: Snapshot) -> Iterator[Place]:
    yield from (("instance", n, "queue_bound", 0) for n in range(t.instance.count) if t.instance.queue_length[n])


@mistake("queues")
def a_worker_idles_beside_a_queue(t: Snapshot) -> Iterator[Place]:
    of = [n for n in range(t.instance.count) if t.instance.queue_length[n] and t.instance.model[n] == codes.THREADS]
    yield from (("instance", n, "workers", 99) for n in of)


@mistake("residents")
def a_dead_process_works(t: Snapshot) -> Iterator[Place]:
    yield from (("instance", host, "down", 1) for host, rows in t.present.items() if rows)


@mistake("shares")
def a_rate_is_too_high(t: Snapshot) -> Iterator[Place]:
    yield from (
        ("instance", n, "rate", 2.0 * t.instance.rate[n]) for n in range(t.instance.count) if t.instance.running[n]
    )


@mistake("outstanding")
def a_balancer_counted_an_attempt_twice(t: Snapshot) -> Iterator[Place]:
    for channel in t.state["channel"][:64]:
        if channel["client"] and t.tables.policies[int(channel["policy"])] in COUNTING_POLICIES:
            yield "arena", int(channel["servers"]), "", int(t.state["arena"][int(channel["servers"])]) + 1


@mistake("users")
def two_of_a_user(t: Snapshot) -> Iterator[Place]:
    of = [n for n in range(t.heap.count) if t.heap.order[n] & KIND_MASK == codes.THINK]
    yield from (("heap", n, "slot", (t.heap.slot[n] + 1) % 3) for n in of)


@contextmanager
def planted(state: Any, place: Place) -> Iterator[None]:
    table, row, field, wrong = place
    holder = state if table is None else state[table] if not field else state[table][row]
    key: Any = field or row
    right = holder[key].copy() if hasattr(holder[key], "copy") else holder[key]
    holder[key] = wrong
    yield
    holder[key] = right


@cache
def reports() -> dict[str, tuple[list[str], list[str]]]:
    """What is said with each mistake, planted at its first chance in one run, and after it was taken back."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    with TemporaryDirectory() as folder:
        simulation = Simulation(everything().resolve("as_it_is"), requests_path=Path(folder) / "rows", slice_events=40)

        def look() -> None:
            snapshot = Snapshot(simulation.tables)
            for name in MISTAKES.keys() - found.keys():
                for place in MISTAKES[name].find(snapshot):
                    with planted(simulation.tables.state, place):
                        said = broken(simulation.tables)
                    found[name] = said, broken(simulation.tables)
                    break

        simulation.env.on_look = look
        simulation.run()
    return found


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_reported(name: str) -> None:
    said, afterwards = reports()[name]
    assert any(sentence.startswith(f"{MISTAKES[name].check}: ") for sentence in said), said
    assert not afterwards


# Measurements --------------------------------------------------------------------------------------------------------


@cache
def finished() -> Accounts:
    folder = TemporaryDirectory()
    simulation = Simulation(everything().resolve("as_it_is"), requests_path=Path(folder.name) / "rows")
    accounts = accounts_of(simulation, simulation.run())
    folder.cleanup()
    return accounts


def test_sound_accounts_are_sound() -> None:
    assert not unbalanced(finished())


def scope(run: Run, kind: str) -> Any:
    """The busiest one of a kind."""
    return max((s for s in run.scopes if s.kind == kind), key=lambda s: s.total.outcomes["ok"])


def lose_a_row(a: Accounts) -> None:
    a.rows = a.rows.iloc[1:]


def repeat_a_row(a: Accounts) -> None:
    a.rows.iloc[0] = a.rows.iloc[1]


def count(kind: str, whose: str, outcome: str | None, by: int) -> Callable[[Accounts], None]:
    """One more or less, in a way that still adds up by itself."""

    def change(a: Accounts) -> None:
        counts = getattr(scope(a.run, kind), whose)
        if outcome is not None:
            counts.outcomes[outcome] += by
        counts.offered += by

    change.__name__ = f"{kind} {whose} {outcome or 'offered'} {by:+}"
    return change


def attempts(outcome: str, by: int) -> Callable[[Accounts], None]:
    def change(a: Accounts) -> None:
        scope(a.run, "call").attempts[outcome] += by
        scope(a.run, "call").attempts["started"] += by

    change.__name__ = f"attempts {outcome} {by:+}"
    return change


def latency(field: str, factor: float) -> Callable[[Accounts], None]:
    def change(a: Accounts) -> None:
        of = scope(a.run, "source").latency
        setattr(of, field, getattr(of, field) * factor)

    change.__name__ = f"{field} × {factor}"
    return change


def a_latency_in_another_bin(a: Accounts) -> None:
    scope(a.run, "source").latency.bins[-1] += 1


def one_more_unfinished(a: Accounts) -> None:
    total = scope(a.run, "request").total
    total.offered += 1
    total.unfinished += 1


def a_busier_instance(a: Accounts) -> None:
    max(a.run.gauges, key=lambda gauge: gauge.utilization).utilization = 1.001


def a_window_counts_twice(a: Accounts) -> None:
    first = a.run.series.index[a.run.series["kind"] == "source"][0]
    a.run.series.loc[first, "offered"] += 1000


WRONG: tuple[tuple[str, Callable[[Accounts], None]], ...] = (
    ("recorded", lose_a_row),
    ("recorded", repeat_a_row),
    ("sums", count("source", "total", "ok", 1)),
    ("sums", count("node", "total", "ok", -1)),
    ("sums", count("service", "total", "error", 1)),
    ("recorded", count("source", "cohort", "ok", -1)),
    ("counts", count("source", "cohort", None, -10_000)),
    ("unfinished", one_more_unfinished),
    ("edges_and_endpoints", count("endpoint", "total", "ok", 1)),
    ("edges_and_endpoints", attempts("ok", 1)),
    ("edges_and_endpoints", attempts("timeout", -1)),
    ("recorded", latency("mean_s", 1.0 + 1e-6)),
    ("recorded", latency("variance_s2", 1.0 + 1e-4)),
    ("recorded", latency("max_s", 1.0 + 1e-6)),
    ("recorded", a_latency_in_another_bin),
    ("series", a_window_counts_twice),
    ("gauges", a_busier_instance),
)


@pytest.mark.parametrize("check, change", WRONG, ids=[change.__name__ for _, change in WRONG])
def test_wrong_accounts_are_reported(check: str, change: Callable[[Accounts], None]) -> None:
    sound = finished()
    accounts = Accounts(sound.simulation, deepcopy(sound.run), sound.rows.copy(), sound.tables)
    change(accounts)
    assert any(sentence.startswith(f"{check}: ") for sentence in unbalanced(accounts))


def test_a_crash_that_spares_what_is_there_is_reported(tmp_path: Path) -> None:
    simulation = Simulation(everything().resolve("without_time"), requests_path=tmp_path / "rows")
    cluster: Any = simulation.cluster
    cluster.crash_node = cluster.crash_instance = cluster.restore_node = cluster.restore_instance = lambda name: None
    witness = CrashWitness(simulation)
    witness.finish(accounts_of(simulation, simulation.run()).rows)
    for part in (
        "tasks there, 0 killed",
        "its task",
        "was at an instance when it crashed, and is ok",
        "while it was down",
    ):
        assert any(part in sentence for sentence in witness.broken), part
