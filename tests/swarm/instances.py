"""What must hold at every instance and node: who is present, who waits, who runs, who gets how much."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from sim.engine.devices import ENDLESS
from sim.kernel.codes import CPU_WAIT, EVENT_LOOP, NONE, ON_CPU, QUEUED, SILENT, THREADS
from tests.swarm.snapshot import ROUNDING, Snapshot, chain, doubly_linked


def residents(t: Snapshot) -> Iterator[str]:
    """Counts of tasks and workers; nothing stays where it crashed."""
    for host in range(t.instance.count):
        roots = [row for row in t.present[host] if t.is_root(row) or t.is_device(host)]
        if t.instance.in_system[host] != len(roots):
            yield f"instance {host}: in_system {t.instance.in_system[host]}, present are {len(roots)}"
        holders = [row for row in t.present[host] if t.task.holds_worker[row]]
        if t.instance.busy_workers[host] != len(holders):
            yield f"instance {host}: busy_workers {t.instance.busy_workers[host]}, held are {len(holders)}"
        if t.instance.model[host] == THREADS:
            if len(holders) > t.instance.workers[host]:
                yield f"instance {host}: {len(holders)} of {t.instance.workers[host]} workers are busy"
            if holders != [row for row in roots if t.task.state[row] != QUEUED]:
                yield f"instance {host}: who runs and who holds a worker differ"
        if (t.instance.down[host] or t.node.down[t.instance.node[host]]) and t.present[host]:
            yield f"instance {host}: is down and holds {len(t.present[host])} rows"
    for row in t.task.where(lambda row: t.used[row]):
        if t.task.state[row] == SILENT and t.task.call[row] == NONE:
            yield f"task {row}: silent, and nobody waits"
        if t.task.depth[row] > t.number("depth_limit"):
            yield f"task {row}: at depth {t.task.depth[row]}"


def queues(t: Snapshot) -> Iterator[str]:
    """A queue holds exactly those that wait, within its bound, and only while all workers or the loop are busy."""
    for host in range(t.instance.count):
        rows = chain(t.task.next, t.instance.queue_head[host], t.task.count)
        yield from doubly_linked(f"queue of {host}", rows, t.task.previous, t.instance.queue_tail[host])
        waiting = [row for row in t.present[host] if t.task.state[row] in (QUEUED, CPU_WAIT)]
        if t.instance.queue_length[host] != len(rows) or sorted(rows) != waiting:
            yield f"queue of {host}: holds {rows}, length says {t.instance.queue_length[host]}, waiting are {waiting}"
        if 0 <= t.instance.queue_bound[host] < len(rows):
            yield f"queue of {host}: {len(rows)} in a queue of {t.instance.queue_bound[host]}"
        if rows and t.instance.model[host] == THREADS and t.instance.busy_workers[host] < t.instance.workers[host]:
            yield f"queue of {host}: not empty while workers idle"
        if rows and t.instance.model[host] == EVENT_LOOP and t.instance.running[host] == 0:
            yield f"queue of {host}: not empty while the loop idles"
        states = {t.task.state[row] for row in rows}
        if states - {{THREADS: QUEUED, EVENT_LOOP: CPU_WAIT}.get(t.instance.model[host])}:
            yield f"queue of {host}: holds tasks in states {states}"


def bursts(t: Snapshot) -> Iterator[str]:
    """An instance's pairing heap holds its running bursts in heap order, and its next end is armed."""
    for host in range(t.instance.count):
        if t.instance.running[host] == ENDLESS:
            continue
        rows = pairing_heap(t, host)
        running = [row for row in t.present[host] if t.task.state[row] == ON_CPU]
        if sorted(rows) != running or t.instance.running[host] != len(rows):
            yield f"bursts of {host}: heap {sorted(rows)}, on CPU {running}, running says {t.instance.running[host]}"
        if t.instance.model[host] == EVENT_LOOP and len(rows) > 1:
            yield f"bursts of {host}: {len(rows)} on an event loop"
        yield from heap_order(t, rows)
        position, rate = t.position[host], t.instance.rate[host]
        if (position != NONE) != (len(rows) > 0 and rate > 0.0):
            yield f"bursts of {host}: {len(rows)} at rate {rate}, position {position}"
        if position == NONE or not rows:
            continue
        if not 0 <= position < t.armed.count or t.armed.instance[position] != host:
            yield f"bursts of {host}: position {position} of the armed heap belongs to another"
            continue
        ahead_s = (min(t.task.finish[row] for row in rows) - t.instance.clock[host]) / rate
        ends_s = t.instance.settled[host] + ahead_s
        if abs(t.armed.time[position] - ends_s) > ROUNDING * max(1.0, t.now):
            yield f"bursts of {host}: the next ends at {ends_s}, armed is {t.armed.time[position]}"
    if sum(position != NONE for position in t.position) != t.armed.count:
        yield "armed: as many entries as instances with a position"


def pairing_heap(t: Snapshot, host: int) -> list[int]:
    """All rows of the heap; as many as there are tasks at most."""
    rows: list[int] = []
    stack = [t.instance.top[host]]
    while stack and len(rows) <= t.task.count:
        row = stack.pop()
        if row != NONE:
            rows.append(row)
            stack += [t.task.next[row], t.task.child[row]]
    return rows


def heap_order(t: Snapshot, rows: Iterable[int]) -> Iterator[str]:
    for row in rows:
        before = row
        for child in chain(t.task.next, t.task.child[row], t.task.count):
            if t.task.previous[child] != before:
                yield f"burst {child}: stands behind {before}, its back link says {t.task.previous[child]}"
            if (t.task.finish[child], t.task.burst_order[child]) < (t.task.finish[row], t.task.burst_order[row]):
                yield f"burst {child}: ends before its parent {row}"
            before = child


def shares(t: Snapshot) -> Iterator[str]:
    """Nodes share max–min fairly what their instances ask for; instances share evenly what they get."""
    for node in range(t.node.count):
        hosts = [host for host in range(t.instance.count) if t.instance.node[host] == node]
        wishes = [min(t.instance.cores[host], float(t.instance.running[host])) for host in hosts]
        if abs(t.node.demand[node] - sum(wishes)) > ROUNDING * max(1.0, sum(wishes)):
            yield f"node {node}: demand {t.node.demand[node]}, wished for is {sum(wishes)}"
        fair = water_fill(t.node.cores[node], wishes)
        for host in hosts:
            if t.instance.cores[host] != (0.0 if t.is_paused(host) else t.instance.own_cores[host]):
                yield f"instance {host}: may use {t.instance.cores[host]} cores"
        for host, share in zip(hosts, fair, strict=True):
            if abs(t.instance.share[host] - share) > ROUNDING:
                yield f"instance {host}: has {t.instance.share[host]} cores, its fair share is {share}"
            running = t.instance.running[host]
            speed = t.node.speed[node] * t.instance.own_speed[host]
            rate = share / running * speed if running else 0.0
            if abs(t.instance.rate[host] - rate) > ROUNDING * max(1.0, rate):
                yield f"instance {host}: rate {t.instance.rate[host]}, should be {rate}"


def water_fill(capacity: float, wishes: Sequence[float]) -> list[float]:
    """Serve the smallest wish first: each gets its wish, or an equal part of what is left, whichever is less."""
    shares = [0.0] * len(wishes)
    left = capacity
    by_size = sorted(range(len(wishes)), key=lambda n: wishes[n])
    for served, n in enumerate(by_size):
        shares[n] = min(wishes[n], left / (len(wishes) - served))
        left -= shares[n]
    return shares


CHECKS: tuple[Callable[[Snapshot], Iterator[str]], ...] = (residents, queues, bursts, shares)
