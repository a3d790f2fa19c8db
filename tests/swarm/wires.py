"""What must hold of packets, connections and pools between any two events, and what may be left of them at rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from sim.kernel.codes import (
    ACKED,
    CLOSED,
    CLOSING,
    DIALLING,
    FLYING,
    GONE,
    HOP,
    NONE,
    OPEN,
    OPENING,
    PACKET_PC,
    REPLYING,
    REQUEST,
    RESEND,
    RESETTING,
    RESPONSE,
)
from sim.kernel.events import KIND_MASK
from tests.swarm.snapshot import Snapshot, chain, doubly_linked

ANSWERS = (RESPONSE, RESETTING)


def used_packets(t: Snapshot) -> list[int]:
    free = set(chain(t.packet.next, t.number("packet_free"), t.packet.count))
    return [row for row in range(t.packet.count) if row not in free]


def used_connections(t: Snapshot) -> list[int]:
    return t.connection.where(lambda row: t.connection.state[row] != CLOSED)


def messages(t: Snapshot) -> Counter[int]:
    """For each task, the messages of it that are under way: packets that end one and have not been delivered."""
    found: Counter[int] = Counter()
    for p in used_packets(t):
        task = t.packet.task[p]
        if task == NONE or not t.used[task] or t.task.generation[task] != t.packet.task_generation[p]:
            continue
        travels = {FLYING: (REQUEST,), REPLYING: ANSWERS}.get(t.task.state[task], ())
        found[task] += t.packet.what[p] in travels and t.packet.ends[p] == 1 and not t.packet.delivered[p]
    return found


def errand_rows(t: Snapshot) -> list[int]:
    return [row for host in range(t.instance.count) if t.is_device(host) for row in t.present[host]]


# Rows ----------------------------------------------------------------------------------------------------------------


def rows_of_the_wire(t: Snapshot) -> Iterator[str]:
    """Packets and connections are used or free; each knows how many belong to it."""
    used = used_packets(t)
    if t.number("packets_used") != len(used):
        yield f"packets_used: {t.number('packets_used')}, not in the free list are {len(used)}"
    connections = used_connections(t)
    if t.number("connections_used") != len(connections):
        yield f"connections_used: {t.number('connections_used')}, in use are {len(connections)}"
    free = chain(t.connection.next, t.number("connection_free"), t.connection.count)
    if sorted(free) != t.connection.where(lambda row: t.connection.state[row] == CLOSED):
        yield f"connection free list: holds {sorted(free)}"
    belong = Counter(t.packet.connection[p] for p in used)
    for c in connections:
        if t.connection.packets[c] != belong[c]:
            yield f"connection {c}: has {belong[c]} packets, knows of {t.connection.packets[c]}"
        if t.connection.state[c] == CLOSING and not belong[c]:
            yield f"connection {c}: was left, has no packets, and is not free"
        if t.connection.state[c] == OPENING and not belong[c]:
            yield f"connection {c}: is dialled without a packet"
    for c in set(belong) - {NONE} - set(connections):
        yield f"connection {c}: is free and has {belong[c]} packets"


def drivers_of_packets(t: Snapshot) -> Iterator[str]:
    """Each packet waits for one thing: an event, a link's errand, its turn in a backlog or behind a lost one."""
    pending: Counter[int] = Counter()
    for rows in (t.heap, t.ready):
        for order, slot, generation in zip(rows.order, rows.slot, rows.generation, strict=True):
            if order & KIND_MASK in (HOP, ACKED, RESEND) and t.packet.generation[slot] == generation:
                pending[slot] += 1
    for row in errand_rows(t):
        p = t.task.carries[row]
        if t.task.pc[row] == PACKET_PC and t.packet.generation[p] == t.task.carries_generation[row]:
            pending[p] += 1
    in_turn = set(queued(t, "backlog_head"))
    in_turn |= {p for p in queued(t, "first") if t.packet.here[p] and t.packet.known[p]}
    for p in used_packets(t):
        if pending[p] != (p not in in_turn):
            yield f"packet {p}: {pending[p]} things will happen to it, in its turn: {p in in_turn}"


def queued(t: Snapshot, head: str) -> list[int]:
    """Packets in one of the lists of all connections' flows."""
    heads = t.state["connection"]["flow"][head][: t.connection.count]
    return [p for c in used_connections(t) for way in (0, 1) for p in chain(t.packet.next, int(heads[c][way]), 1 << 20)]


def flows(t: Snapshot) -> Iterator[str]:
    """Lists end where they say; what flies is what was sent and is not known to have arrived; windows are obeyed."""
    table = t.state["connection"]["flow"]
    used = used_packets(t)
    waiting = set(queued(t, "backlog_head"))
    for c in used_connections(t):
        for way in (0, 1):
            flow = table[c][way]
            for first, last in (("first", "last"), ("backlog_head", "backlog_tail")):
                rows = chain(t.packet.next, int(flow[first]), t.packet.count)
                if int(flow[last]) != (rows[-1] if rows else NONE):
                    yield f"connection {c}: {first} leads to {rows}, {last} says {int(flow[last])}"
                if any(t.packet.connection[p] != c for p in rows):
                    yield f"connection {c}: {first} leads to packets of others"
            if t.connection.streams[c] == 0 or is_lost(t, c):  # one of its ends may be dead
                continue
            sent = [
                p
                for p in used
                if t.packet.connection[p] == c
                and p not in waiting
                and t.packet.what[p] == (REQUEST, RESPONSE)[way]
                and not t.packet.known[p]
            ]
            if float(flow["flight"]) != sum(t.packet.bytes[p] for p in sent):
                yield f"connection {c}: {sum(t.packet.bytes[p] for p in sent)} bytes fly, it knows {flow['flight']}"
            if float(flow["window"]) < 1.0:
                yield f"connection {c}: a window of {flow['window']} segments"


def is_lost(t: Snapshot, c: int) -> bool:
    """Has the process at its far end died since it was dialled?"""
    server = t.connection.server[c]
    return bool(
        t.instance.deaths[server] != t.connection.server_deaths[c]
        or t.instance.silent_deaths[server] != t.connection.server_silent[c]
    )


# Connections ---------------------------------------------------------------------------------------------------------


def streams(t: Snapshot) -> Iterator[str]:
    """Attempts that are bound to a connection are in its list, as many as it may carry."""
    bound: dict[int, list[int]] = {}
    for row in t.task.where(lambda row: t.is_root(row) and t.used[row] and t.task.call[row] != NONE and t.is_wired):
        if t.task.connection[row] >= 0:
            bound.setdefault(t.task.connection[row], []).append(row)
    for c in used_connections(t):
        if t.connection.state[c] == OPENING:
            continue
        rows = chain(t.task.stream_next, t.connection.first_stream[c], t.task.count)
        before = [NONE, *rows]
        if any(t.task.stream_previous[row] != before[n] for n, row in enumerate(rows)):
            yield f"connection {c}: back links of its streams"
        if sorted(rows) != bound.get(c, []) or t.connection.streams[c] != len(rows):
            yield f"connection {c}: lists {sorted(rows)}, bound are {bound.get(c, [])}, says {t.connection.streams[c]}"
        if len(rows) > t.state["transport"][t.connection.transport[c]]["streams"]:
            yield f"connection {c}: carries {len(rows)} requests"
    for c in bound.keys() - set(used_connections(t)):
        yield f"connection {c}: is free, and tasks {bound[c]} are bound to it"


def pools(t: Snapshot) -> Iterator[str]:
    """Counts of a pool are those of its rows; who waits has a reason to hope."""
    waiting: list[int] = []
    severed = t.task.where(lambda row: t.used[row] and t.task.call[row] != NONE and t.task.connection[row] == GONE)
    """Their callers, who are paused perhaps, are still to learn it, and then let the others dial."""
    for pool in range(t.pool.count):
        mine = [
            c
            for c in used_connections(t)
            if t.connection.pool[c] == pool and t.connection.client_deaths[c] == t.pool.client_deaths[pool]
        ]
        opening = [c for c in mine if t.connection.state[c] == OPENING]
        live = [c for c in mine if t.connection.state[c] in (OPENING, OPEN)]
        listed = chain(t.connection.next, t.pool.first[pool], t.connection.count)
        yield from doubly_linked(f"pool {pool}", listed, t.connection.previous, t.pool.last[pool])
        rows = chain(t.task.next, t.pool.waiting_head[pool], t.task.count)
        yield from doubly_linked(f"those who wait for {pool}", rows, t.task.previous, t.pool.waiting_tail[pool])
        waiting += rows
        with_room = [c for c in live if c not in opening and t.connection.listed[c]]
        if sorted(listed) != with_room:
            yield f"pool {pool}: lists {sorted(listed)}, with room are {with_room}"
        told = {
            "open": len(live),
            "dialling": len(opening),
            "idle": sum(t.connection.streams[c] == 0 for c in listed),
            "waiting": len(rows),
        }
        for field, count in told.items():
            if getattr(t.pool, field)[pool] != count:
                yield f"pool {pool}: {field} says {getattr(t.pool, field)[pool]}, there are {count}"
        told_soon = {t.task.client_instance[row] for row in severed} & {t.task.client_instance[row] for row in rows}
        if rows and not live and not told_soon:
            yield f"pool {pool}: {len(rows)} wait, and there is no connection, nor is one dialled"
        if rows and listed:
            yield f"pool {pool}: {len(rows)} wait, and {listed} have room"
        for c in live:
            rules = t.state["transport"][t.connection.transport[c]]
            if 0 <= rules["most_open"] < len(live) or rules["most_idle"] < told["idle"]:
                yield f"pool {pool}: {len(live)} connections, {told['idle']} of them idle"
            full = t.connection.streams[c] >= rules["streams"]
            if c not in opening and full == bool(t.connection.listed[c]):
                yield f"connection {c}: {t.connection.streams[c]} streams, listed: {t.connection.listed[c]}"
    if sorted(waiting) != t.task.where(lambda row: t.used[row] and t.task.state[row] == DIALLING):
        yield f"pools: {sorted(waiting)} wait in them, in that state are others"


CHECKS: tuple[Callable[[Snapshot], Iterator[str]], ...] = (rows_of_the_wire, drivers_of_packets, flows, streams, pools)


def not_at_rest(t: Snapshot) -> Iterator[str]:
    """With nothing to come, no message is under way, and connections are idle."""
    if t.number("packets_used"):
        yield f"{t.number('packets_used')} packets are left"
    for c in used_connections(t):
        if t.connection.state[c] != OPEN or (t.connection.streams[c] == 0 and not t.connection.listed[c]):
            yield f"connection {c}: in state {t.connection.state[c]} with {t.connection.streams[c]} streams"
